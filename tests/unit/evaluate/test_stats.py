import math

import numpy as np
import pytest

from pete.evaluate.stats import paired


def test_many_rows_of_one_prompt_are_one_draw():
    spread = np.random.default_rng(0).normal(0.3, 1.0, 40)
    honest = paired(list(spread), [str(i) for i in range(40)])
    repeated = paired([x for x in spread for _ in range(10)], [str(i) for i in range(40) for _ in range(10)])
    assert repeated.mean == pytest.approx(honest.mean) and repeated.clusters == 40
    assert repeated.high - repeated.low == pytest.approx(honest.high - honest.low, rel=0.05)


@pytest.mark.parametrize(("n", "wanted"), [(8, 0.95), (30, 0.93), (60, 0.94)])
def test_the_interval_covers_the_truth_about_as_often_as_it_says(n, wanted, monkeypatch):
    monkeypatch.setattr("pete.evaluate.stats.RESAMPLES", 600)
    rng = np.random.default_rng(1)
    hits = 0
    for i in range(400):
        interval = paired(list(rng.normal(0.2, 1.0, n)), [str(k) for k in range(n)], seed=i)
        hits += interval.low <= 0.2 <= interval.high
    assert hits / 400 == pytest.approx(wanted, abs=0.03)


def test_few_say_so_and_one_says_nothing():
    assert paired([1.0, 1.2, 0.9], ["a", "b", "c"]).underpowered
    one = paired([1.0, 2.0], ["a", "a"])
    assert (one.low, one.high, one.verdict) == (-math.inf, math.inf, "no significant difference")
    with pytest.raises(ValueError, match="no differences"):
        paired([], [])


def test_verdicts_and_order():
    values, clusters = [0.5 + 0.01 * i for i in range(30)], [str(i) for i in range(30)]
    assert paired(values, clusters).verdict == "up"
    assert paired([-v for v in values], clusters).verdict == "down"
    assert paired(values, clusters) == paired(values, clusters)
