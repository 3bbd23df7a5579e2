import pytest

from pete.report.training import read_training
from tests.unit.report.conftest import HISTORY, finished, started, step, validated


def test_one_sitting():
    training = read_training(HISTORY)
    assert training.base_loss == 4.0
    assert training.best is not None and training.best_step == 10 and training.best.loss == 2.5
    assert training.last_step == 10 and training.seconds == 7.5
    assert training.tokens == 1000 and training.tokens_per_second == pytest.approx(1000 / 5.0)
    assert training.trainable_share == pytest.approx(50 / 1000)
    assert training.peak_memory == 1_000_000_010
    assert [s.reason for s in training.sittings] == ["done"]


def test_after_a_resume_the_last_telling_of_a_step_counts():
    training = read_training(
        [
            started(), validated(0, 4.0), step(1, 3.9), step(2, 3.8), validated(2, 3.5), step(3, 9.0), step(4, 9.0), validated(4, 1.0),
            started(at=1000, resumed_from=2), step(3, 3.7, at=1001), finished(3, 2, "interrupted"),
        ]
    )  # fmt: skip
    assert [(s.step, s.loss) for s in training.steps] == [(1, 3.9), (2, 3.8), (3, 3.7)], "step 4 was lost with the first sitting"
    assert training.best is not None and training.best.loss == 3.5, "and so was its validation"
    assert training.repeated == 2
    assert [(s.from_step, s.last_step, s.reason) for s in training.sittings] == [(0, 4, "no end recorded"), (2, 3, "interrupted")]


def test_a_run_without_its_end_sums_its_steps():
    training = read_training(HISTORY[:-1])
    assert training.finished is None and training.seconds == pytest.approx(10 * 0.5)
    assert training.sittings[0].reason == "no end recorded"


def test_sleep_shows_as_the_wall_clock_running_ahead():
    nap = step(2, 3.0)
    late = nap.__class__(**{**nap.__dict__, "time": nap.time + 3600})
    training = read_training([started(), step(1, 3.0), late])
    assert training.asleep == pytest.approx(3600)


def test_nothing_at_all():
    training = read_training([])
    assert training.last_step == 0 and training.best is None and training.seconds == 0 and training.tokens_per_second == 0
    assert training.trainable_share == 0 and training.smoothed() == []


def test_smoothing_divides_sums_by_sums():
    training = read_training([started(), step(1, 1.0), step(2, 2.0), step(3, 6.0)])
    assert training.smoothed() == pytest.approx([3.0, 3.0, 3.0]), "a window of five over three equal steps sees them all"
