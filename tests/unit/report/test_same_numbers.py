"""The monitor and the report about one run that slept, crashed, was resumed and came to its end."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pete import events
from pete.events import Event, Finished, Started
from pete.monitor.frame import frame
from pete.monitor.watch import Watch
from pete.report.chapters.process import process
from pete.report.model import read_report
from pete.words import GB
from tests.unit.monitor.synthetic import EVENING, night
from tests.unit.report.chapters.test_process import table
from tests.unit.report.conftest import MakeRun


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
    seen, data = Watch(run, lambda: last.time + 60, lambda: last.monotonic + 60).look(), read_report(run)

    assert seen.condition == "finished" and data.training.done
    for history in (seen.history, data.training):
        assert (history.last_step, len(history.sessions), history.session.from_step) == (500, 2, 300)
        assert history.repeated == 50 and [s.step for s in history.steps] == list(range(1, 501))
        assert history.asleep == pytest.approx(47 * 60) and [gap.step for gap in history.sleep_gaps] == [199]
        assert history.peak_memory == 9 * GB and history.tokens_per_second == pytest.approx(240, abs=10)
    assert seen.history.smoothed() == data.training.smoothed() and seen.history.seconds == data.training.seconds


def test_and_in_the_same_words(make_run: MakeRun):
    run = make_run(list(broken_night()), overrides=["train.steps=500"])
    data, last = read_report(run), list(events.read(run.events_file))[-1]
    state = Watch(run, lambda: last.time + 60, lambda: last.monotonic + 60).look()
    screen, page = "\n".join(line.plain for line in frame(state, 160, 50)), table(process(data), "Prediction against what happened")
    assert "7.4 GB (was 9, +22%)" in screen and page["Peak memory"] == ("7.4 GB", "9 GB", "+21.6%")
    took = page["Training time"][1]
    assert f"after {took} of training" in screen and took.startswith("1 h ")
    assert "once, 47 min" in screen and dict(data.night)["asleep"].startswith("47 min 00 s in all")
