"""The picture of a bench: bars with their spread, ours in colour, the hardware's floor as a dashed line."""

from collections.abc import Sequence
from dataclasses import dataclass

from pete.report.bench import Bench, OnDevice, Spread, Trained
from pete.report.charts import DASHED, LETTER, WIDE, Axes, Svg
from pete.words import GB, gigabytes, short

ROW, HEAD, GAP = 26, 44, 26
"""Pixels of a bar's row, of the lines above a panel, and between two panels."""


@dataclass(frozen=True)
class Bar:
    """A bar, its spread as a thin line over it, and what stands beside it."""

    value: Spread
    words: str
    floor: float | None = None
    """Of this row alone."""


def bench_svg(bench: Bench) -> str:
    """The whole file."""
    panels = [panel for device in bench.devices for panel in _panels(bench, device)]
    height = 34 + sum(HEAD + ROW * len(rows) + GAP for _, _, rows, _ in panels)
    svg = Svg(WIDE, height)
    busy = f"; BUSY, {max(bench.load.before, bench.load.during):.1f} cores at other work: all figures suffer" if bench.load.busy else ""
    end = "" if bench.finished else "; not finished"
    svg.text((8, 16), f"{bench.base}, {bench.machine['chip']}, {bench.load.cores} cores, {bench.made[:10]}{busy}{end}", "ink")
    label = LETTER * max(len(name) for _, _, rows, _ in panels for name, _, _ in rows) + 20
    top = 34.0
    for title, heads, rows, floor in panels:
        _draw(svg, top, label, title, heads, rows, floor)
        top += HEAD + ROW * len(rows) + GAP
    return svg.alone("bench", _text(bench))


Rows = Sequence[tuple[str, bool, tuple[Bar, Bar]]]
"""(name, ours, a bar for each column)"""
Panel = tuple[str, tuple[str, str], Rows, float | None]
"""Title, the columns' heads, rows, and the floor of the first column where it is the same for all."""


def _panels(bench: Bench, device: OnDevice) -> list[Panel]:
    where = device.card or device.device
    training = [
        (
            one.title, one.way == "ours",
            (
                Bar(one.speed, f"{short(one.speed.median)}, {one.of_floor:.0%} of floor{_first(one)}"),
                Bar(_exact(one.peak / GB), gigabytes(one.peak)),
            ),
        )
        for one in device.trained
    ]  # fmt: skip
    decoding = [
        (
            one.title, one.way != "generate",
            (
                Bar(one.one, f"{short(one.one.median)}, {one.of_floor:.0%} of floor", device.floor.read / one.read),
                Bar(one.many, short(one.many.median)),
            ),
        )
        for one in device.decoded
    ]  # fmt: skip
    found: list[Panel] = [
        (f"Training on {where}, {device.dtype}", ("real tokens/s", "peak memory, GB"), training, device.floor.speed.median)
    ]
    if decoding:
        found.append((f"Answering on {where}", ("tokens/s, one row", f"tokens/s, {bench.together} rows"), decoding, None))
    return found


def _first(one: Trained) -> str:
    return "" if one.warm_up else ", first step"


def _exact(value: float) -> Spread:
    return Spread(value, value, value)


def _draw(svg: Svg, top: float, label: float, title: str, heads: tuple[str, str], rows: Rows, floor: float | None) -> None:
    middle = label + 0.6 * (svg.width - label)
    bottom = top + HEAD + ROW * len(rows)
    svg.text((8, top + 8), title, "ink")
    for column, (head, left, right) in enumerate(zip(heads, (label, middle + 24), (middle, svg.width - 12), strict=True)):
        bars = [bars[column] for _, _, bars in rows]
        most = max([bar.value.high for bar in bars] + [bar.floor for bar in bars if bar.floor] + ([floor] if floor and not column else []))
        axes = Axes(svg, left, top + HEAD, right, bottom, (0.0, most * 1.06 or 1.0), (len(rows), 0))
        axes.scale_x(5)
        svg.text((left, top + HEAD - 12), head)
        for place, (_, ours, _) in enumerate(rows):
            bar, color = bars[place], "tuned" if ours else "base"
            axes.plot([(0, place + 0.34), (bar.value.median, place + 0.34)], color, 9)
            if bar.value.high > bar.value.low:
                axes.plot([(bar.value.low, place + 0.34), (bar.value.high, place + 0.34)], "ink", 1)
            svg.text(axes.at(0, place + 0.8, dx=3), bar.words, color)
            if bar.floor:
                axes.plot([(bar.floor, place + 0.05), (bar.floor, place + 0.95)], "ink", 1.1, DASHED)
        if floor and not column:
            axes.plot([(floor, 0), (floor, len(rows))], "ink", 1.1, DASHED)
            svg.text(axes.at(floor, 0, dy=-12), f"floor {short(floor)}", "ink", "end")
    for place, (name, ours, _) in enumerate(rows):
        svg.text((label - 10, top + HEAD + (place + 0.5) * ROW), name, "tuned" if ours else "ink", "end")


def _text(bench: Bench) -> str:
    """What the picture shows, in words."""
    parts = []
    for device in bench.devices:
        parts += [f"{one.title} {short(one.speed.median)} real tokens/s and {gigabytes(one.peak)} in training" for one in device.trained]
        parts.append(f"matrix floor {short(device.floor.speed.median)}")
        parts += [f"{one.title} {short(one.one.median)} tokens/s in answering" for one in device.decoded]
    return f"Bench of {bench.base}: " + "; ".join(parts) + "."
