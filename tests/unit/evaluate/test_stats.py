import math

import numpy as np
import pytest

from pete.evaluate import stats
from pete.evaluate.stats import Rate, auc, holm, paired, share, share_change, share_of_way, t_quantile, unpaired


@pytest.fixture(autouse=True)
def _few_resamples() -> None:
    """As many as there are."""


def names(count: int, each: int = 1) -> list[str]:
    return [str(i) for i in range(count) for _ in range(each)]


def covers(monkeypatch, times: int, truth: float, draw) -> float:
    monkeypatch.setattr(stats, "RESAMPLES", 600)
    # other seeds for the resampling: the same would draw along with the data
    intervals = [draw(np.random.default_rng(i), 10_000 + i) for i in range(times)]
    return sum(i.low <= truth <= i.high for i in intervals) / times


def test_many_rows_of_one_prompt_are_one_draw():
    spread = np.random.default_rng(0).normal(0.3, 1.0, 40)
    honest = paired(list(spread), names(40))
    repeated = paired([x for x in spread for _ in range(10)], names(40, 10))
    assert repeated.mean == pytest.approx(honest.mean) and repeated.clusters == 40
    assert repeated.high - repeated.low == pytest.approx(honest.high - honest.low, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 20, 60])
def test_the_paired_interval_covers_the_truth_as_often_as_it_says(n, monkeypatch):
    def draw(rng, i):
        answers = 0.2 + rng.normal(0, 1, n)[:, None] + rng.normal(0, 1, (n, 3))
        return paired(list(answers.ravel()), names(n, 3), seed=i)

    assert covers(monkeypatch, 400, 0.2, draw) == pytest.approx(0.95, abs=0.03)


@pytest.mark.slow
def test_the_other_intervals_cover_too(monkeypatch):
    def apart(rng, i):
        return unpaired(list(rng.normal(0.5, 1, 60)), names(60), list(rng.normal(0.2, 0.8, 38)), names(38), seed=i)

    def way(rng, i):
        start = rng.normal(-1, 0.7, 60)
        reached = start + rng.normal(1, 1, 60)
        return share_of_way(list(start), list(reached), names(60), list(rng.normal(1, 0.8, 38)), names(38), seed=i)

    def shares(rng, i):
        kind = rng.beta(2, 2, 60)[:, None] + 0.5
        before, after = rng.random((60, 3)) < 0.3 * kind, rng.random((60, 3)) < 0.2 * kind
        return share_change(list(before.ravel()), list(after.ravel()), names(60, 3))

    assert covers(monkeypatch, 300, 0.3, apart) == pytest.approx(0.95, abs=0.035)
    assert covers(monkeypatch, 300, 0.5, way) == pytest.approx(0.95, abs=0.035)
    assert 0.92 <= covers(monkeypatch, 300, -0.1, shares) <= 0.99


def test_few_say_so_and_one_says_nothing():
    assert paired([1.0, 1.2, 0.9], ["a", "b", "c"]).underpowered
    one = paired([1.0, 2.0], ["a", "a"])
    assert (one.low, one.high, one.verdict, one.p) == (-math.inf, math.inf, "no significant difference", 1.0)
    with pytest.raises(ValueError, match="no differences"):
        paired([], [])


def test_verdicts_and_order():
    values = [0.5 + 0.01 * i for i in range(30)]
    up = paired(values, names(30))
    assert up.verdict == "up" and up.p < 0.001
    assert paired([-v for v in values], names(30)).verdict == "down"
    assert paired(values[::-1], names(30)[::-1]) == up, "the same rows in another order"
    same = paired([0.0] * 30, names(30))
    assert same.verdict == "no significant difference" and same.p == 1.0


@pytest.mark.parametrize(("freedom", "wanted"), [(1, 12.706), (2, 4.303), (5, 2.571), (10, 2.228), (18, 2.101), (59, 2.001)])
def test_students_t_as_in_the_tables(freedom, wanted):
    assert t_quantile(freedom) == pytest.approx(wanted, abs=0.001)


def test_p_and_interval_agree_for_few():
    edge = paired([0.0, 1.0, 2.0, 3.0], names(4))
    assert (edge.low > 0) == (edge.p < 0.05)
    # t = 2.324 at 3 degrees of freedom, integrated numerically
    assert edge.p == pytest.approx(0.1027, abs=0.001)


def test_no_difference_in_shares_still_has_a_width():
    none = share_change([False] * 20, [False] * 20, names(20))
    assert none.mean == 0 and none.low < -0.05 < 0.05 < none.high and none.verdict == "no significant difference"
    worse = share_change([False] * 60, [True] * 30 + [False] * 30, names(60))
    assert worse.mean == 0.5 and worse.verdict == "up" and worse.p < 1e-6
    assert share_change([True, False] * 30, [True, False] * 30, names(30, 2)).low > -0.07


def test_a_share_of_no_way_says_nothing():
    values = list(np.random.default_rng(3).normal(0, 1, 30))
    nowhere = share_of_way(values, [v + 1 for v in values], names(30), values, names(30))
    assert math.isinf(nowhere.low) and math.isinf(nowhere.high)
    half = share_of_way(values, [v + 1 for v in values], names(30), [v + 2 for v in values], names(30))
    assert half.mean == pytest.approx(0.5) and half.low > 0
    few = share_of_way(values[:8], [v + 1 for v in values[:8]], names(8), [v + 9 for v in values[:8]], names(8))
    assert few.underpowered and few.low > 0


def test_nothing_found_is_bounded_from_both_sides_at_95_percent():
    """A share whose 95% interval ends at `high` comes out as nothing in 2.5% of sixties, not in 5%."""
    high = Rate(0, 60).high
    assert (1 - high) ** 60 < 0.025 < (1 - 0.05) ** 60
    alike = share([False] * 180, names(60, 3))
    assert alike.high == pytest.approx(high), "three answers that always agree are worth one"


@pytest.mark.slow
@pytest.mark.parametrize("n", [8, 30, 80])
def test_a_ratio_of_sums_is_covered_where_rows_are_of_very_different_size(n, monkeypatch):
    """Short rows gain twice as much a byte: the mean of rows is another number and lies outside."""

    def draw(rng, i):
        size = rng.choice([50.0, 200.0], n)
        each = np.where(size < 100, 0.4, 0.2) + rng.normal(0, 0.15, n)
        return paired(list(each * size), names(n), seed=i, sizes=list(size))

    truth = (0.4 * 50 + 0.2 * 200) / 250
    assert covers(monkeypatch, 400, truth, draw) == pytest.approx(0.95, abs=0.035)


@pytest.mark.slow
def test_two_ratios_of_sums_are_compared_as_ratios_of_sums(monkeypatch):
    def draw(rng, i):
        a, b = rng.choice([50.0, 200.0], 60), rng.choice([80.0, 120.0], 40)
        gained = (np.where(a < 100, 0.4, 0.2) + rng.normal(0, 0.15, 60)) * a
        other = (0.1 + rng.normal(0, 0.15, 40)) * b
        return unpaired(list(gained), names(60), list(other), names(40), seed=i, sizes=(list(a), list(b)))

    assert covers(monkeypatch, 300, 0.24 - 0.1, draw) == pytest.approx(0.95, abs=0.035)
    few = unpaired([10.0, 90.0], ["a", "b"], [5.0, 5.0], ["c", "d"], sizes=([100.0, 300.0], [50.0, 50.0]))
    assert few.mean == pytest.approx(0.25 - 0.1) and few.underpowered


def test_rates():
    assert Rate(0, 60).high == pytest.approx(0.0602, abs=1e-4) and Rate(60, 60).low == pytest.approx(0.9398, abs=0.001)
    assert Rate(0, 0).share == 0 and Rate(0, 0).high == 1
    assert Rate(5, 60).low == pytest.approx(0.0361, abs=0.001) and str(Rate(5, 60)) == "5 of 60"


def test_holm_is_stricter_than_looking_once_and_milder_than_bonferroni():
    adjusted = holm({"a": 0.01, "b": 0.04, "c": 0.03})
    assert adjusted == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06})
    assert holm({}) == {} and holm({"only": 0.04}) == {"only": 0.04}


def test_auc():
    assert auc([2, 3], [0, 1]) == 1 and auc([0], [1]) == 0 and auc([1, 1], [1]) == 0.5
    assert math.isnan(auc([], [1]))
