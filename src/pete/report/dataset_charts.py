"""Pictures of a dataset: how long its answers are, and how many rows each category has."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from statistics import median

from pete.data.examples import Example, Split
from pete.report.blocks import Chart
from pete.report.charts import LETTER, WIDE, Axes, Svg, shorten

BARS = 24
"""Of a drawing of lengths, beside the last one."""


def length_chart(words: Sequence[int]) -> Chart | None:
    """Answers by their length in words; the longest twentieth is one bar at the end. None without rows."""
    if not words:
        return None
    ordered = sorted(words)
    text = (
        f"Words of an answer: {ordered[0]:,} to {ordered[-1]:,}, half below {median(ordered):.0f}, "
        f"nine in ten below {ordered[int(0.9 * (len(ordered) - 1))]:,}."
    )
    return Chart(text, partial(_lengths_svg, ordered))


def category_chart(rows: Sequence[Example], splits: Mapping[Split, Sequence[Example]], titles: Mapping[str, str]) -> Chart | None:
    """Rows of each category, and how many of them are learned from; None where there is only one category."""
    counts = Counter(row.category for row in rows)
    if len(counts) < 2:
        return None
    trained = Counter(row.category for row in splits.get("train", ()) if row.task == "write")
    bars = [(titles.get(name, name), count, trained[name]) for name, count in counts.most_common(20)]
    text = "Rows by category: " + ", ".join(f"{name} {count:,} ({learned:,} to learn from)" for name, count, learned in bars) + "."
    return Chart(text, partial(_categories_svg, bars))


def _lengths_svg(ordered: Sequence[int], width: int, text: str) -> str:
    svg = Svg(width, 230)
    end = max(ordered[int(0.95 * (len(ordered) - 1))], 10)
    size = max(1, -(-end // BARS))
    bars = Counter(min(count // size, BARS) for count in ordered)
    axes = Axes(svg, 40, 24, width - 8, svg.height - 38, (0, size * (BARS + 1)), (0, max(bars.values()) * 1.06))
    axes.scale_y(5)
    axes.scale_x()
    for bar, count in sorted(bars.items()):
        at = size * (bar + 0.5)
        axes.plot([(at, 0), (at, count)], "faint" if bar == BARS else "tuned", round(0.72 * (axes.right - axes.left) / (BARS + 1), 1))
    middle = min(float(median(ordered)), size * BARS)
    axes.plot([(middle, 0), (middle, axes.y[1])], "ink", 1.0, "5 3")
    near_end = middle > 0.6 * axes.x[1]
    svg.text(
        axes.at(middle, axes.y[1], -6 if near_end else 6, 8), f"half below {median(ordered):.0f}", "ink", "end" if near_end else "start"
    )
    svg.text((0, 8), f"answers; grey: of {size * BARS:,} words and more" if bars[BARS] else "answers")
    svg.text((width - 8, svg.height - 6), "words", anchor="end")
    return svg.finish(f"lengths-{width}", text)


def _categories_svg(bars: Sequence[tuple[str, int, int]], width: int, text: str) -> str:
    step = 28 if width == WIDE else 32
    names = [shorten(name) for name, _, _ in bars]
    label = LETTER * max(map(len, names)) + 12
    svg = Svg(width, step * len(bars) + 46)
    axes = Axes(svg, label, 20, width - 46, 20 + step * len(bars), (0, max(count for _, count, _ in bars)), (len(bars), 0))
    axes.scale_x()
    for place, (name, (_, count, learned)) in enumerate(zip(names, bars, strict=True)):
        y = place + 0.5
        svg.text((label - 8, axes.at(0, y)[1]), name, "ink", "end")
        axes.plot([(0, y), (count, y)], "rule", 13)
        axes.plot([(0, y), (learned, y)], "tuned", 13)
        svg.text(axes.at(count, y, 6), f"{count:,}", "ink")
    svg.text((label, 8), "rows; coloured: to learn from, grey: held out")
    return svg.finish(f"categories-{width}", text)
