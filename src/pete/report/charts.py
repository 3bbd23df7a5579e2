"""Charts as inline SVG: text stays text, colours are the page's CSS variables, the same data gives the same bytes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from html import escape

from pete.evaluate.results import Measure
from pete.history import History
from pete.report.blocks import Chart
from pete.report.comparison import ALL, Comparison
from pete.report.numbers import bounds, capital, of_unit, plain, signed
from pete.resources import PACKAGE
from pete.words import GB, gigabytes, short

WIDE, NARROW = 760, 350
WIDTHS = {"wide": WIDE, "narrow": NARROW}
"""CSS pixels; a phone gets its own drawing, because a shrunken one cannot be read."""
MOST_POINTS = 500
LETTER = 6.2
"""About how wide a letter of the charts is, in pixels."""
DASHED, DOTTED = "5 3", "2 2"

Point = tuple[float, float]


def loss_chart(training: History) -> Chart | None:
    """Train loss, validation loss, the base's validation loss, the best step; None before the first step."""
    return Chart(_loss_text(training), partial(_loss_svg, training)) if training.steps else None


def gain_chart(comparison: Comparison) -> Chart | None:
    """Held-out bits per byte of base and tuned by category; None without rows."""
    return Chart(_gain_text(comparison), partial(_gain_svg, comparison.gains)) if comparison.held_out else None


def forest_chart(measures: Sequence[Measure], name: str) -> Chart | None:
    """Differences with 95% intervals, each on its own scale, all turned so that right of the line is better; None without any.

    Args:
        measures: the rows, top to bottom; what is neither better nor worse is left out.
        name: keeps the ids of two such drawings on a page apart.
    """
    measures = [m for m in measures if m.better != "neither"]
    if not measures:
        return None
    values = "; ".join(
        f"{m.title} {of_unit(m.base, m.unit)} to {of_unit(m.tuned, m.unit)} ({bounds(m.change)}: {m.verdict})" for m in measures
    )
    caption = (
        "The line is the 95% interval. Each row has its own scale and is turned so that right is better. Grey is no significant "
        "difference: many are looked at, so a line that only just misses 0 may still be luck."
    )
    return Chart(f"Differences with 95% intervals: {values}.", partial(_forest_svg, measures, name), caption)


def pulse_chart(training: History) -> Chart | None:
    """Learning rate, gradient norm, tokens/s and memory over the steps, side by side; None before the first step."""
    if not training.steps:
        return None
    norms = [s.grad_norm for s in training.steps]
    text = (
        f"Learning rate: highest {short(max(s.lr for s in training.steps))}, at the end {short(training.steps[-1].lr)}. "
        f"Gradient norm: from {short(min(norms))} to {short(max(norms))}. "
        f"Speed: {short(training.tokens_per_second)} tokens/s over all steps. Memory: at most {gigabytes(training.peak_memory)}."
    )
    return Chart(text, partial(_pulse_svg, training))


# --- the same in a sentence --------------------------------------------------------------------------------------------


def _loss_text(training: History) -> str:
    """What the loss chart shows."""
    smooth = training.smoothed()
    moved = "fell" if smooth[-1] < smooth[0] else "went"
    words = [f"Training loss {moved} from {plain(smooth[0], 2)} to {plain(smooth[-1], 2)} nats a token over {training.last_step} steps."]
    if training.best is not None:
        before = f"{plain(training.base_loss)} for the base before training, " if training.base_loss is not None else ""
        words.append(f"Validation loss: {before}{plain(training.best.loss)} at its best, step {training.best.step}.")
    return " ".join(words)


def _gain_text(comparison: Comparison) -> str:
    """What the gain chart shows."""
    values = ", ".join(f"{title} {plain(h.base, 2)} to {plain(h.tuned, 2)}" for title, h in comparison.gains.items())
    held = comparison.held_out
    gain = f"; the gain is {plain(held.change.mean)}, 95% interval {bounds(held.change)}" if held is not None else ""
    return f"Bits per byte on unseen text, base to tuned, fewer is better: {values}{gain}."


# --- drawings ----------------------------------------------------------------------------------------------------------


def _loss_svg(training: History, width: int, text: str) -> str:
    svg = Svg(width, 330 if width == WIDE else 280)
    steps, smooth = [s.step for s in training.steps], training.smoothed()
    shown = [*smooth, *(v.loss for v in training.validations)]
    low, room, end = min(shown), max(max(shown) - min(shown), 0.05), max(steps[-1], 2)
    axes = Axes(svg, 40, 22, width - 6, svg.height - 38, (0, end), (low - 0.18 * room, low + 1.16 * room))
    axes.scale_y()
    axes.scale_x()
    svg.text((0, 8), "loss (nats a token)")
    svg.text((width - 6, svg.height - 6), "step", anchor="end")
    axes.plot(_thin(steps, [s.loss for s in training.steps]), "faint", 0.6, opacity=0.55)
    axes.plot(_thin(steps, smooth), "ink", 1.6)

    base, best = training.base_loss, training.best
    if base is not None:
        axes.plot([(0, base), (end, base)], "base", 1.1, DASHED)
        svg.text(axes.at(end, base, dy=-8), "base, validation", "base", "end")
    points = [(v.step, v.loss) for v in training.validations if v.step > 0]
    if points:
        axes.plot([(v.step, v.loss) for v in training.validations if v.step > 0 or base is not None], "tuned", 1.2)
        for point in points:
            svg.dot(axes.at(*point), "tuned", 3)
        under = base is not None and 0 <= base - points[-1][1] < 0.12 * room
        svg.text(axes.at(*points[-1], dy=14 if under else -12), "validation", "tuned", "end")
    if best is not None:
        bottom = axes.y[0]
        svg.dot(axes.at(best.step, best.loss), "tuned", 6, hollow=True)
        axes.plot([(best.step, bottom), (best.step, best.loss)], "tuned", 0.7, DOTTED)
        # the corner below the falling curve is the one place that is free in every run
        left = best.step > 0.35 * end
        words = f"best: {plain(best.loss)}, step {best.step}"
        svg.text(axes.at(best.step, bottom, -7 if left else 7, -10), words, "tuned", "end" if left else "start")
    middle = len(steps) // 3
    svg.text(axes.at(steps[middle], smooth[middle], -4, 14), "training", "ink", "end")
    return svg.finish(f"loss-{width}", text)


def _gain_svg(by_category: Mapping[str, Measure], width: int, text: str) -> str:
    wide = width == WIDE
    names, rows = [shorten(title) for title in by_category], list(by_category.values())
    label = LETTER * max(map(len, names)) + 12
    tall = 34 * len(rows)
    svg = Svg(width, tall + 54 if wide else 2 * (tall + 62))
    values = [value for row in rows for value in (row.base, row.tuned)]
    margin = 0.3 * max(max(values) - min(values), 0.02)
    ends = [v for row in rows for v in (row.change.low, row.change.high, row.change.mean) if math.isfinite(v)] + [0.0]
    reach = 0.06 * max(max(ends) - min(ends), 0.02)
    bits, gains = (min(values) - margin, max(values) + margin), (min(ends) - reach, max(ends) + reach)
    middle, top = label + 0.55 * (width - label), 24 if wide else tall + 92
    left = Axes(svg, label, 24, middle - 16 if wide else width - 8, 24 + tall, bits, (len(rows), 0))
    right = Axes(svg, middle + 16 if wide else label, top, width - 8, top + tall, gains, (len(rows), 0))
    for axes, title in ((left, "bits per byte, fewer is better"), (right, "gain with 95% interval; right of 0 is better")):
        axes.scale_x()
        svg.text((axes.left if wide else 0, axes.top - 14), title, "ink")
    right.plot([(0, 0), (0, len(rows))], "ink", 0.8)
    for place, (name, (title, row)) in enumerate(zip(names, by_category.items(), strict=True)):
        y, bold, side = place + 0.5, title == ALL, -1 if row.tuned <= row.base else 1
        for axes in (left,) if wide else (left, right):
            svg.text((label - 10, axes.at(0, y)[1]), name, "ink", "end")
        left.plot([(row.base, y), (row.tuned, y)], "rule", 3)
        for value, color, turn in ((row.tuned, "tuned", side), (row.base, "base", -side)):
            svg.dot(left.at(value, y), color, 4.6)
            svg.text(left.at(value, y, 8 * turn), plain(value, 2), color, "start" if turn > 0 else "end")
        if math.isfinite(row.change.low):
            right.plot([(row.change.low, y), (row.change.high, y)], "tuned", 2.4 if bold else 1.5)
        svg.dot(right.at(row.change.mean, y), "tuned", 4.2 if bold else 3.2)
    return svg.finish(f"gain-{width}", text)


def _forest_svg(measures: Sequence[Measure], name: str, width: int, text: str) -> str:
    wide = width == WIDE
    step = 32 if wide else 60
    svg = Svg(width, step * len(measures) + 26)
    left, right = (0.42 * width, 0.72 * width) if wide else (4, width - 4)
    axes = Axes(svg, left, 0, right, step * len(measures), (-1.08, 1.08), (len(measures), 0))
    for row, m in enumerate(measures):
        turn = -1 if m.better == "less" else 1
        color = {"better": "good", "worse": "tuned"}.get(m.verdict, "faint")
        low, middle, high = sorted(turn * v for v in (m.change.low, m.change.mean, m.change.high))
        known = math.isfinite(low)
        reach = (max(abs(low), abs(high)) if known else abs(middle)) or 1.0
        words, line = (row + 0.5, row + 0.5) if wide else (row + 0.3, row + 0.72)
        if row:
            svg.line([(0, row * step), (width, row * step)], "rule", 0.6)
        axes.plot([(0, row if wide else row + 0.5), (0, row + 1 if wide else row + 0.94)], "ink", 0.9)
        if known:
            axes.plot([(low / reach, line), (high / reach, line)], color, 2.2)
        svg.dot(axes.at(middle / reach, line), color, 4.2, hollow=not known)
        values = f"{of_unit(m.base, m.unit)} \u2192 {of_unit(m.tuned, m.unit)}"
        title, change = capital(m.title), signed(turn * m.change.mean, 3 if m.unit.startswith("bits") else 2)
        y = words * step
        if wide:
            svg.text((0, y), shorten(title, 38), "ink")
            svg.text((left - 8, y), values, anchor="end")
            svg.text((right + 12, y), f"{change}  {m.verdict}", color)
        else:
            svg.text((0, y), f"{shorten(title, 30)}  {values}", "ink")
            svg.text((width, y), change, color, "end")
    for words, dx, anchor in (("\u2190 worse", -8, "end"), ("better \u2192", 8, "start")):
        svg.text(((left + right) / 2 + dx, svg.height - 12), words, anchor=anchor)
    return svg.finish(f"{name}-{width}", text)


def _pulse_svg(training: History, width: int, text: str) -> str:
    wide = width == WIDE
    series = (
        ("learning rate", [s.lr for s in training.steps]),
        ("gradient norm", [s.grad_norm for s in training.steps]),
        ("tokens/s", [s.tokens / s.seconds if s.seconds > 0 else 0.0 for s in training.steps]),
        ("memory, GB", [s.memory / GB for s in training.steps]),
    )
    steps = [s.step for s in training.steps]
    across, down = (width / 4, 150) if wide else (width, 125)
    svg = Svg(width, down if wide else 4 * down)
    for place, (name, values) in enumerate(series):
        x, y = (place * across, 0) if wide else (0, place * down)
        axes = Axes(svg, x + 44, y + 22, x + across - 10, y + down - 24, (0, max(steps[-1], 2)), (0, (max(values) or 1.0) * 1.08))
        axes.scale_y(4)
        axes.scale_x(4)
        axes.plot(_thin(steps, values), "ink", 1)
        svg.text((axes.left, y + 8), name, "ink")
    return svg.finish(f"pulse-{width}", text)


# --- shared pieces --------------------------------------------------------------------------------------------------------


class Svg:
    """Shapes of a drawing, in CSS pixels from the upper left corner; a colour is the name of one of the page's variables."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._shapes: list[str] = []

    def line(self, points: Sequence[Point], color: str, width: float, dash: str = "", opacity: float = 1.0) -> None:
        """Straight pieces from point to point; a bar is a wide one."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        more = (f' stroke-dasharray="{dash}"' if dash else "") + (f' opacity="{opacity}"' if opacity < 1 else "")
        self._shapes.append(f'<polyline points="{path}" fill="none" stroke="var(--{color})" stroke-width="{width}"{more}/>')

    def dot(self, point: Point, color: str, size: float, hollow: bool = False) -> None:
        """A disc, or a ring."""
        ink = f'fill="none" stroke="var(--{color})" stroke-width="1.4"' if hollow else f'fill="var(--{color})"'
        self._shapes.append(f'<circle cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="{size}" {ink}/>')

    def text(self, point: Point, words: str, color: str = "faint", anchor: str = "start") -> None:
        """Words whose middle line runs through the point."""
        place = f'x="{point[0]:.1f}" y="{point[1]:.1f}" dy=".35em" text-anchor="{anchor}"'
        self._shapes.append(f'<text {place} fill="var(--{color})">{escape(words)}</text>')

    def finish(self, name: str, text: str) -> str:
        """The whole drawing, with what it shows in words for those who do not see it; `name` keeps ids on a page apart."""
        titled = f'<title id="{name}-title">{escape(text.partition(":")[0])}</title><desc id="{name}-desc">{escape(text)}</desc>'
        shapes = "\n".join(self._shapes)
        return (
            f'<svg class="chart" role="img" aria-labelledby="{name}-title {name}-desc" viewBox="0 0 {self.width} {self.height}">'
            f"{titled}\n{shapes}\n</svg>"
        )

    def alone(self, name: str, text: str) -> str:
        """The same as a file of its own, which has no page around it: with the page's colours, light or dark, on its background."""
        colours, _, _ = (PACKAGE / "report" / "style.css").read_text(encoding="utf-8").partition("* {")
        style = f"{colours}svg {{ background: var(--page); font: 10.5px/1 var(--sans); }}"
        size = f'xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}"'
        return (
            self.finish(name, text).replace("<svg ", f"<svg {size} ", 1).replace("<title", f"<style>{escape(style)}</style><title", 1)
            + "\n"
        )


@dataclass(frozen=True)
class Axes:
    """A part of a drawing with a scale: `x` and `y` are the values at its left and right, at its bottom and top."""

    svg: Svg
    left: float
    top: float
    right: float
    bottom: float
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float, dx: float = 0.0, dy: float = 0.0) -> Point:
        """Where a value lies, moved by some pixels; what is off the scale lies at its edge."""
        across, up = ((value - low) / (high - low) for value, (low, high) in ((x, self.x), (y, self.y)))
        across, up = (min(1.0, max(0.0, share)) for share in (across, up))
        return self.left + across * (self.right - self.left) + dx, self.bottom - up * (self.bottom - self.top) + dy

    def plot(self, points: Sequence[Point], color: str, width: float, dash: str = "", opacity: float = 1.0) -> None:
        """A line through values."""
        self.svg.line([self.at(*point) for point in points], color, width, dash, opacity)

    def scale_x(self, most: int = 6) -> None:
        """Ticks below, with lines across."""
        for value, words in _ticks(*self.x, most):
            self.plot([(value, self.y[0]), (value, self.y[1])], "rule", 0.6, opacity=0.6)
            self.svg.text(self.at(value, self.y[0], dy=12), words, anchor="middle")

    def scale_y(self, most: int = 6) -> None:
        """Ticks to the left, with lines across."""
        for value, words in _ticks(*self.y, most):
            self.plot([(self.x[0], value), (self.x[1], value)], "rule", 0.6, opacity=0.6)
            self.svg.text(self.at(self.x[0], value, dx=-6), words, anchor="end")


def _ticks(low: float, high: float, most: int) -> list[tuple[float, str]]:
    """At most `most` round values between two ends, and how they are written."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
    values = [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    if digits > 3:
        return [(value, f"{value:.0e}".replace("e-0", "e-") if value else "0") for value in values]
    return [(value, f"{value / 1000:g}k" if abs(value) >= 10_000 else plain(value, digits)) for value in values]


def _thin(steps: Sequence[int], values: Sequence[float]) -> list[Point]:
    """At most MOST_POINTS points: neighbours are averaged, so that no stretch is left out."""
    size = math.ceil(len(steps) / MOST_POINTS)
    chunks = [(steps[i : i + size], values[i : i + size]) for i in range(0, len(steps), size)]
    return [(sum(a) / len(a), sum(b) / len(b)) for a, b in chunks]


def shorten(title: str, most: int = 22) -> str:
    """A name that fits beside a drawing."""
    clean = "".join(c if c.isprintable() else " " for c in title)
    return clean if len(clean) <= most else clean[: most - 1] + "\u2026"
