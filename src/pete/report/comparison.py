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
ROWS_DIFFER = "Their unseen rows differ (other data, data.split_seed or shares), so bits per byte are not paired."
RULE_TITLES = {
    "empty": "nothing was said", "unfinished": "cut off before its end", "loop": "repeats itself", "leak": "shows a control mark",
    "avoid": "a phrase to avoid", "placeholder": "a blank to be filled in", "length": "too long or too short",
    "items": "too many or too few points", "facts": "leaves out facts of the prompt", "language": "another language",
    "copied": "out of a training row",
}  # fmt: skip
"""The persona's rules as people call them; one that is not listed is called by its name."""


@dataclass(frozen=True)
class Responses:
    """The answers of one model in one category, or all of them."""

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
    guessed_right: float | None
    """Share of the tokens that a smaller model guessed; None where none did."""


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
    """Both models in each category, then "All"."""
    speeds: tuple[Alone, ...]
    asked: tuple[PromptAnswers, ...]

    @property
    def held_out(self) -> Measure | None:
        """The held-out gain of all unseen rows: bits a byte under both models."""
        return self.gains.get(ALL)

    @property
    def on_one_scale(self) -> list[Measure]:
        """The measures that can be held against another run's: each evaluation learns a voice classifier of its own."""
        return [measure for measure in self.judgement.measures if measure.name.split(".")[0] not in ("voice", "draft_voice")]

    def overall(self, model: Model) -> Responses | None:
        """All answers of a model."""
        return next((r for r in reversed(self.categories) if r.model == model), None)

    def measure(self, name: str) -> Measure | None:
        """A measure by name."""
        return next((m for m in self.judgement.measures if m.name == name), None)

    def alone(self, model: Model) -> Alone | None:
        """The speed of a model."""
        return next((s for s in self.speeds if s.model == model), None)

    def by_prompt_category(self) -> list[tuple[str, list[PromptAnswers]]]:
        """The prompts of each category, categories in the persona's order."""
        order = _in_order(self.log, (a.category for a in self.asked))
        return [(self.log.categories.get(c, c), [a for a in self.asked if a.category == c]) for c in order]

    def measures_by_category(self) -> dict[str, tuple[Measure, ...]]:
        """Every measure once more within each category, by its title; nothing where there is only one."""
        parts = _by_category(self.log)
        return {title: tuple(measures(part)) for title, part in parts.items()} if len(parts) > 1 else {}


def compare(log: EvaluationLog, file: str) -> Comparison:
    """Compute the comparison; `file` is named beside each number as its source."""
    parts = _by_category(log)
    responses = (_responses(title, part, model) for title, part in (*parts.items(), (ALL, log)) for model in MODELS)
    return Comparison(
        file=file,
        log=log,
        judgement=judge(log),
        gains=_gains(log, parts),
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


def _in_order(log: EvaluationLog, categories: Iterable[str]) -> list[str]:
    seen = dict.fromkeys(categories)
    return [c for c in log.categories if c in seen] + [c for c in seen if c not in log.categories]


def _by_category(log: EvaluationLog) -> dict[str, EvaluationLog]:
    """The log's answers and unseen rows of each category, by its title."""
    names = _in_order(log, [*(s.category for s in log.samples), *(row.category for row in log.held_out)])
    return {
        log.categories.get(name, name): log.model_copy(
            update={
                "samples": [s for s in log.samples if s.category == name],
                "held_out": [row for row in log.held_out if row.category == name],
            }
        )
        for name in names
    }


def _gains(log: EvaluationLog, parts: Mapping[str, EvaluationLog]) -> dict[str, Measure]:
    gains = {title: gain for title, part in parts.items() if (gain := measure(part, "gain")) is not None}
    overall = measure(log, "gain")
    return {} if overall is None else (gains if len(gains) > 1 else {}) | {ALL: overall}


def _responses(title: str, log: EvaluationLog, model: Model) -> Responses | None:
    samples = [s for s in log.samples if s.model == model]
    if not samples:
        return None
    return Responses(
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
    medians = ("seconds", "tokens_per_second", "first_token_seconds", "tokens")
    guessed = sum(s.guessed for s in rows)
    right = sum(s.guessed_right for s in rows) / guessed if guessed else None
    return Alone(model, len(rows), **{name: statistics.median(getattr(s, name) for s in rows) for name in medians}, guessed_right=right)
