"""Charts as inline SVG: text stays text, colours are the page's CSS variables, the same data gives the same bytes."""

import html
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

from pete.evaluate.results import Measure
from pete.history import History
from pete.report.blocks import Chart
from pete.report.comparison import ALL, Comparison
from pete.report.numbers import bounds, capital, of_unit, plain, signed
from pete.words import GB, gigabytes, short

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# matplotlib wants real colours: each stands for a CSS variable and is swapped for it in the finished SVG
INK, FAINT, RULE, BASE, TUNED, GOOD = "#0a0b01", "#0a0b02", "#0a0b03", "#0a0b04", "#0a0b05", "#0a0b06"
VARIABLES = {INK: "--ink", FAINT: "--faint", RULE: "--rule", BASE: "--base", TUNED: "--tuned", GOOD: "--good"}
WIDE, NARROW = 760, 350
WIDTHS = {"wide": WIDE, "narrow": NARROW}
"""CSS pixels; a phone gets its own drawing, because a shrunken one cannot be read."""
MOST_POINTS = 500


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
    said = "; ".join(
        f"{m.title} {of_unit(m.base, m.unit)} to {of_unit(m.tuned, m.unit)} ({bounds(m.change)}: {m.verdict})" for m in measures
    )
    caption = (
        "The line is the 95% interval. Each row has its own scale and is turned so that right is better. Grey is no significant "
        "difference: many are looked at, so a line that only just misses 0 may still be luck."
    )
    return Chart(f"Differences with 95% intervals: {said}.", partial(_forest_svg, measures, name), caption)


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
    said = ", ".join(f"{title} {plain(h.base, 2)} to {plain(h.tuned, 2)}" for title, h in comparison.gains.items())
    held = comparison.held_out
    gain = f"; the gain is {plain(held.change.mean)}, 95% interval {bounds(held.change)}" if held is not None else ""
    return f"Bits per byte on unseen text, base to tuned, fewer is better: {said}{gain}."


# --- drawings ----------------------------------------------------------------------------------------------------------


def _loss_svg(training: History, width: int, text: str) -> str:
    with _figure(width, 330 if width == WIDE else 280) as figure:
        axes = figure.add_subplot()
        _calm(axes)
        steps = [s.step for s in training.steps]
        losses, smooth = [s.loss for s in training.steps], training.smoothed()
        end = max(steps[-1], 2)
        axes.plot(*_thin(steps, losses), color=FAINT, linewidth=0.6, alpha=0.55)
        axes.plot(*_thin(steps, smooth), color=INK, linewidth=1.6)
        shown = [*smooth, *(v.loss for v in training.validations)]
        low, high = min(shown), max(shown)
        room = max(high - low, 0.05)
        axes.set_ylim(low - 0.18 * room, high + 0.16 * room)
        axes.set_xlim(0, end * (1.005 if width == WIDE else 1.01))

        points = [v for v in training.validations if v.step > 0]
        base, best = training.base_loss, training.best
        if base is not None:
            axes.axhline(base, color=BASE, linewidth=1.1, dashes=(5, 3))
            _say(axes, end, base, "base, validation", BASE, ha="right", dy=4, va="bottom")
        if points:
            line = [v for v in training.validations if v.step > 0 or base is not None]
            axes.plot([v.step for v in line], [v.loss for v in line], color=TUNED, linewidth=1.2)
            _dots(axes, [v.step for v in points], [v.loss for v in points], TUNED, 3.2)
            last = points[-1]
            under = base is not None and 0 <= base - last.loss < 0.12 * room
            _say(axes, last.step, last.loss, "validation", TUNED, ha="right", va="top" if under else "bottom", dy=-7 if under else 7)
        if best is not None:
            _dots(axes, [best.step], [best.loss], TUNED, 6.0, hollow=True)
            axes.plot([best.step, best.step], [axes.get_ylim()[0], best.loss], color=TUNED, linewidth=0.7, dashes=(2, 2))
            # the corner below the falling curve is the one place that is free in every run
            side = "right" if best.step > 0.35 * end else "left"
            words = f"best: {plain(best.loss)}, step {best.step}"
            _say(axes, best.step, axes.get_ylim()[0], words, TUNED, ha=side, va="bottom", dx=-6 if side == "right" else 6, dy=5)
        middle = len(steps) // 3
        _say(axes, steps[middle], smooth[middle], "training", INK, ha="right", dx=-2, dy=-9, va="top")
        axes.set_xlabel("step")
        axes.set_ylabel("loss (nats a token)")
        return _svg(figure, f"loss-{width}", text)


def _gain_svg(gains: Mapping[str, Measure], width: int, text: str) -> str:
    rows, held = len(gains), list(gains.values())
    wide = width == WIDE
    with _figure(width, (74 + 34 * rows) if wide else (150 + 56 * rows)) as figure:
        grid = figure.add_gridspec(1, 2, width_ratios=(1.25, 1)) if wide else figure.add_gridspec(2, 1)
        left, right = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
        places = [rows - 1 - k for k in range(rows)]
        names = [_shorten(title) for title in gains]
        for axes in (left, right):
            _calm(axes, grid="x")
            axes.spines["left"].set_visible(False)
            axes.set_ylim(-0.6, rows - 0.4)
            axes.set_yticks(places, names)
            axes.tick_params(axis="y", length=0)
        if wide:
            right.set_yticks([])
        for place, (title, h) in zip(places, gains.items(), strict=True):
            left.plot([h.base, h.tuned], [place, place], color=RULE, linewidth=3.0, solid_capstyle="round")
            _dots(left, [h.base], [place], BASE, 4.6)
            _dots(left, [h.tuned], [place], TUNED, 4.6)
            fewer = h.tuned <= h.base
            _say(left, h.tuned, place, plain(h.tuned, 2), TUNED, ha="right" if fewer else "left", dx=-8 if fewer else 8, va="center")
            _say(left, h.base, place, plain(h.base, 2), BASE, ha="left" if fewer else "right", dx=8 if fewer else -8, va="center")
            bold = title == ALL
            if not math.isinf(h.change.low):
                right.plot([h.change.low, h.change.high], [place, place], color=TUNED, linewidth=2.4 if bold else 1.5)
            _dots(right, [h.change.mean], [place], TUNED, 4.2 if bold else 3.2)
        values = [v for h in held for v in (h.base, h.tuned)]
        spread = max(max(values) - min(values), 0.02)
        margin = (0.22 if wide else 0.3) * spread
        left.set_xlim(min(values) - margin, max(values) + margin)
        right.axvline(0, color=INK, linewidth=0.8)
        ends = [v for h in held for v in (h.change.low, h.change.high, h.change.mean) if math.isfinite(v)] + [0.0]
        reach = max(max(ends) - min(ends), 0.02)
        right.set_xlim(min(ends) - 0.06 * reach, max(ends) + 0.06 * reach)
        left.set_title("bits per byte, fewer is better", color=INK, loc="left")
        right.set_title("gain with 95% interval; right of 0 is better", color=INK, loc="left")
        return _svg(figure, f"gain-{width}", text)


def _forest_svg(measures: Sequence[Measure], name: str, width: int, text: str) -> str:
    wide = width == WIDE
    step, below = (32, 30) if wide else (60, 30)
    tall = below + step * len(measures)
    left, span = (0.42, 0.30) if wide else (0.0, 1.0)
    with _figure(width, tall) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((left, below / tall, span, 1 - below / tall))
        axes.set_axis_off()
        axes.set_xlim(-1.08, 1.08)
        axes.set_ylim(-0.5, len(measures) - 0.5)
        across = axes.get_yaxis_transform()  # x in shares of the axes, y in rows

        def write(x: float, y: float, words: str, color: str, ha: str) -> None:
            axes.text((x - left) / span, y, words, color=color, ha=ha, va="center", fontsize=10.5, transform=across)

        for row, m in enumerate(measures):
            y = len(measures) - 1 - row
            turn = -1 if m.better == "less" else 1
            line = y if wide else y - 0.24
            color = {"better": GOOD, "worse": TUNED}.get(m.verdict, FAINT)
            low, middle, high = sorted(turn * v for v in (m.change.low, m.change.mean, m.change.high))
            known = math.isfinite(low)
            reach = max(abs(low), abs(high)) if known else abs(middle)
            scale = 1 / reach if reach > 0 else 0.0
            if row:
                axes.plot([-left / span, (1 - left) / span], [y + 0.5, y + 0.5], color=RULE, linewidth=0.6, transform=across, clip_on=False)
            axes.plot([0, 0], [line - (0.5 if wide else 0.24), line + (0.5 if wide else 0.2)], color=INK, linewidth=0.9)
            if known:
                axes.plot([low * scale, high * scale], [line, line], color=color, linewidth=2.2, solid_capstyle="round")
            _dots(axes, [middle * scale], [line], color, 4.2, hollow=not known)
            values = f"{of_unit(m.base, m.unit)} \u2192 {of_unit(m.tuned, m.unit)}"
            title, found = capital(m.title), signed(turn * m.change.mean, 3 if m.unit.startswith("bits") else 2)
            if wide:
                write(0, y, _shorten(title, 38), INK, "left")
                write(left - 0.01, y, values, FAINT, "right")
                write(left + span + 0.015, y, f"{found}  {m.verdict}", color, "left")
            else:
                write(0, y + 0.2, f"{_shorten(title, 30)}  {values}", INK, "left")
                write(1, y + 0.2, found, color, "right")
        for words, side, ha in (("\u2190 worse", -0.02, "right"), ("better \u2192", 0.02, "left")):
            write(left + span / 2 + side, -0.5 - 14 / step, words, FAINT, ha)
        return _svg(figure, f"{name}-{width}", text)


def _pulse_svg(training: History, width: int, text: str) -> str:
    wide = width == WIDE
    series = (
        ("learning rate", [s.lr for s in training.steps]),
        ("gradient norm", [s.grad_norm for s in training.steps]),
        ("tokens/s", [s.tokens / s.seconds if s.seconds > 0 else 0.0 for s in training.steps]),
        ("memory, GB", [s.memory / GB for s in training.steps]),
    )
    steps = [s.step for s in training.steps]
    with _figure(width, 150 if wide else 500) as figure:
        for place, (name, values) in enumerate(series, 1):
            axes = figure.add_subplot(1, 4, place) if wide else figure.add_subplot(4, 1, place)
            _calm(axes)
            axes.plot(*_thin(steps, values), color=INK, linewidth=1.0)
            axes.set_xlim(0, max(steps[-1], 2))
            axes.set_ylim(0, (max(values) or 1.0) * 1.08)
            axes.locator_params(axis="both", nbins=4)
            axes.set_title(name, color=INK, loc="left")
        return _svg(figure, f"pulse-{width}", text)


# --- shared pieces --------------------------------------------------------------------------------------------------------


@contextmanager
def _figure(width: int, height: int) -> "Iterator[Figure]":
    import matplotlib
    from matplotlib.figure import Figure

    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "pete",
        "text.parse_math": False,  # a category called "$$$" is a name, not a formula
        "font.family": "DejaVu Sans",
        "font.size": 11,
        "axes.titlesize": 11,
        "axes.labelsize": 11,
        "xtick.labelsize": 10.5,
        "ytick.labelsize": 10.5,
        "axes.unicode_minus": True,
    }
    with matplotlib.rc_context(settings):
        # matplotlib's SVG counts 72 units an inch: so one unit is one CSS pixel
        yield Figure(figsize=(width / 72, height / 72), layout="constrained")


def _calm(axes: "Axes", grid: str = "y") -> None:
    axes.patch.set_visible(False)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(RULE)
    axes.grid(axis=grid, color=RULE, linewidth=0.6, alpha=0.6)  # type: ignore[arg-type]
    axes.set_axisbelow(True)
    axes.tick_params(colors=FAINT, length=0)
    axes.xaxis.label.set_color(FAINT)
    axes.yaxis.label.set_color(FAINT)


def _dots(axes: "Axes", x: Sequence[float], y: Sequence[float], color: str, size: float, hollow: bool = False) -> None:
    face = "none" if hollow else color
    axes.plot(
        x, y, "o", markersize=size * 2, markerfacecolor=face, markeredgecolor=color, markeredgewidth=1.4 if hollow else 0, clip_on=False
    )


def _say(axes: "Axes", x: float, y: float, words: str, color: str, *, ha: str, va: str, dx: float = 0, dy: float = 0) -> None:
    note = axes.annotate(words, (x, y), xytext=(dx, dy), textcoords="offset points", color=color, ha=ha, va=va, fontsize=10.5)
    note.set_in_layout(False)  # a long word must not shrink the drawing


def _thin(steps: Sequence[int], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """At most MOST_POINTS points: neighbours are averaged, so that no stretch is left out."""
    size = math.ceil(len(steps) / MOST_POINTS)
    chunks = [(steps[i : i + size], values[i : i + size]) for i in range(0, len(steps), size)]
    return [sum(a) / len(a) for a, _ in chunks], [sum(b) / len(b) for _, b in chunks]


def _shorten(title: str, most: int = 22) -> str:
    clean = "".join(c if c.isprintable() else " " for c in title)
    return clean if len(clean) <= most else clean[: most - 1] + "\u2026"


def _svg(figure: "Figure", name: str, text: str) -> str:
    out = StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    svg = out.getvalue()
    svg = svg[svg.index("<svg") :]
    body = svg[svg.index(">") + 1 :]
    box = re.search(r'viewBox="([^"]+)"', svg)
    assert box is not None
    body = re.sub(r"<metadata>.*?</metadata>\s*", "", body, flags=re.DOTALL)
    for color, variable in VARIABLES.items():
        body = body.replace(color, f"var({variable})")
    # ids are per drawing: two drawings on a page must not answer for each other
    body = re.sub(r'<g id="[^"]*"', "<g", body)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = body.replace("xlink:href", "href").replace('href="#', f'href="#{name}-').replace("url(#", f"url(#{name}-")
    body = re.sub(r"font: ([\d.]+)px [^;\"]+", r"font-size: \1px", body)  # the family is the page's
    body = re.sub(r"<style.*?</style>\s*", "", body, flags=re.DOTALL)  # its rules would hold for the whole page
    body = re.sub(r"<!--.*?-->\s*", "", body, flags=re.DOTALL)
    # a hundredth of a pixel is enough, in shapes; numbers in the text are not touched
    body = re.sub(r"<[^>]+>", lambda tag: re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0]), body)
    body = re.sub(r"\n\s*", "\n", body)
    titled = f'<title id="{name}-title">{html.escape(text.partition(":")[0])}</title><desc id="{name}-desc">{html.escape(text)}</desc>'
    return f'<svg class="chart" role="img" aria-labelledby="{name}-title {name}-desc" viewBox="{box.group(1)}">{titled}{body}'
