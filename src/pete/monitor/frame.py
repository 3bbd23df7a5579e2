"""The monitor's screen: a state drawn into the terminal it is given, as lines that are never wider and never more."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from pete import words
from pete.events import Step
from pete.monitor.chart import Marks, chart
from pete.monitor.state import NOW_STEPS, State
from pete.terminal import ASCII

WIDE = (116, 30)
"""From this width and height on, charts and figures stand side by side."""
COLOURS = {
    "waiting": "yellow",
    "starting": "cyan",
    "running": "green",
    "stalled": "bold yellow",
    "finished": "green",
    "interrupted": "yellow",
    "failed": "bold red",
    "crashed": "bold red",
}
TRAINING, VALIDATION = "cyan", "magenta"
CAUTIONS = {"stop": "red", "caution": "yellow"}
PULSES = (("learning rate", "lr", 1.0), ("gradient norm", "grad_norm", 1.0), ("tokens/s", "speed", 1.0), ("memory, GB", "memory", words.GB))
LABEL = 11
"""Cells of the column that names a row."""
LEAST_CHART = 8


@dataclass(frozen=True)
class Row:
    """A label and what it says; `style` is the value's."""

    label: str
    value: str
    style: str = ""


def frame(state: State, width: int, height: int, *, ascii_only: bool = False) -> list[Text]:
    """At most `height` lines of at most `width` cells."""
    if width < 1 or height < 1:
        return []
    room = width - 1  # the last column stays free: some terminals wrap when it is filled
    lines = _wide(state, room, height) if width >= WIDE[0] and height >= WIDE[1] else _narrow(state, room, height)
    if ascii_only:
        lines = [_plain(line) for line in lines]
    for line in lines:
        line.no_wrap = True
        if cell_len(line.plain) > room:
            line.truncate(room, overflow="crop")
    return lines[:height]


def headline(state: State) -> str:
    """The state in one line, for terminals without a screen, and for logs."""
    h, failure = state.history, state.facts.failure
    parts = [
        state.condition,
        f"step {h.last_step:,} of {state.steps:,}" if state.steps else "",
        f"loss {state.loss_smoothed:.3f}" if state.loss_smoothed is not None else "",
        f"validation {h.validations[-1].loss:.3f}" if h.validations else "",
        f"{words.short(h.speed_now(NOW_STEPS))} tokens/s" if state.last and not state.over else "",
        words.gigabytes(state.last.memory) if state.last else "",
        f"done by {words.clock(state.finish, state.now)}" if state.finish is not None else "",
        f"silent for {words.duration(state.silent)}" if state.condition == "stalled" else "",
        h.unpublished,
        f"{failure.kind}: {failure.message}" if failure and state.condition == "crashed" else "",
    ]
    return _join(*parts, sep="  ")


# --- two arrangements --------------------------------------------------------------------------------------------------


def _narrow(state: State, width: int, height: int) -> list[Text]:
    head, foot = [*_head(state, width), *_verdict(state, width)], _foot(state, width)
    left = height - len(head) - 1
    if left < 0:
        return [*head[: height - 1], foot]
    charted = bool(state.history.steps or state.history.validations)
    budget = left - (LEAST_CHART + 1 if charted and left >= LEAST_CHART + 4 else 0)
    rows = _rows(state, long=False)
    if state.warnings:
        count = len(state.warnings)
        rows.append(Row("note" if count == 1 else f"{count} notes", state.warnings[-1], "yellow"))
    body = [_line(row, width) for row in rows][: max(0, budget)]
    budget -= len(body)
    body += _sample(state, width, max(2, min(4, budget - 6 if charted else budget)))[: max(0, budget)]
    drawn = _loss_chart(state, width, left - len(body))
    return [*head, *drawn, *body, *([Text("")] * (left - len(body) - len(drawn))), foot]


def _wide(state: State, width: int, height: int) -> list[Text]:
    head, foot = [*_head(state, width), *_verdict(state, width)], _foot(state, width)
    room = height - len(head) - 3
    right = max(46, min(66, width * 2 // 5))
    left = width - right - 3
    small = max(6, min(9, room // 5))
    pulses = _pulses(state, left, small) if room >= 2 * small + 14 else []
    column = [*_loss_chart(state, left, room - len(pulses)), *pulses]
    body = _beside([column, _figures(state, right, room)], left, 3, room)
    return [*head, Text(""), *body, Text(""), foot]


# --- parts -------------------------------------------------------------------------------------------------------------


def _head(state: State, width: int) -> list[Text]:
    colour, pid, started = COLOURS[state.condition], state.facts.lock_owner_pid, state.history.started
    right = Text(f"● {state.condition}{f' · process {pid}' if pid else ''}", style=colour)
    lines = [_sides(Text("Pete · ").append(state.facts.name, style="bold"), right, width)]
    if started:
        model = f"{started.base} · {started.engine} on {started.device} · {started.dtype}"
        trained = f"{words.millions(started.trainable)} train ({state.history.trainable_share:.2%})"
        lines.append(Text(_shortened(f"{model} · {trained}", width), style="dim"))
    return [*lines, _bar(state, width), _sides(Text(_forecast(state)), Text(_since(state), style="dim"), width)]


def _bar(state: State, width: int) -> Text:
    if not state.steps:
        return Text("no step yet", style="dim")
    step = state.history.last_step
    share = min(1.0, max(0.0, step / state.steps))
    tail = f"  {step:,} of {state.steps:,} · {int(share * 1000) / 10:.1f}%"  # never 100% before it is
    cells = max(0, width - len(tail))
    done = round(share * cells)
    return Text().append("━" * done, style=COLOURS[state.condition]).append("─" * (cells - done), style="dim").append(tail, style="bold")


def _forecast(state: State) -> str:
    h, now, last = state.history, state.now, state.last_event
    match state.condition:
        case "running" if state.steps and h.last_step >= state.steps:
            return "last step done; the adapter is being written and checked"
        case "running" if state.finish is not None and state.remaining is not None:
            return f"done by {words.clock(state.finish, now)}, in {words.roughly(state.remaining)}"
        case "running":
            return "before the first step" + (f"; planned to be done by {words.clock(state.plan[1], now)}" if state.plan else "")
        case "starting":
            return "the model is being loaded"
        case "failed":
            return "every step was taken; no adapter was published"
        case "finished" if h.finished and last is not None:
            return f"finished {words.clock(last, now)}, after {words.duration(h.finished.seconds)} of training"
        case "interrupted" if last is not None:
            return f"stopped {words.clock(last, now)}, saved at step {h.last_step:,}"
        case "crashed" | "stalled" if last is not None:
            return f"last heard of {words.clock(last, now)}, {words.roughly(max(0.0, now - last))} ago"
    return ""


def _since(state: State) -> str:
    if state.began is None:
        return ""
    count, started = len(state.history.sessions), state.history.started
    again = f"session {count}, from step {started.resumed_from if started else 0:,}, " if count > 1 else ""
    return f"{again}began {words.clock(state.began, state.now)}"


def _verdict(state: State, width: int) -> list[Text]:
    """What is wrong or has ended, and the next command: at most five lines."""
    h, failure = state.history, state.facts.failure
    sentences: list[str] = []
    match state.condition:
        case "waiting":
            sentences = ["Nothing is recorded yet and no process trains here."]
        case "stalled":
            sentences = [f"The process is there and has said nothing for {words.duration(state.silent)}, much longer than a step takes."]
        case "failed":
            sentences = [f"There is no adapter: {h.unpublished}.", failure.message if failure else ""]
        case "crashed":
            kept = f"Saved up to step {h.saved.step:,}." if h.saved else "No checkpoint was saved yet."
            sentences = [f"The process is gone and left no end on record: it failed, was killed, or the power went. {kept}"]
            sentences.append(f"last error: {failure.kind}: {failure.message}" if failure else "")
    lines = [line for sentence in sentences if sentence for line in _wrapped(sentence, width)[:2]]
    if state.next:
        verb = {"finished": "try it", "waiting": "begin"}.get(state.condition, "go on" if "resume" in state.next else "start again")
        lines.append(_shortened(f"{verb}: {state.next}", width))
    return [Text(line, style=COLOURS[state.condition]) for line in lines]


def _foot(state: State, width: int) -> Text:
    heard = f", last event {words.roughly(state.silent)} ago" if state.last_event is not None and not state.over else ""
    leaves = "q leaves" if state.over or state.condition == "waiting" else "q leaves; the run goes on"
    return _sides(Text(leaves, style="dim"), Text(f"{words.clock(state.now, state.now)}{heard}", style="dim"), width)


def _loss_chart(state: State, width: int, height: int) -> list[Text]:
    best = state.history.best
    marks = Marks(state.validation_curve, "◆", VALIDATION, (float(best.step), best.loss) if best else None, "★")
    drawn = chart(state.curve("loss"), width, height - 1, style=TRAINING, marks=marks)
    return [_legend(state, width), *drawn] if drawn else []


def _legend(state: State, width: int) -> Text:
    h = state.history
    line = Text().append("loss", style="bold")
    if state.loss_smoothed is not None:
        line.append("  ⠤⠒⠉ training ", style=TRAINING).append(f"{state.loss_smoothed:.3f}", style=f"bold {TRAINING}")
    if h.validations:
        line.append("  ◆ validation ", style=VALIDATION).append(f"{h.validations[-1].loss:.3f}", style=f"bold {VALIDATION}")
    if h.best:
        more = [(f"  ★ best {h.best.loss:.3f} at {h.best.step:,}", VALIDATION)]
        more += [(f"  base {h.base_loss:.3f}", "dim")] if h.base_loss is not None else []
        for text, style in more:
            if cell_len(line.plain + text) <= width:
                line.append(text, style=style)
    return line


def _pulses(state: State, width: int, height: int) -> list[Text]:
    """The small charts below the loss, two side by side."""
    half = (width - 2) // 2
    blocks = [
        [Text(title, style="bold"), *chart(_thin([(x, y / unit) for x, y in curve], half), half, height - 1, style=TRAINING)]
        for title, name, unit in PULSES
        if (curve := state.curve(name))
    ]
    return [line for pair in (blocks[:2], blocks[2:]) if pair for line in _beside(pair, half, 2, height)]


def _thin(curve: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """Neighbours averaged until at most `most` points are left: a small picture of noise is a grey wall."""
    group = -(-len(curve) // max(1, most))
    parts = [curve[i : i + group] for i in range(0, len(curve), group)] if group else []
    return [(part[0][0], sum(value for _, value in part) / len(part)) for part in parts]


def _rows(state: State, long: bool) -> list[Row]:
    """The figures: one line a subject, or at more length for a column."""
    h, last = state.history, state.last
    rows = []
    if long and last:
        rows.append(Row("training", f"{state.loss_smoothed:.3f} smoothed, {last.loss:.3f} in the last step"))
    if long and h.validations:
        best = f"; best {h.best.loss:.3f} at step {h.best.step:,}" if h.best else ""
        base = f"; base {h.base_loss:.3f}" if h.base_loss is not None else ""
        rows.append(Row("validation", f"{h.validations[-1].loss:.3f} at step {h.validations[-1].step:,}{best}{base}"))
    if last:
        pace, norm, rate = f"{words.duration(h.pace or 0.0)} a step", f"gradient norm {words.short(last.grad_norm)}", words.short(last.lr)
        rows += (
            [Row("step", _join(pace, norm)), Row("", f"learning rate {rate}")] if long else [Row("step", _join(f"lr {rate}", norm, pace))]
        )
    if h.steps:
        overall, now = words.short(h.tokens_per_second), words.short(h.speed_now(NOW_STEPS))
        rows.append(Row("speed", f"{now} tokens/s now, {overall} overall" if last else f"{overall} tokens/s overall"))
    if last:
        device, swap = _device(state, last), _swap(state, last.swap, long)
        resident = f"resident {words.gigabytes(last.resident)}" if last.resident else ""
        alarm = "yellow" if state.swap_growth > words.GB else ""
        if long:
            rows += [Row("memory", device), *([Row("", resident)] if resident else []), Row("swap", swap, alarm)]
        else:
            rows.append(Row("memory", _join(device, resident, f"swap {swap}"), alarm))
    rows += _plan_rows(state, long)
    if long and h.saved:
        rows.append(Row("saved", f"step {h.saved.step:,}"))
    return [*rows, *_sleep_rows(state), *_caution_rows(state)]


def _figures(state: State, width: int, height: int) -> list[Text]:
    """A column of figures, the last sample and the notes."""
    lines = [line for row in _rows(state, long=True) for line in _lines(row, width)]
    notes = state.warnings[::-1]
    room = min(16, height - len(lines) - (min(len(notes), 3) * 2 + 1 if notes else 0) - 1)
    if room > 2 and (sample := _sample(state, width, room)):
        lines += [Text(""), *sample]
    if notes:
        lines.append(Text(""))
        for at, note in enumerate(notes):
            lines += _lines(Row("" if at else "note" if len(notes) == 1 else f"{len(notes)} notes", note, "yellow"), width)
    return lines[:height]


def _plan_rows(state: State, long: bool) -> list[Row]:
    """What was predicted beside what is happening."""
    if not state.plan:
        return []
    plan, finish = state.plan
    peak, hour, style = f"peak {words.gigabytes(plan.memory)}", f"by {words.clock(finish, state.now)}", ""
    if state.last:
        reached = state.history.peak_memory
        over = reached / plan.memory - 1 if plan.memory > 0 else 0.0
        peak += f" ({'was' if state.over else 'so far'} {_unit_once(reached, plan.memory)}, {over:+.0%})"
        style = "yellow" if over > 0.15 else ""
    actual = state.last_event if state.condition == "finished" else state.finish
    if actual is not None:
        late = actual - finish
        sign = "+" if late > 0 else "-"
        on_time = abs(late) < max(60.0, 0.02 * plan.seconds)
        hour += f" ({'was' if state.over else 'now'} {'on time' if on_time else sign + words.roughly(abs(late))})"
    if not long:
        return [Row("plan", _join(peak, hour), style)]
    free = f"{words.gigabytes(plan.available)} were free"
    return [Row("plan", peak, style), Row("", free), Row("", f"done {hour}"), Row("", f"speed from {plan.basis}", "dim")]


def _caution_rows(state: State) -> list[Row]:
    return [
        Row(c["level"], f"{c['name']}: {c['found']}" + (f" ({c['advice']})" if c.get("advice") else ""), CAUTIONS.get(c["level"], ""))
        for c in state.cautions
    ]


def _sample(state: State, width: int, most: int) -> list[Text]:
    """The last sample: prompt, then as much of the answer as fits."""
    if not state.history.samples or most < 2:
        return []
    sample, room = state.history.samples[-1], width - LABEL
    prompt = _in_lines(f"step {sample.step:,}: {sample.prompt}", room, 1 if most < 6 else 2)
    answer = _in_lines(sample.text, room, most - len(prompt))
    return [_line(Row("" if at else "sample", line, "dim"), width) for at, line in enumerate(prompt)] + [
        _line(Row("", line), width) for line in answer
    ]


def _device(state: State, last: Step) -> str:
    where = state.history.started.device if state.history.started else "device"
    return f"{words.gigabytes(last.memory)} on {where} (peak {_unit_once(state.history.peak_memory, last.memory)})"


def _unit_once(count: float, beside: float) -> str:
    """A size without its unit where the size beside it has just named it."""
    size = words.gigabytes(count)
    return size.removesuffix(" GB") if words.gigabytes(beside).endswith(" GB") else size


def _swap(state: State, swap: int, long: bool) -> str:
    growth, since = state.swap_growth, " since the start" if long else ""
    if not swap and not growth:
        return "none"
    if abs(growth) < 0.05 * words.GB:
        return f"{words.gigabytes(swap)} ({'unchanged' if long else 'as'}{since or ' at the start'})"
    return f"{words.gigabytes(swap)} ({'+' if growth > 0 else '-'}{words.gigabytes(abs(growth))}{since})"


def _sleep_rows(state: State) -> list[Row]:
    gaps = state.sleep_gaps
    if not gaps:
        return []
    last, total = gaps[-1], words.roughly(sum(gap.seconds for gap in gaps))
    often = f"once, {total}" if len(gaps) == 1 else f"{len(gaps)} times, {total} in all, last"
    woke, slept = words.clock(last.until, state.now), words.clock(last.until - last.seconds, last.until)
    return [Row("asleep", f"{often} from {slept} to {woke}", "yellow")]


# --- lines -------------------------------------------------------------------------------------------------------------


def _line(row: Row, width: int) -> Text:
    return Text().append(f"{row.label:{LABEL}}", style="dim").append(_shortened(row.value, width - LABEL), style=row.style or "none")


def _lines(row: Row, width: int) -> list[Text]:
    parts = _wrapped(row.value, width - LABEL)
    return [_line(Row(row.label if at == 0 else "", part, row.style), width) for at, part in enumerate(parts)]


def _wrapped(text: str, width: int) -> list[str]:
    """Text broken between words into lines of at most `width` cells."""
    lines = Text(text).wrap(None, max(1, width), overflow="fold")  # type: ignore[arg-type]  (a console is for justified text only)
    return [line.plain.rstrip() for line in lines]


def _in_lines(text: str, width: int, most: int) -> list[str]:
    """The same in at most `most` lines, the last of them shortened."""
    lines = _wrapped(text, width)
    return lines if len(lines) <= most else [*lines[: most - 1], _shortened(" ".join(lines[most - 1 :]), width)]


def _shortened(text: str, width: int) -> str:
    """Text within `width` cells, with an ellipsis where something is missing."""
    line = Text(text)
    line.truncate(max(0, width), overflow="ellipsis")
    return line.plain.replace(" …", "…") if width > 0 else ""


def _sides(left: Text, right: Text, width: int) -> Text:
    """One text at each end; the left one gives way, and the right one goes where there is no room for both."""
    room = width - cell_len(right.plain) - 2
    if room < 6:
        left.truncate(max(0, width), overflow="ellipsis")
        return left
    left.truncate(room, overflow="ellipsis")
    return Text().append_text(left).append(" " * (room + 2 - cell_len(left.plain))).append_text(right)


def _beside(columns: list[list[Text]], width: int, gap: int, height: int) -> list[Text]:
    """`height` lines of columns side by side, all but the last one exactly `width` cells wide and `gap` apart."""
    lines = []
    for at in range(height):
        line = Text()
        *left, last = [column[at].copy() if at < len(column) else Text() for column in columns]
        for part in left:
            part.truncate(width, overflow="crop")
            line.append_text(part).append(" " * (width - cell_len(part.plain) + gap))
        lines.append(line.append_text(last))
    return lines


def _join(*parts: str, sep: str = " · ") -> str:
    return sep.join(part for part in parts if part)


def _plain(line: Text) -> Text:
    text = line.plain.translate(ASCII).encode("ascii", "replace").decode()
    return Text(text, spans=line.spans, style=line.style)
