import re

import pytest

from pete.evaluate.scorers import metrics
from pete.report.charts import NARROW, WIDE, Axes, Svg, _ticks, forest_chart
from pete.report.comparison import compare
from tests.unit.report.conftest import evaluation, held_out, sample


def drawn(base: float, tuned: float, width: int) -> str:
    samples = [
        sample(m, f"p{n}", f"{m} {n}", scores={"cliche.any": value}) for n in range(30) for m, value in (("base", base), ("tuned", tuned))
    ]  # fmt: skip
    chart = forest_chart(compare(evaluation(samples=samples), "f").judgement.measures, "x")
    assert chart is not None
    return chart.draw(width, chart.text)


def dot(svg: str) -> float:
    return float(re.findall(r'<circle cx="([\d.]+)"', svg)[0])


def zero(svg: str) -> float:
    return float(re.findall(r'points="([\d.]+),[\d.]+ \1,', svg)[0])


def test_right_is_better_whatever_the_measure_counts():
    for width in (WIDE, NARROW):
        better, worse = drawn(1.0, 0.0, width), drawn(0.0, 1.0, width)
        assert dot(better) > zero(better) and dot(worse) < zero(worse)
        assert "+1.00" in better and "\u22121.00" in worse
    assert "better" in drawn(1.0, 0.0, WIDE) and "+1.00  better" in drawn(1.0, 0.0, WIDE)


def test_no_measure_of_rewriting_is_too_long_for_its_place():
    titles = [metric.title for metric in metrics("rewrite") if metric.better != "neither"]
    assert len(titles) > 5 and [title for title in titles if len(title) > 30] == []


def test_a_difference_without_an_interval_is_drawn_hollow_and_in_grey():
    measures = compare(evaluation([held_out(100, 80)]), "f").judgement.measures
    chart = forest_chart(measures, "x")
    assert chart is not None and "no interval from 1" in chart.text
    svg = chart.draw(WIDE, chart.text)
    assert "var(--good)" not in svg and "<circle" in svg and 'fill="none" stroke="var(--faint)"' in svg


def test_what_is_neither_better_nor_worse_has_no_line():
    assert forest_chart([], "x") is None


@pytest.mark.parametrize(
    ("low", "high", "most", "words"),
    [
        (0, 60, 6, ["0", "10", "20", "30", "40", "50", "60"]),
        (5.43, 5.72, 3, ["5.5", "5.6", "5.7"]),
        (-0.31, 0.02, 4, ["\u22120.3", "\u22120.2", "\u22120.1", "0.0"]),
        (0, 540_000, 3, ["0", "200k", "400k"]),
        (0, 2e-4, 2, ["0", "1e-4", "2e-4"]),
        (0, 2, 2, ["0", "1", "2"]),
    ],
)
def test_ticks_are_round_and_inside(low, high, most, words):
    ticks = _ticks(low, high, most)
    assert [text for _, text in ticks] == words and all(low <= value <= high + 1e-9 for value, _ in ticks)


def test_what_is_off_the_scale_lies_at_its_edge():
    axes = Axes(Svg(100, 100), 10, 10, 90, 90, (0, 1), (0, 1))
    assert axes.at(0.5, 0.25) == (50, 70) and axes.at(2, -9) == (90, 90)


def test_foreign_words_are_text():
    svg = Svg(9, 9)
    svg.text((0, 0), "<b>&")
    assert "&lt;b&gt;&amp;" in svg.finish("x", "</title><script>: y") and "<script" not in svg.finish("x", "</title><script>: y")
