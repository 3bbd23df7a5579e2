"""The chapter "Rewriting": whether drafts come back in the author's voice and say what they said, beside what else could be given."""

from pete.evaluate.log import EvaluationLog, Sample
from pete.evaluate.rewriting import changed_words, marker_shifts, standings
from pete.evaluate.stats import Rate
from pete.report.blocks import Answers, Block, Fold, Legend, Prompted, Section, Side, Table, Text, Verdict
from pete.report.comparison import Comparison
from pete.report.marks import marks_of, meaning, pieces
from pete.report.model import ReportData
from pete.report.numbers import percent, plain
from pete.report.results import changes, gates, side
from pete.report.summary import VERDICTS, reasons
from pete.words import counted

COLUMNS = (
    "", "Facts kept", "Facts added", "Says the same", "Left as it was", "Is the draft", "Voice", "More like the author", "Given away",
)  # fmt: skip
EXAMPLES = 3


def rewriting(data: ReportData) -> Section | None:
    """The chapter; None where the run was not asked to rewrite."""
    comparison = data.rewriting
    if comparison is None:
        return None
    word, tone = VERDICTS[comparison.judgement.verdict]
    note = (
        "A copied draft keeps every fact and has none of the voice; made-up prose has the voice and none of the facts: no number here "
        "says anything alone. Says the same: sentences of both texts that the other says, and says alike. Voice: 0 is the draft, 1 the "
        "author. Given away: bits per byte that the base needs less for the draft when it sees the rewrite. The guard is that of pete "
        "rewrite: it takes from all answers to a draft what says the same, and the draft's own sentences between; it looks with the same "
        "eyes that count here, so that the numbers behind it are kind. The author behind it: what it would put back of his own texts, "
        "which nobody accuses of lacking a voice; nobody can be expected to get more past it than he does."
    )
    blocks: list[Block] = [
        Verdict(word, tone, reasons(comparison)),
        Table(COLUMNS, tuple(standing_rows(comparison.log)), note),
        *changes(comparison.judgement.measures, "Base", "Tuned", "rewriting"),
        gates(comparison),
        *_markers(comparison.log),
        *_examples(comparison),
    ]
    blocks.append(Text(f"{comparison.file}: {counted(len(comparison.log.prompts), 'draft')}.", "note"))
    return Section("Rewriting", tuple(blocks))


def standing_rows(log: EvaluationLog) -> list[tuple[str, ...]]:
    """The ways to answer a draft, as they are read; nothing for what is not known."""
    return [
        (
            one.name, _share(one.facts), _rate(one.added), _share(one.says), _share(one.left), _rate(one.same),
            "" if one.voice is None else plain(one.voice, 2), _rate(one.beats), "" if one.recovered is None else plain(one.recovered, 2),
        )
        for one in standings(log)
    ]  # fmt: skip


def _share(value: float | None) -> str:
    return "" if value is None else percent(value)


def _rate(rate: Rate | None) -> str:
    return "" if rate is None else percent(rate.share)


def _markers(log: EvaluationLog) -> tuple[Block, ...]:
    found = marker_shifts(log)
    names = sorted({name for shifts in found.values() for name in shifts})
    if not names:
        return ()
    rows = tuple((name, *(_shift(shifts.get(name)) for shifts in found.values())) for name in names)
    note = "(answer - draft) / (author - draft), of means: 0 is the draft, 1 the author. Where the two hardly differ nothing is said."
    return (Fold("Readable markers: how far each went from the draft to the author", (Table(("", *found), rows, note),)),)


def _shift(value: float | None) -> str:
    if value is None:
        return ""
    beyond = " (beyond the author)" if value > 1.25 else " (the wrong way)" if value < -0.1 else ""
    return f"{plain(value, 2)}{beyond}"


def _examples(comparison: Comparison) -> tuple[Block, ...]:
    """The first drafts of different categories, each beside what the tuned model drew and what the guard left of it."""
    guarded = {s.prompt_id: s for s in comparison.log.beside.get("guarded", ())}
    draft = {s.prompt_id: s for s in comparison.log.beside.get("draft", ())}
    shown, seen = [], set()
    for asked in comparison.asked:
        tuned = next((t for _, t in asked.pairs if t is not None), None)
        if tuned is None or asked.category in seen or len(shown) == EXAMPLES:
            continue
        seen.add(asked.category)
        sides = [_plain("draft", draft.get(asked.prompt_id)), _marked("tuned", tuned)]
        if asked.prompt_id in guarded:
            sides.append(_marked("after the guard", guarded[asked.prompt_id], generated=False))
        shown.append(Prompted(asked.prompt_id, asked.prompt, (tuple(sides),)))
    if not shown:
        return ()
    legend = Legend(tuple((kind, meaning(kind)) for kind in ("new", "meaning")))
    return (Section("Drafts, and what became of them", (legend, Answers(tuple(shown)))),)


def _plain(name: str, sample: Sample | None) -> Side:
    return Side(name, None) if sample is None else Side(name, sample, pieces(sample.text, ()))


def _marked(name: str, sample: Sample, *, generated: bool = True) -> Side:
    """An answer in which every word that the draft has not is marked, and what says something else."""
    found = side(name, sample, generated=generated)
    return Side(name, sample, pieces(sample.text, (*marks_of(sample), *changed_words(sample))), found.notes, found.flagged)
