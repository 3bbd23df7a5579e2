"""The section "Extraction and Rules": which answers break a rule, why they ended, and what drawing several cost."""

from collections.abc import Iterable, Iterator, Mapping

from pete.evaluate.log import MODELS, EvaluationLog, Model, Sample
from pete.evaluate.stats import Rate
from pete.report.blocks import Block, Section, Table, Text
from pete.report.comparison import RULE_TITLES, RulesBroken, rules_broken
from pete.report.numbers import capital, percent

STOP_TITLES = {
    "end": "ended by itself", "stop string": "stopped at a marker", "loop": "stopped in a loop", "length": "cut off at the limit",
}  # fmt: skip


def extraction(log: EvaluationLog) -> Iterator[Section]:
    """The section, if the answers were held against the rules."""
    both: dict[Model, RulesBroken] = {model: broken for model in MODELS if (broken := rules_broken(log, model))}
    if not log.validated or not both:
        return
    shares = [f"{percent(broken.any.share)} of the {model} answers break a rule ({broken.any})" for model, broken in both.items()]
    blocks: list[Block] = [Text(f"Every answer was held against the persona's rules and what its prompt asks for. {'. '.join(shares)}.")]
    if any(broken.any.hits for broken in both.values()):
        blocks.append(_table(log, both))
    if any(sample.attempts > 1 for sample in log.samples):
        blocks.append(_cost(log, both))
    yield Section("Extraction and Rules", tuple(blocks))


def _table(log: EvaluationLog, both: Mapping[Model, RulesBroken]) -> Table:
    def row(title: str, rates: Iterable[Rate]) -> tuple[str, ...]:
        return (capital(title), *(percent(rate.share) for rate in rates))

    rows = [row("Breaks a rule", (broken.any for broken in both.values()))]
    for rule in dict.fromkeys([*RULE_TITLES, *(rule for broken in both.values() for rule in broken.by_rule)]):
        if any(rule in broken.by_rule for broken in both.values()):
            rows.append(row(RULE_TITLES.get(rule, rule), (broken.by_rule.get(rule, Rate(0, 1)) for broken in both.values())))
    answers = [[sample for sample in log.samples if sample.model == model] for model in both]
    # the rules count those that were cut off
    for stop in dict.fromkeys([*STOP_TITLES, *(sample.stop for sample in log.samples)]):
        if stop != "length" and any(sample.stop == stop for sample in log.samples):
            rows.append(row(STOP_TITLES.get(stop, stop), (Rate.count(s.stop == stop for s in part) for part in answers)))
    rows.append(row("Control marks in the raw text", (Rate.count(map(_leaky, part)) for part in answers)))
    return Table(("Answers", *map(capital, both)), tuple(rows), "Shares of answers; one that breaks two rules counts in both.")


def _leaky(sample: Sample) -> bool:
    return sample.leaks_raw > 0 or sample.scores.get("leak.raw", 0) > 0 or sample.scores.get("leak.turn_raw", 0) > 0


def _cost(log: EvaluationLog, both: Mapping[Model, RulesBroken]) -> Table:
    rows = []
    for model in both:
        answers = [sample for sample in log.samples if sample.model == model]
        drawn, tokens = sum(s.attempts for s in answers), sum(s.tokens for s in answers)
        tokens_drawn = sum(max(s.tokens, s.tokens_drawn) for s in answers)
        rows.append((capital(model), str(len(answers)), str(drawn), f"{tokens_drawn:,}", f"{tokens:,}"))
    note = "Several answers are drawn where generate.best_of or generate.retries ask for it; one is kept."
    return Table(("Model", "Answers", "Drawn", "Tokens drawn", "Tokens kept"), tuple(rows), note)
