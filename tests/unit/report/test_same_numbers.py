"""The monitor and the report about one run that slept, crashed, was resumed and came to its end."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pete import events
from pete.events import Event, Finished, Started
from pete.monitor.frame import frame
from pete.monitor.watch import Watch
from pete.report.model import read_report
from pete.report.process import process
from pete.words import GB
from tests.unit.monitor.synthetic import EVENING, night
from tests.unit.report.conftest import MakeRun
from tests.unit.report.test_process import table


def broken_night() -> Iterator[Event]:
    """Steps 1 to 350 with a sleep before 200, a crash; an hour later from step 300 on, after a reboot, with more memory."""
    first = list(night(350, steps=500, nap_at=200))
    yield from first
    shift = first[-1].time + 3600 - EVENING
    for event in night(500, steps=500, nap_at=0, end="done", pid=99):
        event = replace(event, time=event.time + shift, monotonic=event.monotonic - 4000)
        if isinstance(event, Started):
            yield replace(event, resumed_from=300)
        elif getattr(event, "step", 301) > 300:
            yield replace(event, peak_memory=9 * GB) if isinstance(event, Finished) else event


def test_they_say_the_same(make_run: MakeRun):
    run = make_run(list(broken_night()), overrides=["train.steps=500"])
    last = list(events.read(run.events_file))[-1]
    seen, told = Watch(run, lambda: last.time + 60, lambda: last.monotonic + 60).look(), read_report(run).training

    assert (seen.condition, seen.step, seen.sessions, seen.resumed_from) == ("finished", 500, 2, 300)
    assert (told.done, told.last_step, len(told.sessions), told.session.from_step) == (True, 500, 2, 300)
    assert told.repeated == 50 and [s.step for s in told.steps] == list(range(1, 501))
    assert seen.asleep == told.asleep == pytest.approx(47 * 60) and [n.step for n in told.sleep_gaps] == [199]
    assert seen.memory and seen.memory.peak == told.peak_memory == 9 * GB
    assert seen.tokens_per_second_overall == told.tokens_per_second == pytest.approx(240, abs=10)
    assert seen.validation and told.best and (seen.validation.best_step, seen.validation.base) == (told.best_step, told.base_loss)
    assert seen.loss_smoothed == told.smoothed()[-1] and seen.took == told.seconds and seen.began == told.session.began


def test_and_in_the_same_words(make_run: MakeRun):
    run = make_run(list(broken_night()), overrides=["train.steps=500"])
    data, last = read_report(run), list(events.read(run.events_file))[-1]
    state = Watch(run, lambda: last.time + 60, lambda: last.monotonic + 60).look()
    screen, page = "\n".join(line.plain for line in frame(state, 160, 50)), table(process(data), "Prediction against what happened")
    assert "7.4 GB (was 9, +22%)" in screen and page["Peak memory"] == ("7.4 GB", "9 GB", "+21.6%")
    took = page["Training time"][1]
    assert f"after {took} of training" in screen and took.startswith("1 h ")
    assert "once, 47 min" in screen and dict(data.night)["asleep"].startswith("47 min 00 s in all")
