"""Strengths, weaknesses and open questions, each resting on a measured number and followed by what to try.

No number, no finding. What the answers are worth is the evaluation's judgement (its gates and measures); the rules here
add what training, speed and memory show. Their thresholds carry their reason.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pete.evaluate.gates import AGAINST, Outcome
from pete.evaluate.results import Measure
from pete.evaluate.stats import Rate
from pete.report import advice, original
from pete.report.advice import Advice, Measured, Suggestion
from pete.report.comparison import RULE_TITLES, rules_broken
from pete.report.numbers import bounds, capital, certainty, change, of_unit, percent, plain
from pete.words import GB, counted, duration, gigabytes, short

LENGTH_NEAR = 1.25
LENGTH_FAR = 1.6
LATE_SHARE = 0.2
"""Training that went on for this share of its steps without a better validation loss went on too long."""
STILL_FALLING = 0.005
"""A validation loss that fell by this share over the last interval had not settled."""
CLIPPED_MOST = 0.5
LOSS_FALL_LEAST = 0.02
PLAN_MISSED = 0.15
"""A plan is meant to be right within this share."""

RULES_KEPT = 0.02
"""Share of answers that break a rule: of the author's own examples fewer than this may, or the rule is wrong."""
RULES_BROKEN = 0.1

Kind = Literal["strength", "weakness", "open"]


@dataclass(frozen=True)
class Finding:
    """A judgement with the number it rests on and the file that holds the number."""

    kind: Kind
    title: str
    evidence: str
    source: str
    suggestions: tuple[Suggestion, ...] = ()


Rule = Callable[[Measured], Iterator[Finding]]


def find(measured: Measured) -> tuple[Finding, ...]:
    """Every finding the numbers support: weaknesses, then open questions, then strengths, each in the order of the rules."""
    found = [finding for rule in RULES for finding in rule(measured)]
    order: tuple[Kind, ...] = ("weakness", "open", "strength")
    return tuple(sorted(found, key=lambda f: order.index(f.kind)))


def next_steps(findings: Iterable[Finding]) -> tuple[tuple[Suggestion, Finding], ...]:
    """What to try, each with the first finding that asks for it; the same command is listed once."""
    chosen: dict[str, tuple[Suggestion, Finding]] = {}
    for finding in findings:
        for suggestion in finding.suggestions:
            chosen.setdefault(suggestion.command, (suggestion, finding))
    return tuple(chosen.values())


# --- the evaluation's judgement ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Words:
    """How people say that a gate holds, or does not, and what helps then."""

    good: str
    bad: str
    advice: Advice


_GATES = {
    "gain": _Words("It knows the voice: unseen writing surprises it less", "It does not know the voice better", advice.more_room),
    "selectivity": _Words("It learned this voice more than any other text", "What it learned is not this voice alone", advice.more_room),
    "neutral": _Words("Ordinary text has not suffered", "Ordinary text has suffered", advice.smaller_steps),
    "voice": _Words("Its answers sound like the author", "Its answers do not sound like the author", advice.more_room),
    "relevance": _Words("Answers stay with their prompt", "Answers drift from their prompt", advice.tamer),
    "facts": _Words("Facts of the prompt survive", "Facts of the prompt get lost", advice.tamer),
    "told": _Words("It keeps what it was told as well as the author does", "It loses or bends what it was told", advice.tamer),
    "echo": _Words("Answers do not give the prompt back", "Answers give the prompt back", advice.freer),
    "degenerate": _Words("Answers neither loop nor come back empty", "Some answers loop or are empty", advice.no_loops),
    "degenerate-base": _Words("It loops no more than the base", "It loops more than the base", advice.no_loops),
    "fluency": _Words("Answers read as English", "Some answers are not English", advice.tamer),
    "originality": _Words("It writes rather than recites", "It recites training rows", advice.harder_to_memorise),
    "formatting": _Words("It writes to order as well as the base", "It writes to order less than the base", advice.try_again),
    "leaks": _Words("No control mark reaches the reader", "Control marks reach the reader", advice.tamer),
    "stops": _Words("Answers end by themselves", "Some answers do not end", advice.longer_answers),
    "collapse": _Words("Answers do not begin alike", "Answers begin alike", advice.freer),
}


def gates(m: Measured) -> Iterator[Finding]:
    """One finding a gate. A gate that nobody asked for says nothing; one that is not measured is mentioned in the approach."""
    if m.evaluation is None:
        return
    for outcome in m.evaluation.judgement.outcomes:
        if outcome.found is None:
            continue
        gate = outcome.gate
        words = _GATES.get(gate.name, _Words(f"{gate.title}: holds", f"{gate.title}: does not hold", advice.ask_more))
        evidence = f"{_found(m, outcome)}; the gate: {gate.condition}"
        if outcome.state in ("passed", "failed") and outcome.reason not in ("", AGAINST):
            evidence += f" ({outcome.reason})"
        if outcome.state == "passed":
            yield Finding("strength", words.good, f"{evidence}.", m.evaluation.file)
        elif outcome.state == "failed":
            yield Finding("weakness", words.bad, f"{evidence}.", m.evaluation.file, words.advice(m))
        elif outcome.state == "not in force":
            text = f"{evidence}. {capital(outcome.reason)}."
            yield Finding("open", f"Not held against it: {words.bad[0].lower()}{words.bad[1:]}", text, m.evaluation.file)
        else:
            settle = advice.hold_back_more if gate.of in ("gain", "selectivity") else advice.ask_more
            text = f"{evidence}. {capital(outcome.reason)}."
            yield Finding("open", f"Not settled: {words.good[0].lower()}{words.good[1:]}", text, m.evaluation.file, settle(m))


def _found(m: Measured, outcome: Outcome) -> str:
    gate, found = outcome.gate, outcome.found
    assert found is not None and m.evaluation is not None
    measure = m.evaluation.measure(gate.of)
    if gate.rule in ("at most", "at least"):
        before = f", base {of_unit(measure.base, measure.unit)}" if measure else ""
        author = f", {m.voice} {of_unit(measure.author, measure.unit)}" if measure and measure.author is not None else ""
        return f"{percent(found.mean)} of the answers{before}{author} (95% interval {percent(found.low)} to {percent(found.high)})"
    if measure is None:
        return f"{change(found.mean)} (95% interval {change(found.low)} to {change(found.high)}: {certainty(found)})"
    return _compared(m, measure)


def _compared(m: Measured, measure: Measure) -> str:
    values = f"{of_unit(measure.tuned, measure.unit)} {measure.unit}, base {of_unit(measure.base, measure.unit)}"
    author = f", {m.voice} {of_unit(measure.author, measure.unit)}" if measure.author is not None else ""
    return f"{values}{author}; difference {plain(measure.change.mean)}, 95% interval {bounds(measure.change)}: {certainty(measure.change)}"


def other_measures(m: Measured) -> Iterator[Finding]:
    """What no gate looks at, where the difference is more than luck even among so many."""
    if m.evaluation is None:
        return
    gated = {o.gate.of for o in m.evaluation.judgement.outcomes} | {"relevance.first", "formatting.loose"}
    for measure in m.evaluation.judgement.measures:
        if measure.name in gated or measure.verdict not in ("better", "worse"):
            continue
        better = measure.verdict == "better"
        title = f"{capital(measure.title)}: {'better' if better else 'worse'} than the base"
        yield Finding("strength" if better else "weakness", title, f"{_compared(m, measure)}.", m.evaluation.file)


def rules_kept(m: Measured) -> Iterator[Finding]:
    """The persona's rules, as a reader would see them broken: after retries."""
    if m.evaluation is None or not m.evaluation.log.validated or (tuned := rules_broken(m.evaluation.log, "tuned")) is None:
        return
    base = rules_broken(m.evaluation.log, "base")
    evidence = f"{tuned.any} answers break a rule ({percent(tuned.any.share)})"
    evidence += f"; base {percent(base.any.share)}" if base else ""
    if tuned.any.share > RULES_BROKEN:
        often = ", ".join(f"{RULE_TITLES.get(name, name)} ({rate})" for name, rate in list(tuned.by_rule.items())[:3])
        yield Finding(
            "weakness", "Answers break the persona's rules", f"{evidence}. Most often: {often}.", m.evaluation.file, advice.try_again(m)
        )
    elif tuned.any.share <= RULES_KEPT:
        yield Finding("strength", "Answers keep the persona's rules", f"{evidence}.", m.evaluation.file)


def worse_category(m: Measured) -> Iterator[Finding]:
    """A category that lost what the others gained."""
    for held in m.evaluation.by_category if m.evaluation and len(m.evaluation.by_category) > 1 else ():
        if held.gain.verdict == "down":
            title = m.evaluation.title(held.category) if m.evaluation else ""
            evidence = (
                f"{plain(held.tuned)} bits per byte, base {plain(held.base)} ({change(held.relative)}); 95% interval of the gain "
                f"{bounds(held.gain)}, {counted(held.rows, 'row')}."
            )
            assert m.evaluation is not None
            yield Finding("weakness", f"{title} became worse", evidence, m.evaluation.file, advice.more_examples(m, title))


def lengths(m: Measured) -> Iterator[Finding]:
    """Is an answer about as long as the author would make it? Prompts differ, so only a large gap counts."""
    tuned = m.evaluation.overall("tuned") if m.evaluation else None
    if m.evaluation is None or tuned is None or not m.evaluation.author_bytes or not tuned.text_bytes:
        return
    ratio, base = tuned.text_bytes / m.evaluation.author_bytes, m.evaluation.overall("base")
    before = f", base {base.text_bytes:,.0f}" if base else ""
    wrote = f"{m.voice} wrote {m.evaluation.author_bytes:,.0f} in the held-out rows (x{short(ratio)})"
    evidence = f"Median {tuned.text_bytes:,.0f} bytes; {wrote}{before}."
    if 1 / LENGTH_NEAR <= ratio <= LENGTH_NEAR:
        yield Finding("strength", f"Answers are about as long as {m.voice} makes them", evidence, m.evaluation.file)
    elif ratio > LENGTH_FAR:
        fix = advice.longer(1.25, "Train a little longer: the end of an answer is learned too.")(m)
        yield Finding("weakness", f"Answers run longer than {m.voice} would write", evidence, m.evaluation.file, fix)
    elif ratio < 1 / LENGTH_FAR:
        yield Finding("weakness", f"Answers stop sooner than {m.voice} would", evidence, m.evaluation.file, advice.more_examples(m))


# --- speed and memory ----------------------------------------------------------------------------------------------------


def speed(m: Measured) -> Iterator[Finding]:
    """Beside the original report's figures; another machine or base is another figure, and the evidence says which."""
    alone = m.evaluation.alone("tuned") if m.evaluation else None
    if m.evaluation is None or alone is None:
        return
    evidence = (
        f"Median {plain(alone.seconds, 1)} s an answer and {plain(alone.tokens_per_second, 1)} tokens/s over "
        f"{counted(alone.prompts, 'prompt')} asked alone on {m.evaluation.log.machine}; the original report has "
        f"{original.span(original.SECONDS)} s and {original.span(original.TOKENS_PER_SECOND)} tokens/s for {original.WHAT}."
    )
    if alone.seconds <= original.SECONDS[1] and alone.tokens_per_second >= original.TOKENS_PER_SECOND[0]:
        yield Finding("strength", "Answers come as fast as the original report's, or faster", evidence, m.evaluation.file)
    else:
        yield Finding("weakness", "Answers are slower than the original report's", evidence, m.evaluation.file, advice.shorter_answers(m))


def memory(m: Measured) -> Iterator[Finding]:
    """Peak memory of the evaluation beside the original's."""
    if m.evaluation is None or not m.evaluation.log.peak_memory:
        return
    peak = m.evaluation.log.peak_memory
    batch = max((s.batch for s in m.evaluation.log.samples), default=1)
    evidence = (
        f"Peak {gigabytes(peak)} with {counted(batch, 'answer')} side by side; the original report has "
        f"{original.span(original.GIGABYTES)} GB for {original.WHAT}."
    )
    if peak <= original.GIGABYTES[1] * GB:
        yield Finding("strength", "It needs no more memory than the original report's", evidence, m.evaluation.file)
    else:
        yield Finding("weakness", "It needs more memory than the original report's", evidence, m.evaluation.file, advice.fewer_at_once(m))


# --- training ------------------------------------------------------------------------------------------------------------


def overfitting(m: Measured) -> Iterator[Finding]:
    """The validation loss was best long before the end, or was still falling at it."""
    best, end, last = m.training.best, m.training.last_validation, m.training.last_step
    if best is None or end is None or not last:
        return
    idle = (last - best.step) / last
    if idle >= LATE_SHARE and end.loss > best.loss:
        evidence = (
            f"Best validation loss {plain(best.loss)} at step {best.step} of {last}; {plain(end.loss)} at step {end.step} "
            f"({change(end.loss / best.loss - 1)}), so the last {percent(idle)} of the steps did not help{_memorised(m, best.step)}. "
            + (
                f"Nothing was published: {m.training.unpublished}."
                if m.training.unpublished
                else f"The adapter is the one of step {best.step}."
            )
        )
        helps = (*advice.stop_at(best.step)(m), *advice.harder_to_memorise(m))
        yield Finding("weakness", "Training went on past its best point", evidence, "events.jsonl", helps)
        return
    later = [v for v in m.training.validations if v.step > 0]
    if len(later) > 1 and best.step == end.step and (fall := 1 - later[-1].loss / later[-2].loss) >= STILL_FALLING:
        evidence = (
            f"Validation loss {plain(later[-2].loss)} at step {later[-2].step}, {plain(later[-1].loss)} at step {later[-1].step} "
            f"({change(-fall)}); the best step is the last."
        )
        helps = advice.longer(1.5, "Train half as long again.")(m)
        yield Finding("weakness", "Training ended while it was still improving", evidence, "events.jsonl", helps)


def _memorised(m: Measured, since: int) -> str:
    smooth = {s.step: value for s, value in zip(m.training.steps, m.training.smoothed(), strict=True)}
    then, now = smooth.get(since), smooth[m.training.last_step]
    if then is None or now >= then:
        return ""
    return f", while the training loss fell from {plain(then)} to {plain(now)}: it was memorising"


def loss_fell(m: Measured) -> Iterator[Finding]:
    """Without an evaluation, the fall of the validation loss is all there is."""
    best, base = m.training.best, m.training.base_loss
    if m.evaluation is not None or best is None or base is None:
        return
    fall = 1 - best.loss / base
    evidence = f"Validation loss {plain(base)} before training, {plain(best.loss)} at step {best.step} ({change(-fall)}), nats a token."
    if fall >= LOSS_FALL_LEAST:
        yield Finding("strength", "It learned something that carries over to rows it did not train on", evidence, "events.jsonl")
    else:
        yield Finding("weakness", "It learned next to nothing that carries over", evidence, "events.jsonl", advice.larger_steps(m))


def clipping(m: Measured) -> Iterator[Finding]:
    """Most updates cut to optim.clip_norm: the learning rate no longer means what it says."""
    limit = m.config.optim.clip_norm
    clipped = Rate.count(s.grad_norm > limit for s in m.training.steps)
    if clipped.of >= 10 and clipped.share > CLIPPED_MOST:
        evidence = f"{clipped} steps ({percent(clipped.share)}) had a gradient norm above optim.clip_norm = {limit:g}."
        yield Finding("weakness", "Most updates were cut short", evidence, "events.jsonl", advice.smaller_steps(m))


def plan(m: Measured) -> Iterator[Finding]:
    """Was the prediction right?"""
    planned, peak = m.training.planned, m.training.peak_memory
    if planned is None or not planned.memory or not peak:
        return
    off = peak / planned.memory - 1
    evidence = f"Peak memory {gigabytes(peak)}, planned {gigabytes(planned.memory)} ({change(off)})"
    if m.training.done and planned.seconds:
        late = change(m.training.seconds / planned.seconds - 1)
        evidence += f"; {duration(m.training.seconds)}, planned {duration(planned.seconds)} ({late})"
    if off > PLAN_MISSED:
        yield Finding("weakness", "Training took more memory than planned", f"{evidence}.", "events.jsonl")
    elif off >= -PLAN_MISSED:
        yield Finding("strength", "Training took the memory that was planned", f"{evidence}.", "events.jsonl")


def one_seed(m: Measured) -> Iterator[Finding]:
    """One training seed speaks for this adapter, never for the recipe."""
    if m.training.last_step:
        evidence = f"1 training seed (train.seed = {m.config.train.seed}); three show how much luck there is."
        yield Finding("open", "This speaks for this adapter, not yet for the recipe", evidence, "config.toml", advice.another_seed(m))


RULES: tuple[Rule, ...] = (
    gates, other_measures, rules_kept, worse_category, loss_fell, overfitting, clipping, lengths, speed, memory, plan, one_seed,
)  # fmt: skip
