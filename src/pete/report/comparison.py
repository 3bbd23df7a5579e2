"""What an evaluation log says about base and tuned: likelihood, answers, speed, and the evaluation's own judgement of them."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pete.evaluate.gates import Judgement, judge
from pete.evaluate.log import MODELS, EvaluationLog, Model, Sample
from pete.evaluate.results import Measure, measure, measures
from pete.evaluate.stats import Rate

ALL = "All"
RULE_TITLES = {
    "empty": "nothing was said", "unfinished": "cut off before its end", "loop": "repeats itself", "leak": "shows a control mark",
    "avoid": "a phrase to avoid", "placeholder": "a blank to be filled in", "length": "too long or too short",
    "items": "too many or too few points", "facts": "leaves out facts of the prompt", "language": "another language",
    "copied": "out of a training row",
}  # fmt: skip
"""The persona's rules as people call them; one that is not listed is called by its name."""


@dataclass(frozen=True)
class Responses:
    """The answers of one model in one category (None: all of them)."""

    category: str | None
    title: str
    model: Model
    answers: int
    seconds: float
    """Mean, with the whole batch sharing the machine."""
    tokens: float
    """Mean."""
    stops: Mapping[str, float]
    """Shares of answers by why they ended."""


@dataclass(frozen=True)
class Alone:
    """Medians of one model answering one prompt at a time, warm."""

    model: Model
    prompts: int
    seconds: float
    tokens_per_second: float
    first_token_seconds: float
    tokens: float


@dataclass(frozen=True)
class PromptAnswers:
    """One prompt with each pair of answers, base beside tuned; a side is None when that answer is missing."""

    prompt_id: str
    category: str
    prompt: str
    pairs: tuple[tuple[Sample | None, Sample | None], ...]


@dataclass(frozen=True)
class Comparison:
    """Everything the report says about an evaluation."""

    file: str
    log: EvaluationLog
    judgement: Judgement
    gains: Mapping[str, Measure]
    """The held-out gain by category, by title, and of "All" of them; only that where there is one category, nothing without rows."""
    categories: tuple[Responses, ...]
    """Both models in each category, then in all of them."""
    speeds: tuple[Alone, ...]
    asked: tuple[PromptAnswers, ...]

    @property
    def held_out(self) -> Measure | None:
        """The held-out gain of all unseen rows: bits a byte under both models."""
        return self.gains.get(ALL)

    def title(self, category: str | None) -> str:
        """A category as people call it."""
        return title_of(self.log, category)

    def overall(self, model: Model) -> Responses | None:
        """All answers of a model."""
        return next((r for r in self.categories if r.category is None and r.model == model), None)

    def measure(self, name: str) -> Measure | None:
        """A measure by name."""
        return next((m for m in self.judgement.measures if m.name == name), None)

    def alone(self, model: Model) -> Alone | None:
        """The speed of a model."""
        return next((s for s in self.speeds if s.model == model), None)

    def by_prompt_category(self) -> list[tuple[str, list[PromptAnswers]]]:
        """The prompts of each category, categories in the persona's order."""
        order = _in_order(self.log, (a.category for a in self.asked))
        return [(self.title(c), [a for a in self.asked if a.category == c]) for c in order]

    def measures_by_category(self) -> dict[str, tuple[Measure, ...]]:
        """Every measure once more within each category, by its title; nothing where there is only one."""
        log = self.log
        names = _in_order(log, [*(s.category for s in log.samples), *(row.category for row in log.held_out)])
        parts = {
            name: log.model_copy(
                update={
                    "samples": [s for s in log.samples if s.category == name],
                    "held_out": [row for row in log.held_out if row.category == name],
                }
            )
            for name in names
        }
        return {self.title(name): tuple(measures(part)) for name, part in parts.items()} if len(names) > 1 else {}

    @property
    def seconds(self) -> float:
        """How long the evaluation took."""
        return self.log.seconds

    @property
    def prompts(self) -> int:
        """How many prompts were asked."""
        return len(self.asked)


def compare(log: EvaluationLog, file: str) -> Comparison:
    """Compute the comparison; `file` is named beside each number as its source."""
    categories = _in_order(log, (sample.category for sample in log.samples))
    responses = [
        _responses(c, title_of(log, c), m, [s for s in log.samples if s.model == m and c in (None, s.category)])
        for c in (*categories, None)
        for m in MODELS
    ]
    return Comparison(
        file=file,
        log=log,
        judgement=judge(log),
        gains=_gains(log),
        categories=tuple(r for r in responses if r is not None),
        speeds=tuple(_alone(log, model) for model in MODELS if any(s.model == model for s in log.speed)),
        asked=_asked(log.samples),
    )


@dataclass(frozen=True)
class RulesBroken:
    """How many answers of a model break a rule: any, and by rule, the most frequent first (one that breaks three counts in each)."""

    any: Rate
    by_rule: Mapping[str, Rate]


def rules_broken(log: EvaluationLog, model: Model) -> RulesBroken | None:
    """None where the model has no answers."""
    broken = [{flag.rule for flag in sample.flags} for sample in log.samples if sample.model == model]
    often = Counter(rule for rules in broken for rule in sorted(rules))
    by_rule = {rule: Rate(count, len(broken)) for rule, count in often.most_common()}
    return RulesBroken(Rate.count(map(bool, broken)), by_rule) if broken else None


def title_of(log: EvaluationLog, category: str | None) -> str:
    """A category as people call it."""
    return ALL if category is None else log.categories.get(category, category)


def _in_order(log: EvaluationLog, found: Iterable[str]) -> list[str]:
    seen = dict.fromkeys(found)
    return [c for c in log.categories if c in seen] + [c for c in seen if c not in log.categories]


def _gains(log: EvaluationLog) -> dict[str, Measure]:
    names = _in_order(log, (row.category for row in log.held_out))
    parts = {title_of(log, name): [row for row in log.held_out if row.category == name] for name in names} if len(names) > 1 else {}
    every = {title: log.model_copy(update={"held_out": rows}) for title, rows in parts.items()} | {ALL: log}
    return {title: gain for title, part in every.items() if (gain := measure(part, "gain")) is not None}


def _responses(category: str | None, title: str, model: Model, samples: Sequence[Sample]) -> Responses | None:
    if not samples:
        return None
    return Responses(
        category=category,
        title=title,
        model=model,
        answers=len(samples),
        seconds=statistics.fmean(s.seconds for s in samples),
        tokens=statistics.fmean(s.tokens for s in samples),
        stops={stop: sum(s.stop == stop for s in samples) / len(samples) for stop in sorted({s.stop for s in samples})},
    )


def _asked(samples: Sequence[Sample]) -> tuple[PromptAnswers, ...]:
    by_prompt: dict[str, dict[Model, dict[int, Sample]]] = {}
    for sample in samples:
        by_prompt.setdefault(sample.prompt_id, {model: {} for model in MODELS})[sample.model][sample.number] = sample
    asked = []
    for prompt_id, sides in by_prompt.items():
        base, tuned = sides["base"], sides["tuned"]
        numbers = sorted(base.keys() | tuned.keys())
        first = (base or tuned)[min(base or tuned)]
        asked.append(PromptAnswers(prompt_id, first.category, first.prompt, tuple((base.get(n), tuned.get(n)) for n in numbers)))
    return tuple(asked)


def _alone(log: EvaluationLog, model: Model) -> Alone:
    rows = [s for s in log.speed if s.model == model]
    return Alone(
        model=model,
        prompts=len(rows),
        seconds=statistics.median(s.seconds for s in rows),
        tokens_per_second=statistics.median(s.tokens_per_second for s in rows),
        first_token_seconds=statistics.median(s.first_token_seconds for s in rows),
        tokens=statistics.median(s.tokens for s in rows),
    )
