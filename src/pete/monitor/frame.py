"""A state drawn into exactly the terminal it is given: a list of lines, never wider, never more."""

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from pete import words
from pete.monitor.chart import Marks, chart
from pete.monitor.state import State
from pete.monitor.text import shortened, wrapped
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
    parts = [state.condition]
    if state.steps:
        parts.append(f"step {state.step:,} of {state.steps:,}")
    if state.loss_smoothed is not None:
        parts.append(f"loss {state.loss_smoothed:.3f}")
    if state.validation:
        parts.append(f"validation {state.validation.loss:.3f}")
    if state.tokens_per_second is not None and not state.over:
        parts.append(f"{words.short(state.tokens_per_second)} tokens/s")
    if state.memory:
        parts.append(words.gigabytes(state.memory.device))
    if state.finish is not None:
        parts.append(f"done by {words.clock(state.finish, state.now)}")
    if state.condition == "stalled":
        parts.append(f"silent for {words.duration(state.silent)}")
    if state.unpublished:
        parts.append(state.unpublished)
    if state.failure and state.condition == "crashed":
        parts.append(f"{state.failure.kind}: {state.failure.message}")
    return "  ".join(parts)


# --- two arrangements --------------------------------------------------------------------------------------------------


def _narrow(state: State, width: int, height: int) -> list[Text]:
    head, foot = _head(state, width), _foot(state, width)
    verdict = [Text(line, style=COLOURS[state.condition]) for line in _verdict(state, width)]
    left = height - len(head) - len(foot)
    verdict = verdict[: max(0, left)]
    left -= len(verdict)
    charted = bool(state.curves["loss"] or state.curves["validation"])
    budget = left - (LEAST_CHART + 1 if charted and left >= LEAST_CHART + 4 else 0)
    rows = [*_short_rows(state), *_caution_rows(state)]
    body = [_line(row, width) for row in rows][: max(0, budget)]
    budget -= len(body)
    if budget > 0 and (notes := _notes(state, width - LABEL)):
        body.append(_line(Row("note" if len(notes) == 1 else f"{len(notes)} notes", notes[0], "yellow"), width))
        budget -= 1
    sample = _sample(state, width, max(2, min(4, budget - 6 if charted else budget)))
    body += sample[: max(0, budget)]
    drawn = _loss_chart(state, width, left - len(body))
    space = max(0, left - len(body) - len(drawn))
    return [*head, *verdict, *drawn, *body, *([Text("")] * space), *foot]


def _wide(state: State, width: int, height: int) -> list[Text]:
    head, foot = _head(state, width), _foot(state, width)
    verdict = [Text(line, style=COLOURS[state.condition]) for line in _verdict(state, width)]
    room = height - len(head) - len(verdict) - len(foot) - 2
    right = max(46, min(66, width * 2 // 5))
    left = width - right - 3
    small = max(6, min(9, room // 5))
    pulses = _pulses(state, left, small) if room >= 2 * small + 14 else []
    column = [*_loss_chart(state, left, room - len(pulses)), *pulses]
    figures = _figures(state, right, room)
    body = []
    for i in range(room):
        line = Text().append_text(column[i] if i < len(column) else Text())
        line.truncate(left, overflow="crop")
        line.append(" " * (left - cell_len(line.plain) + 3))
        if i < len(figures):
            line.append_text(figures[i])
        body.append(line)
    return [*head, *verdict, Text(""), *body, Text(""), *foot]


# --- parts -------------------------------------------------------------------------------------------------------------


def _head(state: State, width: int) -> list[Text]:
    colour = COLOURS[state.condition]
    who = f" · process {state.pid}" if state.pid else ""
    right = Text("● ", style=colour).append(state.condition + who, style=colour)
    lines = [_sides(Text("Pete · ").append(state.run, style="bold"), right, width)]
    if state.model:
        m = state.model
        share = m.trainable / max(1, m.parameters + m.trainable)
        said = f"{m.base} · {m.engine} on {m.device} · {m.dtype} · {words.millions(m.trainable)} train ({share:.2%})"
        lines.append(Text(shortened(said, width), style="dim"))
    lines.append(_bar(state, width))
    lines.append(_sides(Text(_forecast(state)), Text(_since(state), style="dim"), width))
    return lines


def _bar(state: State, width: int) -> Text:
    if not state.steps:
        return Text("no step yet", style="dim")
    share = min(1.0, max(0.0, state.step / state.steps))
    tail = f"  {state.step:,} of {state.steps:,} · {_percent(share)}"
    cells = max(0, width - len(tail))
    done = round(share * cells) if share < 1 else cells
    return Text().append("━" * done, style=COLOURS[state.condition]).append("─" * (cells - done), style="dim").append(tail, style="bold")


def _forecast(state: State) -> str:
    match state.condition:
        case "running" if state.steps and state.step >= state.steps:
            return "last step done; the adapter is being written and checked"
        case "running" if state.finish is not None and state.remaining is not None:
            return f"done by {words.clock(state.finish, state.now)}, in {words.roughly(state.remaining)}"
        case "running" | "starting" if state.plan and state.condition == "running":
            return f"before the first step; planned to be done by {words.clock(state.plan.finish, state.now)}"
        case "running":
            return "before the first step"
        case "starting":
            return "the model is being loaded"
        case "finished" if state.took is not None and state.last_event is not None:
            return f"finished {words.clock(state.last_event, state.now)}, after {words.duration(state.took)} of training"
        case "interrupted" if state.last_event is not None:
            return f"stopped {words.clock(state.last_event, state.now)}, saved at step {state.step:,}"
        case "failed":
            return "every step was taken; no adapter was published"
        case "crashed" | "stalled" if state.last_event is not None:
            return f"last heard of {words.clock(state.last_event, state.now)}, {words.roughly(max(0.0, state.now - state.last_event))} ago"
        case _:
            return ""


def _since(state: State) -> str:
    if state.began is None:
        return ""
    again = f"session {state.sessions}, from step {state.resumed_from:,}, " if state.sessions > 1 else ""
    return f"{again}began {words.clock(state.began, state.now)}"


def _verdict(state: State, width: int) -> list[str]:
    """What is wrong or has ended, and the next command: at most four lines."""
    said: list[str] = []
    match state.condition:
        case "waiting":
            said = ["Nothing is recorded yet and no process trains here."]
        case "stalled":
            said = [f"The process is there and has said nothing for {words.duration(state.silent)}, much longer than a step takes."]
        case "failed":
            said = [f"There is no adapter: {state.unpublished}."]
            if state.failure:
                said.append(state.failure.message)
        case "crashed":
            kept = f" Saved up to step {state.saved_step:,}." if state.saved_step else " No checkpoint was saved yet."
            said = [f"The process is gone and left no end on record: it failed, was killed, or the power went.{kept}"]
            if state.failure:
                said.append(f"last error: {state.failure.kind}: {state.failure.message}")
    lines = [line for sentence in said for line in list(wrapped(sentence, width))[:2]]
    if state.next:
        verb = {"finished": "try it", "waiting": "begin"}.get(state.condition, "go on" if "resume" in state.next else "start again")
        lines.append(shortened(f"{verb}: {state.next}", width))
    return lines


def _foot(state: State, width: int) -> list[Text]:
    heard = f", last event {words.roughly(state.silent)} ago" if state.last_event is not None and not state.over else ""
    leaves = "q leaves" if state.over or state.condition == "waiting" else "q leaves; the run goes on"
    return [_sides(Text(leaves, style="dim"), Text(f"{words.clock(state.now, state.now)}{heard}", style="dim"), width)]


def _loss_chart(state: State, width: int, height: int) -> list[Text]:
    if not (state.curves["loss"] or state.curves["validation"]):
        return []
    v = state.validation
    best = (float(v.best_step), v.best_loss) if v and v.best_step is not None and v.best_loss is not None else None
    marks = Marks(state.curves["validation"], "◆", VALIDATION, best, "★")
    drawn = chart(state.curves["loss"], width, height - 1, style=TRAINING, marks=marks)
    return [_legend(state, width), *drawn] if drawn else []


def _legend(state: State, width: int) -> Text:
    line = Text().append("loss", style="bold")
    if state.loss_smoothed is not None:
        line.append("  ⠤⠒⠉ training ", style=TRAINING).append(f"{state.loss_smoothed:.3f}", style=f"bold {TRAINING}")
    if v := state.validation:
        line.append("  ◆ validation ", style=VALIDATION).append(f"{v.loss:.3f}", style=f"bold {VALIDATION}")
        if v.best_step is not None and v.best_loss is not None:
            best = f"  ★ best {v.best_loss:.3f} at {v.best_step:,}"
            base = f"  base {v.base:.3f}" if v.base is not None else ""
            if cell_len(line.plain + best) <= width:
                line.append(best, style=VALIDATION)
            if cell_len(line.plain + base) <= width:
                line.append(base, style="dim")
    return line


def _pulses(state: State, width: int, height: int) -> list[Text]:
    half = (width - 2) // 2
    named = [(title, [(x, y / unit) for x, y in state.curves[name]]) for title, name, unit in PULSES if state.curves[name]]
    lines: list[Text] = []
    for pair in (named[:2], named[2:4]):
        blocks = []
        for name, curve in pair:
            blocks.append([Text(name, style="bold"), *chart(_thin(curve, half), half, height - 1, style=TRAINING)])
        for i in range(height if blocks else 0):
            line = Text("")
            for block in blocks:
                part = block[i].copy() if i < len(block) else Text("")
                part.truncate(half, overflow="crop")
                line.append_text(part).append(" " * (half - cell_len(part.plain) + 2))
            line.rstrip()
            lines.append(line)
    return lines


def _thin(curve: list[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """Neighbours averaged until at most `most` points are left: a small picture of noise is a grey wall."""
    group = -(-len(curve) // max(1, most))
    parts = [curve[i : i + group] for i in range(0, len(curve), group)] if group else []
    return [(part[0][0], sum(value for _, value in part) / len(part)) for part in parts]


def _short_rows(state: State) -> list[Row]:
    """The figures, one line a subject."""
    rows = []
    if state.lr is not None and state.grad_norm is not None:
        rows.append(Row("step", _join(f"lr {words.short(state.lr)}", f"gradient norm {words.short(state.grad_norm)}", _pace(state))))
    if speed := _speed(state):
        rows.append(Row("speed", speed))
    if m := state.memory:
        resident = f"resident {words.gigabytes(m.resident)}" if m.resident else ""
        rows.append(Row("memory", _join(_device(state), resident, f"swap {_swap(state, long=False)}"), _alarm(state)))
    rows += _plan_rows(state, long=False)
    if sleep := _sleep(state):
        rows.append(Row("asleep", sleep, "yellow"))
    return rows


def _figures(state: State, width: int, height: int) -> list[Text]:
    """The same at more length, in a column."""
    rows = []
    if state.loss is not None and state.loss_smoothed is not None:
        rows.append(Row("training", f"{state.loss_smoothed:.3f} smoothed, {state.loss:.3f} in the last step"))
    if v := state.validation:
        best = f"; best {v.best_loss:.3f} at step {v.best_step:,}" if v.best_loss is not None and v.best_step is not None else ""
        base = f"; base {v.base:.3f}" if v.base is not None else ""
        rows.append(Row("validation", f"{v.loss:.3f} at step {v.step:,}{best}{base}"))
    if state.lr is not None and state.grad_norm is not None:
        rows.append(Row("step", _join(_pace(state), f"gradient norm {words.short(state.grad_norm)}")))
        rows.append(Row("", f"learning rate {words.short(state.lr)}"))
    if speed := _speed(state):
        rows.append(Row("speed", speed))
    if m := state.memory:
        rows.append(Row("memory", _device(state)))
        if m.resident:
            rows.append(Row("", f"resident {words.gigabytes(m.resident)}"))
        rows.append(Row("swap", _swap(state, long=True), _alarm(state)))
    rows += _plan_rows(state, long=True)
    if state.saved_step is not None:
        rows.append(Row("saved", f"step {state.saved_step:,}"))
    if sleep := _sleep(state):
        rows.append(Row("asleep", sleep, "yellow"))
    rows += _caution_rows(state)
    lines = [line for row in rows for line in _lines(row, width)]
    notes = _notes(state, width)
    reserved = min(len(notes), 3) * 2 + 1 if notes else 0
    if state.sample:
        room = min(16, height - len(lines) - reserved - 1)
        lines += [Text(""), *_sample(state, width, room)] if room > 2 else []
    if notes:
        lines.append(Text(""))
        for at, note in enumerate(notes):
            lines += _lines(Row("" if at else "note" if len(notes) == 1 else f"{len(notes)} notes", note, "yellow"), width)
    return [_cut(line, width) for line in lines[:height]]


def _plan_rows(state: State, long: bool) -> list[Row]:
    """What was predicted beside what is happening."""
    if not (plan := state.plan):
        return []
    peak, hour, style = f"peak {words.gigabytes(plan.peak)}", f"by {words.clock(plan.finish, state.now)}", ""
    if m := state.memory:
        over = m.peak / plan.peak - 1 if plan.peak > 0 else 0.0
        peak += f" ({'was' if state.over else 'so far'} {_unit_once(m.peak, plan.peak)}, {over:+.0%})"
        style = "yellow" if over > 0.15 else ""
    actual = state.finish if state.finish is not None else state.last_event if state.condition == "finished" else None
    if actual is not None:
        late = actual - plan.finish
        sign = "+" if late > 0 else "-"
        on_time = abs(late) < max(60.0, 0.02 * plan.seconds)
        hour += f" ({'was' if state.over else 'now'} {'on time' if on_time else sign + words.roughly(abs(late))})"
    if not long:
        return [Row("plan", _join(peak, hour), style)]
    return [
        Row("plan", peak, style),
        Row("", f"{words.gigabytes(plan.available)} were free"),
        Row("", f"done {hour}"),
        Row("", f"speed from {plan.basis}", "dim"),
    ]


def _caution_rows(state: State) -> list[Row]:
    return [
        Row(c.level, f"{c.name}: {c.found}" + (f" ({c.advice})" if c.advice else ""), "red" if c.level == "stop" else "yellow")
        for c in state.cautions
    ]


def _notes(state: State, width: int) -> list[str]:
    return [note for note in reversed(state.warnings) if note]


def _sample(state: State, width: int, most: int) -> list[Text]:
    """The last sample: prompt, then as much of the answer as fits."""
    if not state.sample or most < 2:
        return []
    s, room = state.sample, width - LABEL
    asked = list(wrapped(f"step {s.step:,}: {s.prompt}", room))
    keep = 1 if most < 6 else 2
    if len(asked) > keep:
        asked = [*asked[: keep - 1], shortened(" ".join(asked[keep - 1 :]), room)]
    answer = list(wrapped(s.text, room))
    if len(answer) > most - len(asked):
        last = most - len(asked) - 1
        answer = [*answer[:last], shortened(" ".join(answer[last:]), room)]
    rows = [*(Row("" if at else "sample", part, "dim") for at, part in enumerate(asked)), *(Row("", part) for part in answer)]
    return [_line(row, width) for row in rows]


def _pace(state: State) -> str:
    return f"{words.duration(state.seconds_per_step)} a step" if state.seconds_per_step is not None else ""


def _speed(state: State) -> str:
    if state.tokens_per_second_overall is None:
        return ""
    overall = f"{words.short(state.tokens_per_second_overall)} overall"
    now = f"{words.short(state.tokens_per_second)} tokens/s now" if state.tokens_per_second is not None else ""
    return _join(now, overall, sep=", ") if now else f"{words.short(state.tokens_per_second_overall)} tokens/s overall"


def _device(state: State) -> str:
    m = state.memory
    where = state.model.device if state.model else "device"
    return f"{words.gigabytes(m.device)} on {where} (peak {_unit_once(m.peak, m.device)})" if m else ""


def _unit_once(count: float, beside: float) -> str:
    """A size without its unit where the size beside it has just named it."""
    said = words.gigabytes(count)
    return said.removesuffix(" GB") if words.gigabytes(beside).endswith(" GB") else said


def _swap(state: State, long: bool) -> str:
    m = state.memory
    if not m:
        return ""
    if not m.swap and not m.swap_growth:
        return "none"
    since = " since the start" if long else ""
    if abs(m.swap_growth) < 0.05 * words.GB:
        return f"{words.gigabytes(m.swap)} ({'unchanged' if long else 'as'}{since or ' at the start'})"
    return f"{words.gigabytes(m.swap)} ({'+' if m.swap_growth > 0 else '-'}{words.gigabytes(abs(m.swap_growth))}{since})"


def _alarm(state: State) -> str:
    return "yellow" if state.memory and state.memory.swap_growth > words.GB else ""


def _sleep(state: State) -> str:
    if not state.sleeps:
        return ""
    last, count = state.sleeps[-1], len(state.sleeps)
    times = "once" if count == 1 else f"{count} times"
    total = f"{words.roughly(state.asleep)}{'' if count == 1 else ' in all, last'}"
    return f"{times}, {total} from {words.clock(last.until - last.seconds, last.until)} to {words.clock(last.until, state.now)}"


# --- lines -------------------------------------------------------------------------------------------------------------


def _line(row: Row, width: int) -> Text:
    room = max(0, width - LABEL)
    return Text().append(f"{row.label:{LABEL}}", style="dim").append(shortened(row.value, room), style=row.style or "none")


def _lines(row: Row, width: int) -> list[Text]:
    parts = list(wrapped(row.value, max(1, width - LABEL))) or [""]
    return [_line(Row(row.label if at == 0 else "", part, row.style), width) for at, part in enumerate(parts)]


def _sides(left: Text, right: Text, width: int) -> Text:
    """One text at each end; the left one gives way, and the right one goes where there is no room for both."""
    if cell_len(right.plain) + 8 > width:
        return _cut(left, width)
    left = _cut(left, width - cell_len(right.plain) - 2)
    return Text().append_text(left).append(" " * (width - cell_len(left.plain) - cell_len(right.plain))).append_text(right)


def _cut(text: Text, width: int) -> Text:
    if cell_len(text.plain) > width:
        text.truncate(max(0, width), overflow="ellipsis")
    return text


def _join(*parts: str, sep: str = " · ") -> str:
    return sep.join(part for part in parts if part)


def _percent(share: float) -> str:
    return f"{int(share * 1000) / 10:.1f}%"  # never 100% before it is


def _plain(line: Text) -> Text:
    text = line.plain.translate(ASCII).encode("ascii", "replace").decode()
    return Text(text, spans=line.spans, style=line.style)
