"""The executive summary: a verdict in a sentence, four numbers with their meaning, and answers of base and tuned side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

from pete.evaluate.gates import State
from pete.evaluate.results import asked_anew, trained_note
from pete.evaluate.stats import Rate
from pete.report.blocks import Answers, Block, Card, Cards, Prompted, Section, Text, Tone, Verdict
from pete.report.comparison import Comparison
from pete.report.model import ReportData
from pete.report.numbers import bounds, change, of_unit, percent, plain
from pete.report.results import side
from pete.words import counted, duration, gigabytes, millions

NUMBERS, PAIRS = 4, 2
VERDICTS: dict[str, tuple[str, Tone]] = {
    "ship": ("Ship", "good"),
    "don't ship": ("Don\u2019t ship", "bad"),
    "not enough evidence": ("Not enough evidence", "open"),
}


@dataclass(frozen=True)
class Headline:
    """What a reader sees first. Report, Markdown and terminal say it in the same words."""

    word: str
    tone: Tone
    sentence: str
    """Why the verdict is what it is."""
    numbers: tuple[Card, ...]
    """At most four, those that tell most."""
    answers: tuple[Prompted, ...]
    """At most two prompts, of different categories where there are several, each with one row: (base, tuned)."""


def headline(data: ReportData) -> Headline:
    """The verdict, the numbers that tell most, and the first answers; without an evaluation, what the training shows.

    Where rewriting alone was evaluated the verdict is that of rewriting; its answers have a chapter of their own.
    """
    numbers = tuple(_numbers(data))[:NUMBERS]
    if (comparison := data.evaluation or data.rewriting) is None:
        return Headline("Not evaluated yet", "open", lead(data), numbers, ())
    word, tone = VERDICTS[comparison.judgement.verdict]
    if comparison is data.rewriting:
        return Headline(f"{word} (rewriting)", tone, f"Asked to rewrite drafts: {verdict_sentence(comparison)}", numbers, ())
    return Headline(word, tone, verdict_sentence(comparison), numbers, tuple(_first_answers(comparison))[:PAIRS])


def summary(data: ReportData) -> tuple[Block, ...]:
    """What stands at the top of the page."""
    first = headline(data)
    blocks: list[Block] = [Verdict(first.word, first.tone, first.sentence), Cards(first.numbers)]
    if first.answers:
        note = "The first prompts of the evaluation, not picked by hand. The chapter on the evaluation has all answers."
        blocks.append(Section("The same prompt, before and after training", (Answers(first.answers), Text(note, "note"))))
    if (comparison := data.evaluation or data.rewriting) is not None:
        blocks.append(Text(" ".join([lead(data), *_remarks(comparison)])))
    return tuple(blocks)


def verdict_sentence(comparison: Comparison) -> str:
    """How many quality gates are met, and which are not."""
    judgement = comparison.judgement
    failed, unknown, passed = (judgement.of(state) for state in ("failed", "unknown", "passed"))
    gates = counted(len(failed) + len(unknown) + len(passed), "quality gate")
    if failed:
        faults = "; ".join(f"{o.gate.bad[0].lower()}{o.gate.bad[1:]}" for o in failed)
        return f"{len(failed)} of {gates} {'is' if len(failed) == 1 else 'are'} not met: {faults}."
    if unknown:
        return f"{len(passed)} of {gates} are met and none fails; to settle {len(unknown)} more, it takes more prompts or more unseen text."
    return f"{len(passed)} of {gates} are met."


def reasons(comparison: Comparison) -> str:
    """The verdict's sentence, with the gates that are not settled by name, and what else should be known."""
    return " ".join([verdict_sentence(comparison), *_titles(comparison, "unknown", "Not settled"), *_remarks(comparison)])


def _titles(comparison: Comparison, state: State, what: str) -> list[str]:
    titles = " · ".join(outcome.gate.title for outcome in comparison.judgement.of(state))
    return [f"{what}: {titles}."] if titles else []


def _remarks(comparison: Comparison) -> Iterator[str]:
    yield from _titles(comparison, "not in force", "Not in force, the author fails it too")
    several = Rate.count(s.attempts > 1 for s in comparison.log.samples if s.model == "tuned")
    if several.hits:
        yield f"{several} tuned answers were chosen among several."
    yield from trained_note(comparison.log)


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
        if held.change.low <= 0 <= held.change.high:
            return f"{line}, which is no significant difference (95% interval of the gain: {bounds(held.change)})."
        return f"{line} (95% interval of the gain: {bounds(held.change)})."
    ending = "No evaluation has been made yet, so this report shows the training only."
    if data.rewriting is not None:
        ending = "How it writes has not been evaluated yet, how it rewrites has."
    base, best = training.base_loss, training.best
    if base is not None and best is not None:
        moved = "fell" if best.loss < base else "went"
        return (
            f"{taught}the validation loss of {data.base} {moved} from {plain(base)} to {plain(best.loss)} nats a token "
            f"({change(best.loss / base - 1)}). {ending}"
        )
    smooth = training.smoothed()
    return f"{taught}the training loss of {data.base} went from {plain(smooth[0])} to {plain(smooth[-1])} nats a token. {ending}"


def _first_answers(comparison: Comparison) -> Iterator[Prompted]:
    """The first answered prompt of each category; prompts that stand in the training rows may be remembered, so they are left out."""
    fresh = {sample.prompt_id for sample in asked_anew(comparison.log).samples}
    for _, prompts in comparison.by_prompt_category():
        for asked in prompts:
            base, tuned = asked.pairs[0]
            if asked.prompt_id in fresh and base is not None and tuned is not None:
                yield Prompted(asked.prompt_id, asked.prompt, ((side("base", base), side("tuned", tuned)),))
                break


SHARES = {
    "relevance.first": "of its answers fit their own prompt better than any other prompt",
    "degenerate.any": "of its answers loop or are empty",
    "originality.any": "of its answers copy from the training texts",
}
"""What the share of a measure means in plain words, the most telling first."""


def _numbers(data: ReportData) -> Iterator[Card]:
    if (comparison := data.evaluation) is None:
        yield from _training_numbers(data)
        return
    if (held := comparison.held_out) is not None:
        bits = f"{plain(held.tuned, 2)} bits a byte, before {plain(held.base, 2)}"
        yield Card(change(held.relative), f"surprise at {data.voice}\u2019s unseen writing: {bits}; less is better")
    if (voice := comparison.measure("voice")) is not None:
        yield Card(
            percent(voice.tuned), f"of the way from the base model\u2019s style to {data.voice}\u2019s own{_by_chance(voice.verdict)}"
        )
    tests = [test for test in data.blind.values() if test.win_rate is not None]
    if tests and (won := tests[-1].win_rate) is not None:
        decided = counted(tests[-1].wins + tests[-1].losses, "choice")
        yield Card(percent(won), f"of {decided} in the blind test went to the tuned model")
    for name, meaning in SHARES.items():
        if (share := comparison.measure(name)) is not None:
            tuned, base = of_unit(share.tuned, share.unit), of_unit(share.base, share.unit)
            yield Card(tuned, f"{meaning}; base {base}{_by_chance(share.verdict) if tuned != base else ''}")
    if (alone := comparison.alone("tuned")) is not None:
        yield Card(f"{plain(alone.seconds, 1)} s", "for an answer when it is asked alone")
    if (tuned := comparison.overall("tuned")) is not None:
        yield Card(percent(tuned.stops.get("end", 0.0)), "of its answers come to an end by themselves")


def _by_chance(verdict: str) -> str:
    return "" if verdict in ("better", "worse") else " (the difference may be chance)"


def _training_numbers(data: ReportData) -> Iterator[Card]:
    training = data.training
    if training.best is not None:
        before = f", before training {plain(training.base_loss)}" if training.base_loss is not None else ""
        yield Card(plain(training.best.loss), f"validation loss, the surprise at rows kept aside{before}; less is better")
    if training.steps:
        yield Card(
            duration(training.seconds), f"of training: {counted(training.last_step, 'step')}, the best was step {training.best_step}"
        )
        yield Card(f"{training.tokens_per_second:,.0f}", f"tokens a second while training, {training.tokens:,} in all")
        yield Card(gigabytes(training.peak_memory), "of memory at most")
    if training.started is not None:
        yield Card(percent(training.trainable_share), f"of the model trains: {millions(training.started.trainable)} parameters")
