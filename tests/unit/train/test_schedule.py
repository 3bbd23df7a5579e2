import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.config import OptimConfig
from pete.train.schedule import FLOOR, lr


def optim(schedule: str = "cosine", warmup: int = 10) -> OptimConfig:
    return OptimConfig(learning_rate=1.0, warmup_steps=warmup, schedule=schedule)  # type: ignore[arg-type]


def test_warms_up_from_a_share_to_the_peak():
    rates = [lr(step, 100, optim()) for step in range(11)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == pytest.approx(1.0) and rates[10] == pytest.approx(1.0)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_comes_down_to_a_tenth_and_never_up_again(schedule):
    rates = [lr(step, 100, optim(schedule)) for step in range(10, 100)]
    assert rates == sorted(rates, reverse=True) and rates[-1] == pytest.approx(FLOOR)


def test_constant_stays():
    assert {lr(step, 100, optim("constant", 0)) for step in range(100)} == {1.0}


@given(st.integers(1, 500), st.integers(0, 400), st.sampled_from(["constant", "linear", "cosine"]))
def test_always_positive_and_never_above_the_peak(steps, warmup, schedule):
    assert all(0 < lr(step, steps, optim(schedule, warmup)) <= 1.0 for step in range(steps))
