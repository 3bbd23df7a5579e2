"""The chapters "Executive Summary" and "Model Evaluation": the verdict, what changed, and the answers themselves."""

from collections.abc import Iterator, Sequence

from pete.evaluate.log import Sample
from pete.evaluate.stats import Interval
from pete.report import original
from pete.report.blocks import (
    Answers,
    Block,
    Card,
    Cards,
    Command,
    Fact,
    Facts,
    Findings,
    Fold,
    Legend,
    Prompted,
    Section,
    Side,
    Steps,
    Table,
    Text,
)
from pete.report.charts import Effect, forest_chart, gain_chart
from pete.report.comparison import CUT_OFF, Asked, Comparison, Responses, flags_of
from pete.report.copied import originality
from pete.report.marks import meaning, pieces
from pete.report.model import ReportData
from pete.report.numbers import bounds, change, counted, duration, gigabytes, millions, minus, percent, plain, short

FLAG_TITLES = {CUT_OFF: "Cut off", "degenerate.any": "Loops or empty", "cliche.any": "Phrases to avoid"}
FLAG_TAGS = {CUT_OFF: "cut off", "degenerate.any": "loops or empty", "cliche.any": "phrase to avoid"}
STOP_TITLES = {"end": "ended by itself", "stop string": "stopped at a marker", "length": "cut off at the limit"}
OPEN_PROMPTS = 4
"""Prompts of a category that are shown at once; the others are one click away."""
KINDS = (("strength", "Strengths"), ("weakness", "Areas for Improvement"), ("open", "What the numbers cannot settle"))


def summary(data: ReportData) -> tuple[Block, ...]:
    """What stands at the top: the verdict, one sentence with numbers, the numbers that matter."""
    return (Text(lead(data), "lead"), Cards(tuple(_cards(data))))


def verdict_word(data: ReportData) -> tuple[str, str]:
    """The verdict and its reason, in words."""
    return ("not judged", "this evaluation has no gates")


def evaluation(data: ReportData) -> Section:
    """The chapter, or the command that makes one possible."""
    found = data.evaluation
    title = "Model Evaluation"
    if found is None:
        return Section(
            title,
            (
                Text("Not evaluated yet: nothing is said about answers or speed. To make an evaluation:"),
                Command(data.evaluate_command),
                *_analysis(data),
            ),
        )
    changed = changes(effects_of(found), "Base", "Tuned", "changes")
    parts = [*_by_category(data, found), *_speed(data, found), *_answers(found)]
    parts += [*originality(found, data.training_rows), *_analysis(data), _approach(found)]
    if changed:
        parts.insert(0, Section("What changed", changed))
    return Section(title, tuple(parts))


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
        if tuned is not None:
            ended = 1 - tuned.flags[CUT_OFF].share
            yield Card("answers that end", percent(ended), f"base {percent(1 - base.flags[CUT_OFF].share)}" if base else "")
            for key, name in (("degenerate.any", "answers that loop"), ("cliche.any", "with phrases to avoid")):
                if key in tuned.flags:
                    beside = f"base {percent(base.flags[key].share)}" if base and key in base.flags else ""
                    yield Card(name, percent(tuned.flags[key].share), beside)
        if (alone := found.alone("tuned")) is not None:
            yield Card("an answer, alone", f"{plain(alone.seconds, 1)} s", f"original {original.span(original.SECONDS)} s")
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


# --- the evaluation ----------------------------------------------------------------------------------------------------


def _approach(found: Comparison) -> Section:
    log = found.log
    drawn = ", ".join(f"{key.replace('_', ' ')} {short(v) if isinstance(v, float) else v}" for key, v in log.generate.items())
    facts = (
        Fact("Categories", ", ".join(f"{title} ({counted(len(asked), 'prompt')})" for title, asked in found.by_prompt_category())),
        Fact("Answers", f"{counted(len(log.samples), 'answer')}, base and tuned on the same prompts and seeds"),
        Fact("Unseen text", counted(len(log.held_out), "row") if log.held_out else "none"),
        Fact("Drawn with", drawn),
        Fact("Machine", f"{log.machine}, {counted(log.cores, 'core')}; {log.engine} on {log.device}, {log.dtype}"),
        *([Fact("To know", " ".join(log.notes))] if log.notes else []),
        Fact("File", f"{found.file}, made {log.created}, in {duration(log.seconds)}"),
    )
    return Section("Evaluation Approach", (Facts(facts),))


def effects_of(found: Comparison) -> list[Effect]:
    """What an evaluation compares, measure by measure."""
    effects = []
    if (held := found.held_out) is not None:
        effects.append(Effect("Bits per byte, unseen text", plain(held.base), plain(held.tuned), minus(held.gain), -1, 3))
    base, tuned = found.overall("base"), found.overall("tuned")
    if base is not None and tuned is not None:
        for key, shift in found.changes.items():
            before, after = percent(base.flags[key].share), percent(tuned.flags[key].share)
            effects.append(Effect(FLAG_TITLES.get(key, key), before, after, shift, -1))
    return effects


def changes(effects: Sequence[Effect], before: str, after: str, name: str) -> tuple[Block, ...]:
    """The effects drawn, and the same in numbers."""
    chart = forest_chart(effects, name)
    if chart is None:
        return ()
    rows = tuple((e.name, e.before, e.after, plain(e.shift.mean, e.digits), bounds(e.shift, e.digits), _sure(e)) for e in effects)
    note = "Paired: each prompt, and each unseen row, is compared with itself. The drawing turns every line so that right is better."
    table = Table(("Measure", before, after, "Difference", "95% interval", "Verdict"), rows, note)
    return (chart, Fold("The same in numbers", (table,)))


def _sure(effect: Effect) -> str:
    return f"{effect.verdict}, underpowered" if effect.shift.underpowered else effect.verdict


def _by_category(data: ReportData, found: Comparison) -> Iterator[Section]:
    blocks: list[Block] = []
    if (chart := gain_chart(found)) is not None and found.held_out is not None:
        text = (
            f"Text the model never trained on, as {data.voice} wrote it. Bits per byte count how many yes-or-no hints the model needs "
            "for each letter: the fewer, the better it knows the voice."
        )
        blocks += [Text(text), chart, _held_out(found)]
    if found.categories:
        blocks.append(_responses(found))
    if blocks:
        yield Section("By category", tuple(blocks))


def _held_out(found: Comparison) -> Table:
    assert found.held_out is not None
    rows = [*found.by_category, found.held_out] if len(found.by_category) > 1 else [found.held_out]
    return Table(
        ("Category", "Rows", "Topics", "Base", "Tuned", "Change", "Gain a row", "95% interval", "Verdict"),
        tuple(
            (
                found.title(h.category), str(h.rows), str(h.gain.clusters), plain(h.base), plain(h.tuned), change(h.relative),
                plain(h.gain.mean), bounds(h.gain), _verdict(h.gain, "better", "worse"),
            )
            for h in rows
        ),
        "Base, tuned and change are sums over all bytes; the gain is base minus tuned, averaged over rows, with rows of one topic "
        "kept together. The categories are for orientation: looking at several makes one lucky interval likelier.",
    )  # fmt: skip


def _responses(found: Comparison) -> Table:
    flags = list(dict.fromkeys(key for row in found.categories for key in row.flags))
    flags.sort(key=lambda key: list(FLAG_TITLES).index(key) if key in FLAG_TITLES else len(FLAG_TITLES))
    head = ("Category", "Model", "Answers", "Seconds", "Tokens", "Ended by itself", "At a marker", *(FLAG_TITLES.get(f, f) for f in flags))
    batch = max(s.batch for s in found.log.samples)
    return Table(
        (*head, "Leaks, raw", "Leaks, shown", "Begin alike"),
        tuple(_responses_row(row, flags) for row in found.categories),
        f"Seconds and tokens are averages, with up to {counted(batch, 'answer')} sharing the machine; the speed of one alone is below. "
        "Leaks count answers with a special token or template marker, before and after the text is cleaned. "
        "Begin alike: the first four words also begin an answer to another prompt.",
        names=2,
    )


def _responses_row(row: Responses, flags: list[str]) -> tuple[str, ...]:
    return (
        row.title,
        row.model,
        str(row.answers),
        plain(row.seconds, 1),
        plain(row.tokens, 0),
        percent(row.stops.get("end", 0.0)),
        percent(row.stops.get("stop string", 0.0)),
        *(percent(row.flags[key].share) if key in row.flags else "" for key in flags),
        str(row.leaks_raw.hits),
        str(row.leaks_clean.hits),
        percent(row.same_opening.share),
    )


def _speed(data: ReportData, found: Comparison) -> Iterator[Section]:
    if not found.speeds:
        return
    log, speeds, none = found.log, found.speeds, original.NOT_GIVEN
    rows = (
        ("Average generation time, s", *(plain(s.seconds, 1) for s in speeds), original.span(original.SECONDS)),
        ("Tokens per second", *(plain(s.tokens_per_second, 1) for s in speeds), original.span(original.TOKENS_PER_SECOND)),
        ("Seconds to the first token", *(plain(s.first_token_seconds, 2) for s in speeds), none),
        ("Output length, tokens", *(plain(s.tokens, 0) for s in speeds), none),
        ("Peak memory, GB", *(f"{log.peak_memory / 1e9:.1f}" for _ in speeds), original.span(original.GIGABYTES)),
    )
    note = (
        f"Each model answered {counted(speeds[0].prompts, 'prompt')} alone, warmed up, on {log.machine} ({counted(log.cores, 'core')}, "
        f"{log.engine} on {log.device}, {log.dtype}) with {log.base}. The original's figures are for {original.WHAT}, so the columns "
        "compare what a person waits for, not two machines. Memory is the peak of the whole evaluation, one figure for both models"
        + (f"; training peaked at {gigabytes(data.training.peak_memory)}." if data.training.peak_memory else ".")
    )
    yield Section("Performance Summary", (Table(("Median", *(s.model.capitalize() for s in speeds), "Original report"), rows, note),))


# --- the answers ---------------------------------------------------------------------------------------------------------


def _answers(found: Comparison) -> Iterator[Section]:
    if not found.asked:
        return
    groups = [(title, tuple(map(_prompted, asked))) for title, asked in found.by_prompt_category()]
    sections: list[Block] = []
    for title, prompted in groups:
        blocks: list[Block] = [Answers(prompted[:OPEN_PROMPTS])]
        if more := prompted[OPEN_PROMPTS:]:
            blocks.append(Fold(f"{len(more)} more in {title}", (Answers(more),)))
        sections.append(Section(title, tuple(blocks)))
    kinds = dict.fromkeys(mark.kind for sample in found.log.samples for mark in sample.marks)
    text = (
        f"The same prompts, the same random seeds. Nothing was picked by hand: these are the first {OPEN_PROMPTS} prompts of each "
        "category, and the rest is one click away."
    )
    legend = (Legend(tuple((kind, meaning(kind)) for kind in kinds)),) if kinds else ()
    yield Section("Answers, base beside tuned", (Text(text), *legend, *sections))


def _prompted(asked: Asked) -> Prompted:
    return Prompted(asked.prompt_id, asked.prompt, tuple((side("base", base), side("tuned", tuned)) for base, tuned in asked.pairs))


def side(name: str, sample: Sample | None) -> Side:
    """An answer, ready to be shown."""
    if sample is None:
        return Side(name, None)
    flags = [FLAG_TAGS.get(key, key.removesuffix(".any")) for key, found in flags_of(sample).items() if found and key != CUT_OFF]
    flags += ["leaks a marker"] if sample.leaks_clean else []
    notes = (counted(sample.tokens, "token"), STOP_TITLES.get(sample.stop, sample.stop), *flags)
    return Side(name, sample, pieces(sample.text, sample.marks), notes, bool(flags) or sample.stop == "length")


def _analysis(data: ReportData) -> Iterator[Section]:
    groups = [
        Section(title, (Findings(kind, tuple(data.of_kind(kind))),)) for kind, title in KINDS if data.of_kind(kind)
    ]  # fmt: skip
    if groups:
        yield Section("Response Analysis", tuple(groups))


def _verdict(interval: Interval, up: str, down: str) -> str:
    words = {"up": up, "down": down}.get(interval.verdict, interval.verdict)
    return f"{words}, underpowered" if interval.underpowered else words
