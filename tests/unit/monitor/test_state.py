import json

import pytest

from pete.events import Checked, Finished, Started
from pete.history import fold
from pete.monitor.state import Failure, RunFacts, document, observe
from pete.monitor.watch import harmless_event
from pete.words import GB
from tests.unit.monitor.synthetic import night

PID = 4242


def look(events, after=1.0, *, lock_owner_pid=PID, asleep=0.0, failure=None, resumable=True):
    """The state `after` seconds of wall clock past the last event, `asleep` of them slept."""
    history = fold(events)
    last = history.last
    now, monotonic = (last.time + after, last.monotonic + after - asleep) if last else (1e9, 1e6)
    return observe(history, RunFacts("a run", "/runs/a run", "'a run'", lock_owner_pid, failure, resumable), now, monotonic)


@pytest.mark.parametrize(
    ("events", "given", "condition", "command"),
    [
        ([], {"lock_owner_pid": None}, "waiting", "pete resume 'a run'"),
        ([], {}, "starting", ""),
        ([], {"lock_owner_pid": None, "failure": Failure("BaseModelError", "no weights")}, "crashed", "pete resume 'a run'"),
        (list(night(0))[:1], {}, "starting", ""),
        (list(night(0))[:2], {"after": 901.0}, "stalled", ""),
        (list(night(0))[:2], {"lock_owner_pid": None, "resumable": False}, "crashed", "pete train"),
        (night(50), {}, "running", ""),
        (night(50), {"after": 80.0}, "running", ""),
        (night(50), {"after": 100.0}, "stalled", ""),
        (night(50), {"after": 3600.0, "asleep": 3590.0}, "running", ""),
        (night(50), {"lock_owner_pid": None}, "crashed", "pete resume 'a run'"),
        (night(50), {"lock_owner_pid": 99}, "starting", ""),
        (night(50, end="interrupted"), {"lock_owner_pid": None}, "interrupted", "pete resume 'a run'"),
        (night(50, end="interrupted"), {"after": 1.0}, "interrupted", "pete resume 'a run'"),
        (night(50, end="interrupted"), {"after": 60.0}, "starting", ""),
        (night(200, steps=200, end="done"), {"lock_owner_pid": None, "after": 1e6}, "finished", "pete test 'a run'"),
        (night(200, steps=200, end="done"), {}, "finished", "pete test 'a run'"),
        (night(200, steps=200, end="not better"), {"lock_owner_pid": None}, "failed", "pete train"),
        (night(200, steps=200, end="not better"), {}, "failed", "pete train"),
        (night(200, steps=200, end="not published"), {"lock_owner_pid": None}, "failed", "pete resume 'a run'"),
    ],
)
def test_conditions(events, given, condition, command):
    state = look(events, **given)
    assert (state.condition, state.next) == (condition, command)
    assert state.over == (condition in ("finished", "interrupted", "failed", "crashed"))
    assert bool(state.history.unpublished) == (condition == "failed")


def test_the_finish_is_the_pace_over_the_steps_that_are_left():
    state = look(night(1000, nap_at=0), after=2.0)
    assert state.remaining == pytest.approx(1000 * state.history.pace - 2.0)
    assert state.finish == pytest.approx(state.now + state.remaining) and 8.4 < state.history.pace < 8.8
    assert state.plan[1] == pytest.approx(state.began + 41 + 16000)
    assert look(night(200, steps=200), after=5.0).remaining == 0.0
    for over in (look(night(1000), lock_owner_pid=None), look(night(1000), after=900.0), look(night(2000, end="done"))):
        assert over.remaining is None and over.finish is None


def test_naps_are_counted_and_the_one_just_now_too():
    state = look(night(1000), after=4000.0, asleep=3999.0)
    assert [round(gap.seconds) for gap in state.sleep_gaps] == [2820, 3999] and document(state)["asleep"] == pytest.approx(6819)
    assert state.condition == "running" and state.silent == pytest.approx(1.0)


def test_another_boots_clock_counts_as_awake():
    state = look(night(50), after=3600.0, asleep=5e8)
    assert state.silent == 3600.0 and state.sleep_gaps == ()


def test_memory_is_of_this_sitting_and_its_peak_of_the_run():
    history = list(night(200, steps=400))
    last = history[-1]
    again = Started(
        **{**vars(next(e for e in history if isinstance(e, Started))), "resumed_from": 200, "time": last.time + 9, "monotonic": 1.0}
    )
    state = document(look([*history, again]))
    assert state["memory"] is None and state["loss"] is None and state["step"] == 200
    assert state["resumed_from"] == 200 and state["sessions"] == 2
    grown = document(look(night(1500)))["memory"]
    assert grown["swap_growth"] == pytest.approx(0.6 * GB, abs=2) and grown["peak"] >= grown["device"]
    assert document(look(night(2000, end="done")))["memory"]["peak"] == int(7.7 * GB), "the peak the run itself reports"


def test_what_a_model_or_a_file_says_is_harmless():
    evil = "a\x1b[2Jb\x07c\u202ed\x9b31me\u200bf\ud800g\nh\x1b]0;title\x07i"
    events = list(night(400))
    for event in events:
        for key, value in vars(event).items():
            if isinstance(value, str):
                object.__setattr__(event, key, evil)
        if isinstance(event, Checked):
            event.findings[:] = [{"name": evil, "level": "stop", "found": evil}]
    state = document(look(map(harmless_event, events), failure=Failure("K", "m")))
    text = json.dumps(state, ensure_ascii=False)
    text.encode()
    assert state["sample"]["text"] == state["model"]["base"] == state["plan"]["basis"] == "abcd31mef?g hi"
    assert state["cautions"][0] == {"name": "abcd31mef?g hi", "level": "stop", "found": "abcd31mef?g hi", "advice": ""}
    assert state["warnings"] == ["abcd31mef?g hi"]
    assert not [c for c in text if ord(c) < 32 or c in "\x9b\u202e\u200b"]


def test_json_is_numbers():
    printed = json.loads(json.dumps(document(look(night(1234)))))
    assert printed["step"] == 1234 and printed["steps"] == 2000 and printed["condition"] == "running" and printed["pid"] == PID
    assert all(isinstance(printed[key], float) for key in ("remaining", "finish", "loss", "lr", "grad_norm", "tokens_per_second", "asleep"))
    assert set(printed["curves"]) == {"loss", "validation", "lr", "grad_norm", "speed", "memory"}
    assert len(printed["curves"]["loss"]) == 200 and len(printed["curves"]["validation"]) == 13


def test_an_absurd_pace_gives_no_estimate():
    state = look([e for e in night(3, seconds=1e9) if not isinstance(e, Finished)])
    assert state.finish is None
