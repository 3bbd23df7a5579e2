import math
from dataclasses import replace

import pytest

from pete.events import Checked, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned
from pete.history import fold as fold_all
from tests.unit.monitor.synthetic import night


def fold(*parts):
    return fold_all(event for part in parts for event in part)


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
    assert [s.step for s in history.steps] == list(range(1, 15)) and history.last_step == 14
    assert [v.step for v in history.validations] == [0, 10] and history.best.loss == 3.0 and history.base_loss == 4.0
    assert history.samples == [] and history.saved is None and len(history.sessions) == 2 and history.session.began == 100.0
    assert history.sleep_gaps == [], "the time between two sessions is no sleep"
    assert history.pace == 1.0 and math.isclose(history.smoothed_at(13), (3.0 + 9.0 + 9.0) / 3)


def test_a_resumed_run_without_a_step_yet_stands_at_its_checkpoint():
    history = fold([started(), step(1), step(2)], [started(resumed_from=0)])
    assert history.last_step == 0 and history.steps == [] and history.pace is None and history.repeated == 2


def test_one_sitting():
    steps = [step(n, loss=4.0 - n, memory=100 + n) for n in (1, 2, 3)]
    looks = [Validated(step=n, loss=loss, best=True, time=float(n), monotonic=float(n)) for n, loss in ((0, 4.0), (2, 2.0), (3, 2.5))]
    events = [started(time=0.0, monotonic=0.0), looks[0], *steps[:2], looks[1], steps[2], looks[2]]
    history = fold(events)
    assert (history.best_step, history.last_validation.loss, history.last_step, history.seconds) == (2, 2.5, 3, 3.0)
    assert (history.tokens, history.tokens_per_second, history.trainable_share) == (30, 10.0, 0.1)
    assert (history.peak_memory, history.done, history.session.reason) == (103, False, "no end recorded")
    history.take(Finished(step=3, reason="done", best_step=2, best_loss=2.0, seconds=7.5, peak_memory=900, time=4.0, monotonic=4.0))
    assert (history.seconds, history.peak_memory, history.done) == (7.5, 900, True)
    assert history.counts == {"Started": 1, "Validated": 3, "Step": 3, "Finished": 1}


def test_sittings_say_where_they_began_and_how_they_ended():
    end = Finished(step=3, reason="interrupted", best_step=0, best_loss=None, seconds=1.0, time=1002.0, monotonic=1002.0)
    first = [started(time=0.0, monotonic=0.0), *map(step, range(1, 5))]
    history = fold(first, [started(resumed_from=2, time=1000.0, monotonic=1000.0), step(3, 1001, memory=50), end])
    assert [(s.from_step, s.last_step, s.reason, s.ended) for s in history.sessions] == [
        (0, 4, "no end recorded", 4.0),
        (2, 3, "interrupted", 1002.0),
    ]
    assert history.repeated == 2 and history.peak_memory == 100, "the most of any session, lost steps included"
    assert history.best_step == 0 and not history.done


def test_nothing_at_all():
    history = fold()
    assert (history.last_step, history.best, history.seconds, history.tokens_per_second, history.trainable_share) == (0, None, 0, 0, 0)
    assert history.smoothed() == [] == history.loss_curve(9) == history.curve("lr", 9) and history.patience == 900


def test_a_step_that_is_told_twice_counts_once():
    history = fold([started(), step(1), step(2), step(3), step(2, 4, loss=1.0)])
    assert [s.step for s in history.steps] == [1, 2] and history.steps[-1].loss == 1.0 and history.repeated == 2


def test_naps_are_wall_clock_ahead_of_monotonic():
    events = [started(time=0.0, monotonic=0.0), step(1, 10), replace(step(2, 20), time=3620.0), replace(step(3, 30), time=3635.0)]
    history = fold(events)
    (gap,) = history.sleep_gaps
    assert gap.until == 3620.0 and gap.seconds == 3600.0 == history.asleep and gap.step == 1
    assert history.session.longest_gap == 10.0, "asleep is not silent"


def test_a_clock_that_was_set_back_is_no_nap():
    assert fold([started(time=9000.0, monotonic=0.0), step(1, 10)]).sleep_gaps == []


def test_the_machine_and_the_plan_are_those_of_this_sitting():
    plan = Planned(memory=5, available=9, seconds=10.0, tokens=3, basis="guess")
    history = fold([Checked(findings=[], machine={}), plan, Warned(message="before"), started(), step(1)])
    assert history.session.planned is plan and len(history.sessions) == 1 and history.session.training
    history.take(Checked(findings=[], machine={}))
    assert history.session.planned is None and len(history.sessions) == 2 and not history.session.training and history.started is not None
    assert history.planned is plan, "the last one there was"
    crashed_while_loading = fold([Checked(findings=[], machine={}), Checked(findings=[], machine={}), started()])
    assert len(crashed_while_loading.sessions) == 2 and crashed_while_loading.session.training


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


def test_smoothing_is_sums_over_sums():
    history = fold([started(), step(1, loss=1.0), step(2, loss=2.0), step(3, loss=6.0, trained_tokens=15)])
    assert history.smoothed() == pytest.approx([4.2] * 3), "a window of five sees all three, the longest row three times"


@pytest.mark.parametrize("points", [1, 2, 7, 200, 5000])
def test_curves_are_thin_and_whole(points):
    history = fold(night(700))
    for curve in (history.loss_curve(points), history.curve("speed", points), history.curve("lr", points)):
        assert len(curve) == min(points, 700) and curve == sorted(curve)
        assert curve[0][0] == 1.0
    assert points == 1 or history.loss_curve(points)[-1][0] == 700.0
    assert history.curve("tokens", 1)[0][1] == pytest.approx(history.tokens / 700)


def test_the_same_events_give_the_same_history():
    assert vars(fold(night(300))) == vars(fold(night(300)))


def test_finished_ends_it():
    assert isinstance(fold(night(200, steps=200, end="done")).finished, Finished)
