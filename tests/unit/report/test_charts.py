import re

from pete.report.charts import NARROW, WIDE, forest_chart
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
    return float(re.findall(r'<use href="#[^"]+" x="([\d.]+)"', svg)[0])


def zero(svg: str) -> float:
    return float(re.findall(r'd="M ([\d.]+) [\d.]+ \nL \1 ', svg)[0])


def test_right_is_better_whatever_the_measure_counts():
    for width in (WIDE, NARROW):
        better, worse = drawn(1.0, 0.0, width), drawn(0.0, 1.0, width)
        assert dot(better) > zero(better) and dot(worse) < zero(worse)
        assert "+1.00" in better and "\u22121.00" in worse
    assert "better" in drawn(1.0, 0.0, WIDE) and "+1.00  better" in drawn(1.0, 0.0, WIDE)


def test_a_difference_without_an_interval_is_drawn_hollow_and_in_grey():
    measures = compare(evaluation([held_out(100, 80)]), "f").judgement.measures
    chart = forest_chart(measures, "x")
    assert chart is not None and "no interval from 1" in chart.text
    assert "var(--good)" not in chart.draw(WIDE, chart.text)


def test_what_is_neither_better_nor_worse_has_no_line():
    assert forest_chart([], "x") is None
