import time
from dataclasses import replace

from pete.events import Checked, Finished, Planned, Warned
from pete.history import fold
from pete.report.night import night_summary
from tests.unit.report.conftest import HISTORY, finished, started, step, validated

CHECKED = Checked(time=1_700_000_000, monotonic=0.0, findings=[], machine={})


def planned(memory=1_000_000_000, seconds=6.0, at=0.0):
    return Planned(
        time=1_700_000_000 + at, monotonic=at, memory=memory, available=8_000_000_000, seconds=seconds, tokens=1000, basis="an earlier run"
    )


def told(events):
    lines = night_summary(fold(events), time.gmtime)
    assert all(len(line) == 2 and "\n" not in line[1] for line in lines)
    return lines, {name: text for name, text in lines if name}


def test_a_quiet_night():
    lines, found = told([CHECKED, planned(), *HISTORY])
    assert found["began"] == "Tue 14 Nov, 22:13" and found["ended"] == "Tue 14 Nov, 22:13, 10 s later; 10 of 10 steps"
    assert found["validation"] == "4.000 before training, best 2.500 at step 10"
    assert found["loss"].startswith("3.8") and "3.1" in found["loss"]
    assert found["memory"] == "0.9 GB at the highest; planned 0.9 GB (+0.0%)"
    assert found["time"] == "7.5 s of training; planned 6.0 s (+25.0%)"
    assert not {"asleep", "swap", "note", "break", "unfinished", "again"} & set(found)
    assert len(lines) <= 8, "short enough to read before coffee"


def test_a_night_with_everything_in_it():
    hour = 3600.0
    late = [replace(step(n, 3.0, at=n), time=1_700_000_000 + n + hour, swap=2_000_000_000) for n in (4, 5)]
    broke = [
        planned(memory=900_000_000),
        started(),
        validated(0, 4.0),
        step(1, 3.9),
        step(2, 3.8),
        validated(2, 2.0, True),
        step(3, 3.7),
        *late,
    ]
    notes = [Warned(time=1_700_000_006 + hour, monotonic=6.0, message=f"note {n}") for n in range(5)]
    again = [planned(at=2 * hour), started(at=2 * hour, resumed_from=2), *(step(n, 3.0, at=2 * hour + n) for n in range(3, 11))]
    end = [replace(validated(10, 2.5), time=1_700_000_000 + 2 * hour + 11, monotonic=2 * hour + 11)]
    last = replace(finished(10, 2), time=1_700_000_000 + 2 * hour + 12, monotonic=2 * hour + 12, peak_memory=3_300_000_000)
    lines, found = told([*broke, *notes, *again, *end, last])
    assert found["ended"] == "Wed 15 Nov, 00:13, 2 h 00 min later; 10 of 10 steps"
    assert found["break"] == "broke off (no reason recorded) Tue 14 Nov, 23:13 after step 5; went on Wed 15 Nov, 00:13 from step 2"
    assert ("", "3 steps after the last checkpoint had to be done again") in lines
    assert found["asleep"] == "1 h 00 min in all; training waited: 1 h 00 min until 23:13 (step 3)"
    assert found["validation"] == "4.000 before training, best 2.000 at step 2, 2.500 at the end"
    assert found["memory"] == "3.1 GB at the highest; planned 0.9 GB (+230.0%)", "against the plan of the session it happened in"
    assert [text for name, text in lines if name == "note"] == ["note 0", "note 1", "note 2"]
    assert ("", "and 2 more notes in train.log") in lines
    assert "swap" not in found, "the steps that swapped were lost, and done again without"


def test_swap_that_grew_is_told_and_a_machine_that_hides_it_is_not():
    swapped = [replace(event, swap=1_000_000_000 + 400_000_000 * (event.step > 4)) if hasattr(event, "lr") else event for event in HISTORY]
    assert "400" not in told(HISTORY)[1].get("swap", "") and "0.4 GB" in told(swapped)[1]["swap"]


def test_stopped_runs_say_how_to_go_on():
    assert told([*HISTORY[:5], finished(3, 3, "interrupted")])[1]["unfinished"] == "stopped on request; pete resume goes on"
    killed = told(HISTORY[:5])[1]
    assert killed["unfinished"] == "broke off (no reason recorded); pete resume goes on" and killed["ended"].endswith("3 of 10 steps")
    assert "planned" not in told([planned(), *HISTORY[:5], finished(3, 3, "interrupted")])[1]["time"], "half a run against a whole plan"


def test_a_run_in_vain_is_called_that_and_sends_nobody_to_resume():
    for reason, why in (("not better", "no step was better than the untrained base"), ("not published", "did not pass the proof")):
        found = told([*HISTORY[:-1], finished(10, 0, reason)])[1]
        assert why in found["unpublished"] and "unfinished" not in found and "resume" not in str(found)


def test_nothing_recorded_nothing_told():
    assert night_summary(fold([])) == [] and night_summary(fold([CHECKED, planned()])) == []
    bare = told([started(), Finished(step=0, reason="interrupted", best_step=0, best_loss=None, seconds=0.0)])[1]
    assert not {"loss", "validation", "memory", "swap"} & set(bare)
