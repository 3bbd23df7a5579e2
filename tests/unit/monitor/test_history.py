import math
from dataclasses import replace

import pytest

from pete.events import Checked, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned
from pete.monitor.history import History
from tests.unit.monitor.synthetic import night


def fold(*parts):
    history = History()
    for part in parts:
        for event in part:
            history.take(event)
    return history


def started(**changes):
    given = {"base": "b", "engine": "fake", "device": "cpu", "dtype": "float32", "dtype_reason": "", "trainable": 1, "parameters": 9,
             "steps": 100, "train_rows": 1, "valid_rows": 1, "pid": 7}  # fmt: skip
    return Started(**(given | changes))


def step(number, at=None, *, loss=3.0, tokens=10, seconds=1.0, **changes):
    when = float(number if at is None else at)
    given = {"lr": 1e-4, "grad_norm": 1.0, "trained_tokens": 5, "memory": 100}
    return Step(step=number, loss=loss, tokens=tokens, seconds=seconds, time=when, monotonic=when, **(given | changes))


def test_a_resumed_run_takes_back_what_came_after_its_checkpoint():
    first = [started(time=0.0, monotonic=0.0), Validated(step=0, loss=4.0, best=False, time=0.0, monotonic=0.0), *map(step, range(1, 21))]
    first += [
        Validated(step=10, loss=3.0, best=True, time=20.0, monotonic=20.0),
        Validated(step=20, loss=2.0, best=True, time=20.0, monotonic=20.0),
    ]
    first += [Sampled(step=20, prompt="p", text="t", time=20.0, monotonic=20.0), Saved(step=20, checkpoint="c", time=20.0, monotonic=20.0)]
    again = [started(resumed_from=12, time=100.0, monotonic=3.0), step(13, 101, loss=9.0), step(14, 102, loss=9.0)]
    history = fold(first, again)
    assert list(history.columns["step"]) == list(range(1, 15)) and history.step == 14
    assert [v.step for v in history.validations] == [0, 10] and history.best.loss == 3.0 and history.base_loss == 4.0
    assert history.sampled is None and history.saved is None and history.sittings == 2 and history.began == 100.0
    assert history.naps == [], "the time between two sittings is no sleep"
    assert history.pace == 1.0 and math.isclose(history.smoothed(13), (3.0 + 9.0 + 9.0) / 3)


def test_a_resumed_run_without_a_step_yet_stands_at_its_checkpoint():
    history = fold([started(), step(1), step(2)], [started(resumed_from=0)])
    assert history.step == 0 and len(history) == 0 and history.pace is None and history.speed(10) is None


def test_a_step_that_is_told_twice_counts_once():
    history = fold([started(), step(1), step(2), step(3), step(2, 4, loss=1.0)])
    assert list(history.columns["step"]) == [1, 2] and history.columns["loss"][-1] == 1.0


def test_naps_are_wall_clock_ahead_of_monotonic():
    events = [started(time=0.0, monotonic=0.0), step(1, 10), replace(step(2, 20), time=3620.0), replace(step(3, 30), time=3635.0)]
    history = fold(events)
    (nap,) = history.naps
    assert nap.until == 3620.0 and nap.seconds == 3600.0
    assert history.longest_gap == 10.0, "asleep is not silent"


def test_a_clock_that_was_set_back_is_no_nap():
    assert fold([started(time=9000.0, monotonic=0.0), step(1, 10)]).naps == []


def test_the_machine_and_the_plan_are_those_of_this_sitting():
    plan = Planned(memory=5, available=9, seconds=10.0, tokens=3, basis="guess")
    history = fold([Checked(findings=[], machine={}), plan, Warned(message="before"), started(), step(1)])
    assert history.planned is plan and history.sittings == 1 and history.training
    history.take(Checked(findings=[], machine={}))
    assert history.planned is None and history.sittings == 2 and not history.training and history.started is not None
    crashed_while_loading = fold([Checked(findings=[], machine={}), Checked(findings=[], machine={}), started()])
    assert crashed_while_loading.sittings == 2 and crashed_while_loading.training


def test_a_warning_that_comes_again_moves_to_the_end():
    history = fold([Warned(message="a"), Warned(message="b"), Warned(message="a")])
    assert list(history.warnings) == ["b", "a"]


def test_patience_grows_with_the_steps_and_the_longest_silence():
    history = fold([started(time=0.0, monotonic=0.0)])
    assert history.patience == 900
    history.take(step(1, 5))
    assert history.patience == 60
    history.take(step(2, 105, seconds=100))
    assert history.patience == pytest.approx(10 * (105 - 5 + 1) / 2)
    validated = fold([started(time=0.0, monotonic=0.0), step(1, 1), Validated(step=1, loss=1.0, best=True, time=301.0, monotonic=301.0)])
    assert validated.patience == 900


def test_the_pace_holds_validations_in_their_share():
    history = fold(night(400, nap_at=0))
    assert 8.4 < history.pace < 8.9, "8.4 s a step and 19 s in a hundred"


def test_smoothing_is_sums_over_sums_like_the_report():
    from pete.report.training import read_training

    events = list(night(500))
    training, history = read_training(events), fold(events)
    for index in (0, 1, 250, 499):
        assert history.smoothed(index) == pytest.approx(training.smoothed()[index])
    assert history.best.step == training.best_step


@pytest.mark.parametrize("points", [1, 2, 7, 200, 5000])
def test_curves_are_thin_and_whole(points):
    history = fold(night(700))
    for curve in (history.loss_curve(points), history.curve("speed", points), history.curve("lr", points)):
        assert len(curve) == min(points, 700) and curve == sorted(curve)
        assert curve[0][0] == 1.0
    assert points == 1 or history.loss_curve(points)[-1][0] == 700.0
    assert history.curve("tokens", 1)[0][1] == pytest.approx(sum(history.columns["tokens"]) / 700)


def test_the_same_events_give_the_same_history():
    assert vars(fold(night(300))) == vars(fold(night(300)))


def test_finished_ends_it():
    assert isinstance(fold(night(200, steps=200, end="done")).finished, Finished)
