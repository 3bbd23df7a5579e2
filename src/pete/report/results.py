"""The chapter "Model Evaluation": what changed, gate by gate and category by category, and the answers themselves."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from pete.evaluate.gates import State
from pete.evaluate.log import Sample
from pete.evaluate.results import Measure
from pete.evaluate.scorers import specs
from pete.evaluate.stats import Interval
from pete.report import original
from pete.report.blocks import (
    Answers,
    Block,
    Command,
    Fact,
    FactTable,
    Findings,
    Fold,
    Legend,
    Prompted,
    Section,
    Side,
    Table,
    Text,
)
from pete.report.chapters.opinions import opinions
from pete.report.charts import forest_chart, gain_chart
from pete.report.comparison import Comparison, PromptAnswers
from pete.report.copied import originality
from pete.report.extraction import STOP_TITLES, extraction
from pete.report.marks import marks_of, meaning, pieces
from pete.report.model import ReportData
from pete.report.numbers import bounds, capital, change, of_unit, percent, plain
from pete.words import GB, counted, duration, gigabytes, short

OPEN_PROMPTS = 4
"""Prompts of a category that are shown at once; the others are one click away."""
KINDS = (("strength", "Strengths"), ("weakness", "Areas for Improvement"), ("open", "What the numbers cannot settle"))


def evaluation(data: ReportData) -> Section:
    """The chapter, or the command that makes one possible."""
    comparison = data.evaluation
    title = "Model Evaluation"
    if comparison is None:
        return Section(
            title,
            (
                Text(
                    "Not evaluated yet: nothing is said about answers or speed. To make an evaluation:"
                    if data.rewriting is None
                    else "How it writes has not been evaluated yet; how it rewrites stands in the next chapter. To evaluate writing:"
                ),
                Command(data.evaluate_again() + (" --task write" if data.rewriting else "")),
                *_analysis(data),
            ),
        )
    changed = changes(comparison.judgement.measures, "Base", "Tuned", "changes")
    parts = [Section("What changed", changed)] if changed else []
    parts += [
        gates(comparison),
        *_by_category(data, comparison),
        *_speed(data, comparison),
        *extraction(comparison.log),
        *_answers(comparison),
    ]
    parts += [*originality(comparison, data.training_rows), *opinions(data), *_analysis(data), _approach(comparison)]
    return Section(title, tuple(parts))


def _approach(comparison: Comparison) -> Section:
    log = comparison.log
    drawn = ", ".join(f"{key.replace('_', ' ')} {short(v) if isinstance(v, float) else v}" for key, v in log.generate.items())
    facts = (
        Fact("Categories", ", ".join(f"{title} ({counted(len(asked), 'prompt')})" for title, asked in comparison.by_prompt_category())),
        Fact("Answers", f"{counted(len(log.samples), 'answer')}, base and tuned on the same prompts and seeds"),
        Fact("Unseen text", counted(len(log.held_out), "row") if log.held_out else "none"),
        Fact("Drawn with", drawn),
        Fact("Machine", f"{log.machine}, {counted(log.cores, 'core')}; {log.engine} on {log.device}, {log.dtype}"),
        *([Fact("To know", " ".join(comparison.judgement.notes))] if comparison.judgement.notes else []),
        Fact("File", f"{comparison.file}, made {log.created}, in {duration(log.seconds)}"),
    )
    return Section("Evaluation Approach", (FactTable(facts),))


def changes(measures: Sequence[Measure], before: str, after: str, name: str) -> tuple[Block, ...]:
    """The measures drawn, and the same in numbers."""
    chart = forest_chart(measures, name)
    if chart is None:
        return ()
    rows = tuple(
        (
            f"{capital(m.title)}{' (primary)' if m.primary else ''}", of_unit(m.base, m.unit), of_unit(m.tuned, m.unit),
            "" if m.author is None else of_unit(m.author, m.unit), plain(m.change.mean), bounds(m.change), plain(m.adjusted_p),
            f"{m.verdict}, underpowered" if m.change.underpowered else m.verdict,
        )
        for m in measures
        if m.settled or m.primary
    )  # fmt: skip
    primary = sum(m.primary for m in measures)
    note = (
        f"Paired: each prompt, and each unseen row, is compared with itself. {primary} primary measures were named in advance and "
        f"read as they are; for the others p is Holm's, because many are looked at.{_not_settled([m for m in measures if not m.primary])}"
    )
    head = ("Measure", before, after, "Author", "Difference", "95% interval", "p", "Verdict")
    return (chart, Fold("The same in numbers", (Table(head, rows, note),)))


def _not_settled(measures: Sequence[Measure]) -> str:
    """One line for all that may be luck."""
    titles = [m.title for m in measures if not m.settled]
    return f" No significant difference: {', '.join(titles)}." if titles else ""


def gates(comparison: Comparison) -> Section:
    """Every gate with what was found, and the answers that speak against it."""
    words: dict[State, str] = {
        "failed": "against it", "unknown": "not settled", "passed": "holds", "not in force": "not in force", "not asked": "not asked",
    }  # fmt: skip
    outcomes = [o for state in words for o in comparison.judgement.outcomes if o.state == state]
    rows = []
    for o in outcomes:
        shown = "" if o.interval is None else percent(o.interval.mean) if o.gate.in_percent else plain(o.interval.mean)
        limits = "" if o.interval is None else bounds(o.interval, share=o.gate.in_percent)
        measure = comparison.measure(o.gate.key)
        author = "" if o.author is None else of_unit(o.author, measure.unit if measure else "share")
        rows.append((words[o.state], o.gate.title, o.gate.condition, shown, limits, author, o.reason))
    note = (
        "Author: the author's own unseen rows by the same ruler. A gate that they do not hold is not in force, unless the answers are "
        "worse still."
    )
    head = ("", "Gate", "Holds with", "Found", "95% interval", "Author", "Why")
    blocks: list[Block] = [Table(head, tuple(rows), note, words=True)]
    for o in outcomes:
        if o.worst:
            worst = tuple(Fact(f"{w.where}: {w.why}", w.text or "(the row is in data/test.jsonl)") for w in o.worst)
            blocks.append(Fold(f"{o.gate.title}: the worst {len(worst)}", (FactTable(worst, prose=True),)))
    return Section("Gates", tuple(blocks))


def _by_category(data: ReportData, comparison: Comparison) -> Iterator[Section]:
    blocks: list[Block] = []
    more: list[Block] = []
    if (chart := gain_chart(comparison)) is not None and comparison.held_out is not None:
        text = (
            f"Text the model never trained on, as {data.voice} wrote it. Bits per byte count how many yes-or-no hints the model needs "
            "for each letter: the fewer, the better it knows the voice."
        )
        blocks += [Text(text), chart]
        more.append(_held_out(comparison))
    if by_category := comparison.measures_by_category():
        blocks.append(_measures(comparison, by_category))
    if comparison.categories:
        more.append(_responses(comparison))
    if more:
        blocks.append(Fold("Unseen text in numbers; length, time and ending of the answers", tuple(more)))
    if blocks:
        yield Section("By category", tuple(blocks))


def _held_out(comparison: Comparison) -> Table:
    return Table(
        ("Category", "Topics", "Base", "Tuned", "Change", "Gain", "95% interval", "Verdict"),
        tuple(
            (
                title, str(h.change.clusters), plain(h.base), plain(h.tuned), change(h.relative),
                plain(h.change.mean), bounds(h.change), _verdict(h.change),
            )
            for title, h in comparison.gains.items()
        ),
        "Bits over bytes, both summed over the rows; the gain is base minus tuned, its interval comes from drawing whole topics. "
        "The categories are for orientation: looking at several makes one lucky interval likelier.",
    )  # fmt: skip


def _measures(comparison: Comparison, by_category: Mapping[str, Sequence[Measure]]) -> Table:
    columns = {**by_category, "All": comparison.judgement.measures}
    settled = {m.name for measures in columns.values() for m in measures if m.settled or m.primary}
    rows = {m.name: [capital(m.title)] + [""] * len(columns) for m in comparison.judgement.measures if m.name in settled}
    for place, measures in enumerate(columns.values(), 1):
        for m in (m for m in measures if m.name in settled):
            better = {"better": " \u25b2", "worse": " \u25bc"}.get(m.verdict, "")
            rows[m.name][place] = f"{of_unit(m.base, m.unit)} \u2192 {of_unit(m.tuned, m.unit)}{better}"
    note = "Base \u2192 tuned. \u25b2 better and \u25bc worse mark what is more than luck; the rest is no significant difference."
    note += _not_settled([m for m in comparison.judgement.measures if m.name not in settled])
    return Table(("Measure", *columns), tuple(map(tuple, rows.values())), note)


def _responses(comparison: Comparison) -> Table:
    batch = max(s.batch for s in comparison.log.samples)
    return Table(
        ("Category", "Model", "Answers", "Seconds", "Tokens", *(title.capitalize() for title in STOP_TITLES.values())),
        tuple(
            (
                row.title, row.model, str(row.answers), plain(row.seconds, 1), plain(row.tokens, 0),
                *(percent(row.stops.get(stop, 0.0)) for stop in STOP_TITLES),
            )
            for row in comparison.categories
        ),
        f"Seconds and tokens are averages, with up to {counted(batch, 'answer')} sharing the machine; one alone is faster.",
        names=2,
    )  # fmt: skip


def _speed(data: ReportData, comparison: Comparison) -> Iterator[Section]:
    if not comparison.speeds:
        return
    log, speeds, none = comparison.log, comparison.speeds, original.NOT_GIVEN
    rows = (
        ("Average generation time, s", *(plain(s.seconds, 1) for s in speeds), original.span(original.SECONDS)),
        ("Tokens per second", *(plain(s.tokens_per_second, 1) for s in speeds), original.span(original.TOKENS_PER_SECOND)),
        *(
            [("Guessed tokens that were drawn", *("" if s.guessed_right is None else f"{s.guessed_right:.0%}" for s in speeds), none)]
            if any(s.guessed_right is not None for s in speeds)
            else []
        ),
        ("Seconds to the first token", *(plain(s.first_token_seconds, 2) for s in speeds), none),
        ("Output length, tokens", *(plain(s.tokens, 0) for s in speeds), none),
        ("Peak memory, GB", *(f"{log.peak_memory / GB:.1f}" for _ in speeds), original.span(original.GIGABYTES)),
    )
    note = (
        f"Each model answered {counted(speeds[0].prompts, 'prompt')} alone, warmed up, on {log.machine} ({counted(log.cores, 'core')}, "
        f"{log.engine} on {log.device}, {log.dtype}) with {log.base}. The original's figures are for {original.WHAT}, so the columns "
        "compare what a person waits for, not two machines. Memory is the peak of the whole evaluation, one figure for both models"
        + (f"; training peaked at {gigabytes(data.training.peak_memory)}." if data.training.peak_memory else ".")
    )
    yield Section("Performance Summary", (Table(("Median", *(s.model.capitalize() for s in speeds), "Original report"), rows, note),))


# --- the answers ---------------------------------------------------------------------------------------------------------


def _answers(comparison: Comparison) -> Iterator[Section]:
    if not comparison.asked:
        return
    kinds = dict.fromkeys(mark.kind for sample in comparison.log.samples for mark in marks_of(sample))
    text = (
        f"The same prompts, the same random seeds. Nothing was picked by hand: these are the first {OPEN_PROMPTS} prompts of each "
        "category, and the rest is one click away."
    )
    legend = (Legend(tuple((kind, meaning(kind)) for kind in kinds)),) if kinds else ()
    yield Section("Answers, base beside tuned", (Text(text), *legend, *prompts_by_category(comparison, _prompted, OPEN_PROMPTS)))


def prompts_by_category(comparison: Comparison, prompted: Callable[[PromptAnswers], Prompted], shown: int) -> tuple[Section, ...]:
    """A section for each category: its first prompts at once, the rest one click away."""
    sections = []
    for title, asked in comparison.by_prompt_category():
        prompts = tuple(map(prompted, asked))
        blocks: list[Block] = [Answers(prompts[:shown])]
        if more := prompts[shown:]:
            blocks.append(Fold(f"{len(more)} more in {title}", (Answers(more),)))
        sections.append(Section(title, tuple(blocks)))
    return tuple(sections)


def _prompted(asked: PromptAnswers) -> Prompted:
    return Prompted(asked.prompt_id, asked.prompt, tuple((side("base", base), side("tuned", tuned)) for base, tuned in asked.pairs))


def side(name: str, sample: Sample | None, *, generated: bool = True) -> Side:
    """An answer, ready to be shown; of one that no model generated in one go it is not said how it ended."""
    if sample is None:
        return Side(name, None)
    broken = {flag.rule for flag in sample.flags}  # says more exactly what a scorer's tag says, too
    flags = [spec.tag or spec.name for spec in specs() if sample.scores.get(f"{spec.name}.any", 0.0) > 0 and not broken & spec.rules.keys()]
    # why it ended is said already
    flags += dict.fromkeys(flag.words for flag in sample.flags if flag.rule != {"length": "unfinished", "loop": "loop"}.get(sample.stop))
    drawn = [f"chosen among {sample.attempts}"] if sample.attempts > 1 else []
    ended = (counted(sample.tokens, "token"), STOP_TITLES.get(sample.stop, sample.stop)) if generated else ()
    notes = (*ended, *flags, *drawn)
    return Side(name, sample, pieces(sample.text, marks_of(sample)), notes, bool(flags or sample.flags) or sample.stop == "length")


def _analysis(data: ReportData) -> Iterator[Section]:
    groups = [
        Section(title, (Findings(kind, tuple(data.of_kind(kind))),)) for kind, title in KINDS if data.of_kind(kind)
    ]  # fmt: skip
    if groups:
        yield Section("Response Analysis", tuple(groups))


def _verdict(interval: Interval) -> str:
    words = {"up": "better", "down": "worse"}.get(interval.verdict, interval.verdict)
    return f"{words}, underpowered" if interval.underpowered else words
