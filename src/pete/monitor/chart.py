"""Line charts of text: braille dots, two by four a cell, with numbered axes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from rich.cells import cell_len
from rich.text import Text

from pete.words import short

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille cell, by row and column."""
LEAST_WIDTH, LEAST_HEIGHT = 20, 4
Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Marks:
    """Single points drawn over the line: a character, its style, and the one among them that stands out."""

    points: Points
    glyph: str
    style: str
    best: tuple[float, float] | None = None
    best_glyph: str = ""


def chart(line: Points, width: int, height: int, *, style: str, marks: Marks | None = None) -> list[Text]:
    """A drawing of exactly `height` lines of at most `width` cells, axes included; empty when there is no room or no point.

    Args:
        line: (step, value) in order; steps that are missing are drawn through.
        width: cells.
        height: lines; two of them are the axis and its numbers.
        style: of the line.
        marks: points over the line.
    """
    over = list(marks.points) if marks else []
    everything = [*line, *over]
    if width < LEAST_WIDTH or height < LEAST_HEIGHT or not everything:
        return []
    rows = height - 2
    low, high = _range([value for _, value in everything])
    labels = _value_labels(low, high, rows)
    gutter = max(map(len, labels.values())) + 1
    cells = width - gutter - 1
    if cells < LEAST_WIDTH // 2:
        return []
    first = min(0.0, min(x for x, _ in everything))
    last = max(*(x for x, _ in everything), first + 1)

    def across(step: float, slots: int) -> int:
        return min(slots - 1, max(0, round((step - first) / (last - first) * (slots - 1))))

    def up(value: float, slots: int) -> int:
        return min(slots - 1, max(0, round((high - value) / (high - low) * (slots - 1))))

    bits = [[0] * cells for _ in range(rows)]
    for x, y in _joined([(across(x, 2 * cells), up(y, 4 * rows)) for x, y in line]):
        bits[y // 4][x // 2] |= DOTS[y % 4][x % 2]
    glyphs = [[(chr(0x2800 + b) if b else " ", style) for b in row] for row in bits]
    if marks:
        for x, y in _apart(over, marks.best, lambda step: across(step, cells)):
            best = (x, y) == marks.best
            glyphs[up(y, rows)][across(x, cells)] = (
                marks.best_glyph if best else marks.glyph,
                f"bold {marks.style}" if best else marks.style,
            )

    drawn = []
    for at, row in enumerate(glyphs):
        text = Text().append(f"{labels.get(at, ''):>{gutter}}{'┤' if at in labels else '│'}", style="dim")
        for ink, run in groupby(row, key=lambda cell: cell[1] if cell[0] != " " else None):
            text.append("".join(glyph for glyph, _ in run), style=ink)
        drawn.append(text)
    ticks = {across(step, cells): step for step in _nice(first, last, max(2, cells // 12)) if step == int(step)}
    axis = "".join("┴" if at in ticks else "─" for at in range(cells))
    drawn.append(Text(" " * gutter + "└" + axis, style="dim"))
    under = " " * (gutter + 1)
    for at, step in sorted(ticks.items()):
        label = f"{step:,.0f}"
        place = min(width - len(label), max(0, gutter + 1 + at - len(label) // 2))
        if place > len(under.rstrip()) + (1 if under.strip() else -1) and cell_len(label) <= width:
            under = under.rstrip().ljust(place) + label
    drawn.append(Text(under[:width], style="dim"))
    return drawn


def _range(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    room = (high - low) * 0.04 or abs(high) * 0.05 or 1.0
    return low - room, high + room


def _nice(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two others, at most about `most` of them."""
    rough = (high - low) / max(1, most)
    if rough <= 0 or not math.isfinite(rough):
        return []
    power = 10.0 ** math.floor(math.log10(rough))
    step = next((power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * 0.999), power * 10)
    begin = math.ceil(low / step - 1e-9)
    return [k * step for k in range(begin, begin + most + 2) if k * step <= high + step * 1e-9]


def _value_labels(low: float, high: float, rows: int) -> dict[int, str]:
    """Row -> number, for the vertical axis: round numbers, as many as are easy to read."""
    wanted = min(4, max(2, rows // 2))
    labels: dict[int, str] = {}
    for most in range(max(1, rows // 2), rows + 1):
        values = _nice(low, high, most)
        if len(values) >= 2:
            digits = max(0, -math.floor(math.log10(values[1] - values[0]) + 1e-9))
            words = [f"{v:,.{digits}f}" if digits <= 3 and abs(v) < 1e5 else short(v) for v in values]
            rounded = [min(rows - 1, max(0, round((high - v) / (high - low) * (rows - 1)))) for v in values]
            labels = dict(zip(rounded, words, strict=True))
        if len(labels) >= wanted:
            break
    return labels or {rows - 1: short(low), 0: short(high)}


def _joined(dots: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The dots of straight lines from each point to the next."""
    drawn = list(dots[:1])
    for (x0, y0), (x1, y1) in pairwise(dots):
        count = max(abs(x1 - x0), abs(y1 - y0))
        drawn += [(round(x0 + (x1 - x0) * i / count), round(y0 + (y1 - y0) * i / count)) for i in range(1, count + 1)]
    return drawn


def _apart(points: Points, best: tuple[float, float] | None, column: Callable[[float], int]) -> list[tuple[float, float]]:
    """Marks that do not crowd each other; the last and the best are always among them, the best on top."""
    kept: list[tuple[float, float]] = []
    for point in points:
        if not kept or column(point[0]) - column(kept[-1][0]) >= 3:
            kept.append(point)
    if points and points[-1] not in kept:
        kept.append(points[-1])
    return [p for p in kept if p != best] + ([best] if best else [])
