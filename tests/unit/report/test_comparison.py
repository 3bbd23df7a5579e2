import math

import pytest

from pete.evaluate.stats import Rate
from pete.report.comparison import compare
from tests.unit.report.conftest import evaluation, held_out, sample

LN2 = math.log(2)


def test_bits_per_byte_and_their_gain_are_sums_over_sums():
    # 100 bytes at 2 bits and 300 bytes at 1 bit: (200 + 300) / 400, not (2 + 1) / 2
    rows = [held_out(200 * LN2, 150 * LN2, 100, "a"), held_out(300 * LN2, 300 * LN2, 300, "b", "service")]
    found = compare(evaluation(rows), "f")
    assert found.held_out is not None
    assert found.held_out.base == pytest.approx(1.25) and found.held_out.tuned == pytest.approx(450 / 400)
    assert found.held_out.change.mean == pytest.approx(1.25 - 450 / 400) and found.held_out.change.clusters == 2
    assert found.held_out.change == found.measure("gain").change  # type: ignore[union-attr]
    assert found.held_out.relative == pytest.approx(0.9 - 1)
    bases = {"Marketing": pytest.approx(2.0), "Customer Service": pytest.approx(1.0), "All": pytest.approx(1.25)}
    assert {title: gain.base for title, gain in found.gains.items()} == bases and list(found.gains) == list(bases)


def test_no_gain_stands_above_a_headline_that_got_worse():
    """Taglines gain much a byte and have few bytes; letters lose a little of many."""
    taglines = [held_out(60 * 1.9 * LN2, 60 * 1.55 * LN2, 60, f"tag {n}") for n in range(15)]
    letters = [held_out(900 * 1.4 * LN2, 900 * 1.46 * LN2, 900, f"letter {n}", "service") for n in range(15)]
    found = compare(evaluation([*taglines, *letters]), "f")
    assert found.held_out is not None and found.held_out.tuned > found.held_out.base
    assert found.held_out.change.mean < 0 and found.held_out.change.mean == pytest.approx(found.held_out.base - found.held_out.tuned)
    gained = found.measure("gain")
    assert gained is not None and gained.verdict != "better" and gained.change == found.held_out.change
    assert {o.gate.name: o.state for o in found.judgement.outcomes}["gain"] != "passed"


def test_rows_of_a_topic_are_one_unit():
    rows = [held_out(120, 100, topic="same") for _ in range(5)] + [held_out(120, 90, topic="other")]
    found = compare(evaluation(rows), "f")
    assert found.held_out is not None and found.held_out.change.clusters == 2 and found.held_out.change.underpowered


def test_responses_by_category_and_the_judgement():
    flagged = {"scores": {"degenerate.any": 1.0, "cliche.any": 1.0, "cliche.hashtags": 3.0}}
    samples = [
        sample("base", "a", "one two three four five", stop="length", tokens=200, seconds=6.0, leaks_clean=2, **flagged),
        sample("base", "b", "One two three four six", tokens=100),
        sample("tuned", "a", "plain words stand here"),
        sample("tuned", "b", "and others stand there", category="service"),
    ]
    found = compare(evaluation(samples=samples), "f")
    base, tuned = found.overall("base"), found.overall("tuned")
    assert base is not None and tuned is not None
    assert (base.answers, base.tokens, base.seconds) == (2, 150, 4.0)
    assert base.stops == {"end": 0.5, "length": 0.5}
    cliche = found.measure("cliche.any")
    assert cliche is not None and cliche.change.mean == pytest.approx(-0.5) and cliche.change.clusters == 2
    assert [(r.title, r.model) for r in found.categories] == [
        ("Marketing", "base"), ("Marketing", "tuned"), ("Customer Service", "tuned"), ("All", "base"), ("All", "tuned"),
    ]  # fmt: skip
    assert list(found.measures_by_category()) == ["Marketing", "Customer Service"]


def test_the_kth_answer_stands_beside_the_kth_answer():
    samples = [sample("base", "a", "b1"), sample("base", "a", "b2"), sample("tuned", "a", "t1")]
    (asked,) = compare(evaluation(samples=samples), "f").asked
    assert [(b and b.text, t and t.text) for b, t in asked.pairs] == [("b1", "t1"), ("b2", None)]


def test_speed_is_the_median_alone():
    tuned = compare(evaluation(), "f").alone("tuned")
    assert tuned is not None and tuned.seconds == 3.0 and tuned.prompts == 3


def test_an_evaluation_of_nothing():
    found = compare(evaluation(speed=[]), "f")
    assert found.held_out is None and not found.categories and not found.judgement.measures
    assert not found.speeds


@pytest.mark.parametrize(
    ("rate", "low", "high"),
    [(Rate(0, 60), 0.0, 0.0602), (Rate(3, 60), 0.0171, 0.1370), (Rate(60, 60), 0.9398, 1.0), (Rate(0, 0), 0.0, 1.0)],
)
def test_wilson_interval(rate, low, high):
    assert rate.low == pytest.approx(low, abs=1e-3) and rate.high == pytest.approx(high, abs=1e-3)
