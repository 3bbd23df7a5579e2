"""The chapters "Executive Summary" and "Next Steps": the verdict, one sentence with numbers, and what to do about it."""

from collections.abc import Iterator

from pete.evaluate.gates import State
from pete.evaluate.results import trained_note
from pete.evaluate.stats import Rate
from pete.report import original
from pete.report.blocks import Block, Card, Cards, Section, Steps, Text, Tone, Verdict
from pete.report.comparison import Comparison
from pete.report.model import ReportData
from pete.report.numbers import bounds, change, of_unit, percent, plain
from pete.words import counted, duration, gigabytes, millions

MOST_CARDS = 6
VERDICTS: dict[str, tuple[str, Tone]] = {
    "ship": ("Ship", "good"),
    "don't ship": ("Don\u2019t ship", "bad"),
    "not enough evidence": ("Not enough evidence", "open"),
}


def summary(data: ReportData) -> tuple[Block, ...]:
    """What stands at the top: the verdict, one sentence with numbers, the numbers that matter."""
    verdict: tuple[Block, ...] = ()
    if data.evaluation is not None:
        word, tone = VERDICTS[data.evaluation.judgement.verdict]
        verdict = (Verdict(word, tone, reasons(data.evaluation)),)
    return (*verdict, Text(lead(data), "lead"), Cards(tuple(_cards(data))[:MOST_CARDS]))


def reasons(found: Comparison) -> str:
    """Why the verdict is what it is, gate by gate."""
    judgement = found.judgement
    asked = [o for o in judgement.outcomes if o.state not in ("not asked", "not in force")]
    parts = [f"{len(judgement.of('passed'))} of {counted(len(asked), 'gate')} hold."]
    told: dict[State, str] = {"failed": "Against it", "unknown": "Not settled", "not in force": "Not in force, the author fails it too"}
    for state, words in told.items():
        if outcomes := judgement.of(state):
            parts.append(f"{words}: {' · '.join(o.gate.title for o in outcomes)}.")
    several = Rate.count(s.attempts > 1 for s in found.log.samples if s.model == "tuned")
    if several.hits:
        parts.append(f"{several} tuned answers were chosen among several.")
    return " ".join([*parts, *trained_note(found.log)])


def next_steps(data: ReportData) -> Section | None:
    """What to try, the quick things first."""
    blocks: list[Block] = []
    for retrains, title in ((False, "Short-Term: nothing is trained again"), (True, "Medium-Term: another training")):
        steps = tuple(pair for pair in data.next_steps if pair[0].retrains == retrains)
        if steps:
            blocks.append(Section(title, (Steps(steps),)))
    if not blocks:
        return None
    note = "Each follows from a finding above. Change one thing at a time, or the next report cannot say which one helped."
    return Section("Next Steps", (Text(note), *blocks))


def lead(data: ReportData) -> str:
    """What changed, in one plain sentence with numbers."""
    training, held = data.training, data.evaluation.held_out if data.evaluation else None
    if not training.steps and held is None:
        return f"Nothing has been trained yet: events.jsonl records 0 steps for {data.base}."
    if training.unpublished:
        return f"There is no adapter: {training.unpublished}. {counted(training.last_step, 'step')} were taken; the checkpoints are kept."
    taught = f"After {counted(training.best_step, 'step')} of training on {counted(data.train_rows, 'example')}, " if training.steps else ""
    if held is not None:
        more = "fewer" if held.tuned <= held.base else "more"
        line = (
            f"{taught}{data.base} needs {plain(held.tuned, 2)} bits for each byte of {data.voice}'s unseen writing; "
            f"before, it needed {plain(held.base, 2)}. That is {percent(abs(held.relative))} {more}"
        )
        if held.gain.verdict == "no significant difference":
            return f"{line}, which is no significant difference (95% interval of the gain: {bounds(held.gain)})."
        return f"{line} (95% interval of the gain: {bounds(held.gain)})."
    ending = "No evaluation has been made yet, so this report shows the training only."
    base, best = training.base_loss, training.best
    if base is not None and best is not None:
        moved = "fell" if best.loss < base else "went"
        return (
            f"{taught}the validation loss of {data.base} {moved} from {plain(base)} to {plain(best.loss)} nats a token "
            f"({change(best.loss / base - 1)}). {ending}"
        )
    smooth = training.smoothed()
    return f"{taught}the training loss of {data.base} went from {plain(smooth[0])} to {plain(smooth[-1])} nats a token. {ending}"


def _cards(data: ReportData) -> Iterator[Card]:
    training, found = data.training, data.evaluation
    if found is not None:
        if (held := found.held_out) is not None:
            yield Card("bits per byte, unseen text", plain(held.tuned, 2), f"base {plain(held.base, 2)}, {change(held.relative)}")
        base, tuned = found.overall("base"), found.overall("tuned")
        for name, title in (("relevance.first", "stay on the prompt"), ("voice", "voice index")):
            if (m := found.measure(name)) is not None:
                beside = "0 base, 1 author" if name == "voice" else f"base {of_unit(m.base, m.unit)}"
                yield Card(title, of_unit(m.tuned, m.unit), beside)
        if data.blind and (decided := data.blind[-1].wins + data.blind[-1].losses):
            yield Card("won in the blind test", percent(data.blind[-1].wins / decided), f"{counted(decided, 'decided pair')}")
        if (alone := found.alone("tuned")) is not None:
            yield Card("an answer, alone", f"{plain(alone.seconds, 1)} s", f"original {original.span(original.SECONDS)} s")
        if tuned is not None:
            before = f"base {percent(base.stops.get('end', 0.0))}" if base else ""
            yield Card("answers that end", percent(tuned.stops.get("end", 0.0)), before)
    elif training.best is not None:
        beside = f"base {plain(training.base_loss)}" if training.base_loss is not None else ""
        yield Card("validation loss", plain(training.best.loss), beside)
    if training.steps:
        yield Card("training", duration(training.seconds), f"{counted(training.last_step, 'step')}, best {training.best_step}")
        if found is None:
            yield Card("training speed", f"{training.tokens_per_second:,.0f} tok/s", f"{training.tokens:,} tokens")
            yield Card("peak memory", gigabytes(training.peak_memory), "while training")
    if training.started is not None and found is None:
        yield Card("of the model trains", percent(training.trainable_share), f"{millions(training.started.trainable)} parameters")
