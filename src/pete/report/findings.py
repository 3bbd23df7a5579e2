"""Strengths, weaknesses and open questions, each resting on a measured number; a gate that does not hold is followed by what to try.

No number, no finding. What the answers are worth is the evaluation's judgement (its gates and measures); the rules here
add what the persona's rules, the categories and the training show. Their thresholds carry their reason.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from pete.evaluate.gates import GateResult
from pete.evaluate.results import Measure
from pete.evaluate.scorers import specs
from pete.report.advice import Measured, Suggestion, ask_more, follow, hold_back_more
from pete.report.comparison import ALL, RULE_TITLES, rules_broken
from pete.report.numbers import bounds, capital, certainty, change, of_unit, percent, plain
from pete.words import counted

LATE_SHARE = 0.2
"""Training that went on for this share of its steps without a better validation loss went on too long."""
STILL_FALLING = 0.005
"""A validation loss that fell by this share over the last interval had not settled."""
LOSS_FALL_LEAST = 0.02
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


def find(measured: Measured) -> tuple[Finding, ...]:
    """Every finding the numbers support: weaknesses, then open questions, then strengths, each in the order of the rules."""
    findings = [finding for rule in RULES for finding in rule(measured)]
    order: tuple[Kind, ...] = ("weakness", "open", "strength")
    return tuple(sorted(findings, key=lambda f: order.index(f.kind)))


def next_steps(findings: Iterable[Finding]) -> tuple[tuple[Suggestion, Finding], ...]:
    """What to try, each with the first finding that asks for it; the same command is listed once."""
    chosen: dict[str, tuple[Suggestion, Finding]] = {}
    for finding in findings:
        for suggestion in finding.suggestions:
            chosen.setdefault(suggestion.command, (suggestion, finding))
    return tuple(chosen.values())


# --- the evaluation's judgement ----------------------------------------------------------------------------------------


def gates(m: Measured) -> Iterator[Finding]:
    """One finding a gate. A gate that no prompt asks for says nothing; one that is not measured is mentioned in the approach."""
    if m.evaluation is None:
        return
    for outcome in m.evaluation.judgement.outcomes:
        if outcome.interval is None:
            continue
        gate, file = outcome.gate, m.evaluation.file
        evidence = f"{_numbers(m, outcome)}; the gate: {gate.condition}"
        decided = f"{evidence} ({outcome.reason})." if outcome.reason else f"{evidence}."
        undecided = f"{evidence}. {capital(outcome.reason)}."
        if outcome.state == "passed":
            yield Finding("strength", gate.good, decided, file)
        elif outcome.state == "failed":
            yield Finding("weakness", gate.bad, decided, file, follow(m, gate.advice))
        elif outcome.state == "not in force":
            yield Finding("open", f"Not held against it: {gate.bad[0].lower()}{gate.bad[1:]}", undecided, file)
        else:
            settle = hold_back_more(m) if gate.rows == "held_out" else ask_more(m)
            yield Finding("open", f"Not settled: {gate.good[0].lower()}{gate.good[1:]}", undecided, file, settle)


def _numbers(m: Measured, outcome: GateResult) -> str:
    gate, interval = outcome.gate, outcome.interval
    assert interval is not None and m.evaluation is not None
    measure = m.evaluation.measure(gate.key)
    if gate.is_share:
        before = f", base {of_unit(measure.base, measure.unit)}" if measure else ""
        author = f", {m.voice} {of_unit(measure.author, measure.unit)}" if measure and measure.author is not None else ""
        return f"{percent(interval.mean)} of the answers{before}{author} (95% interval {bounds(interval, share=True)})"
    if measure is None:
        return f"{change(interval.mean)} (95% interval {change(interval.low)} to {change(interval.high)}: {certainty(interval)})"
    return _compared(m, measure)


def _compared(m: Measured, measure: Measure) -> str:
    values = f"{of_unit(measure.tuned, measure.unit)} {measure.unit}, base {of_unit(measure.base, measure.unit)}"
    author = f", {m.voice} {of_unit(measure.author, measure.unit)}" if measure.author is not None else ""
    return f"{values}{author}; difference {plain(measure.change.mean)}, 95% interval {bounds(measure.change)}: {certainty(measure.change)}"


def other_measures(m: Measured) -> Iterator[Finding]:
    """What no gate looks at, where the difference is more than luck even among so many."""
    if m.evaluation is None:
        return
    ungated = {metric.key for spec in specs() if not spec.gates for metric in spec.metrics}
    for measure in m.evaluation.judgement.measures:
        if measure.name in ungated and measure.verdict in ("better", "worse"):
            kind: Kind = "strength" if measure.verdict == "better" else "weakness"
            title = f"{capital(measure.title)}: {measure.verdict} than the base"
            yield Finding(kind, title, f"{_compared(m, measure)}.", m.evaluation.file)


def rules_kept(m: Measured) -> Iterator[Finding]:
    """The persona's rules, as a reader would see them broken: after retries."""
    if m.evaluation is None or not m.evaluation.log.validated or (tuned := rules_broken(m.evaluation.log, "tuned")) is None:
        return
    base = rules_broken(m.evaluation.log, "base")
    evidence = f"{tuned.any} answers break a rule ({percent(tuned.any.share)})"
    evidence += f"; base {percent(base.any.share)}" if base else ""
    if tuned.any.share > RULES_BROKEN:
        often = ", ".join(f"{RULE_TITLES.get(name, name)} ({rate})" for name, rate in list(tuned.by_rule.items())[:3])
        yield Finding("weakness", "Answers break the persona's rules", f"{evidence}. Most often: {often}.", m.evaluation.file)
    elif tuned.any.share <= RULES_KEPT:
        yield Finding("strength", "Answers keep the persona's rules", f"{evidence}.", m.evaluation.file)


def worse_category(m: Measured) -> Iterator[Finding]:
    """A category that lost what the others gained."""
    for title, held in m.evaluation.gains.items() if m.evaluation else ():
        if title != ALL and held.change.verdict == "down":
            evidence = (
                f"{plain(held.tuned)} bits per byte, base {plain(held.base)} ({change(held.relative)}); 95% interval of the gain "
                f"{bounds(held.change)}, {counted(held.change.clusters, 'topic')}."
            )
            assert m.evaluation is not None
            yield Finding("weakness", f"{title} became worse", evidence, m.evaluation.file)


# --- training ------------------------------------------------------------------------------------------------------------


def overfitting(m: Measured) -> Iterator[Finding]:
    """The validation loss was best long before the end, or was still falling at it."""
    best, end, last = m.training.best, m.training.last_validation, m.training.last_step
    if best is None or end is None or not last:
        return
    idle = (last - best.step) / last
    if idle >= LATE_SHARE and end.loss > best.loss:
        unpublished = m.training.unpublished
        outcome = f"Nothing was published: {unpublished}." if unpublished else f"The adapter is the one of step {best.step}."
        evidence = (
            f"Best validation loss {plain(best.loss)} at step {best.step} of {last}; {plain(end.loss)} at step {end.step} "
            f"({change(end.loss / best.loss - 1)}), so the last {percent(idle)} of the steps did not help. {outcome}"
        )
        yield Finding("weakness", "Training went on past its best point", evidence, "events.jsonl")
        return
    later = [v for v in m.training.validations if v.step > 0]
    if len(later) > 1 and best.step == end.step and (fall := 1 - later[-1].loss / later[-2].loss) >= STILL_FALLING:
        evidence = (
            f"Validation loss {plain(later[-2].loss)} at step {later[-2].step}, {plain(later[-1].loss)} at step {later[-1].step} "
            f"({change(-fall)}); the best step is the last."
        )
        yield Finding("weakness", "Training ended while it was still improving", evidence, "events.jsonl")


def loss_fell(m: Measured) -> Iterator[Finding]:
    """Without an evaluation, the fall of the validation loss is all there is."""
    best, base = m.training.best, m.training.base_loss
    if m.evaluation is not None or best is None or base is None:
        return
    fall = 1 - best.loss / base
    ask = (Suggestion("Measure what it writes: nothing is said of its answers yet.", m.evaluate_again()),)
    evidence = f"Validation loss {plain(base)} before training, {plain(best.loss)} at step {best.step} ({change(-fall)}), nats a token."
    if fall >= LOSS_FALL_LEAST:
        yield Finding("strength", "It learned something that carries over to rows it did not train on", evidence, "events.jsonl", ask)
    else:
        yield Finding("weakness", "It learned next to nothing that carries over", evidence, "events.jsonl", ask)


def one_seed(m: Measured) -> Iterator[Finding]:
    """One training seed speaks for this adapter, never for the recipe."""
    if m.training.last_step:
        evidence = f"1 training seed (train.seed = {m.config.train.seed}); three show how much luck there is."
        yield Finding("open", "This speaks for this adapter, not yet for the recipe", evidence, "config.toml")


RULES: tuple[Callable[[Measured], Iterator[Finding]], ...] = (
    gates, other_measures, rules_kept, worse_category, loss_fell, overfitting, one_seed,
)  # fmt: skip
