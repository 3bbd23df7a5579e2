"""What an evaluation log says about base and tuned: likelihood, answers, speed. Numbers only, no judgement."""

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pete.evaluate.log import MODELS, EvaluationLog, HeldOut, Model, Sample
from pete.evaluate.stats import Interval, Rate, paired

OPENING_WORDS = 4
CUT_OFF = "stop.length"
"""The flag of an answer that ran into generate.max_new_tokens, beside the scorers' own "<scorer>.any"."""


@dataclass(frozen=True)
class Likelihood:
    """Held-out text of one category (None: all of it) under both models, bits a byte: sums over sums."""

    category: str | None
    rows: int
    base: float
    tuned: float
    gain: Interval
    """Mean over rows of base minus tuned, clustered by topic: above 0 the tuned model is better."""

    @property
    def relative(self) -> float:
        """Tuned against base: -0.1 is a tenth fewer bits."""
        return self.tuned / self.base - 1 if self.base else 0.0


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
    text_bytes: float
    """Median."""
    stops: Mapping[str, float]
    """Shares of answers by why they ended."""
    flags: Mapping[str, Rate]
    """Shares of answers with a mark against them: CUT_OFF and every scorer's "any"."""
    parts: Mapping[str, float]
    """Sums of the scorers' other numbers."""
    leaks_raw: Rate
    leaks_clean: Rate
    same_opening: Rate
    """Answers whose first four words also begin an answer to another prompt."""

    @property
    def degenerate(self) -> float:
        """Share of answers that loop or are empty."""
        return self.flags["degenerate.any"].share if "degenerate.any" in self.flags else 0.0

    @property
    def cliche(self) -> float:
        """Share of answers with something the voice avoids."""
        return self.flags["cliche.any"].share if "cliche.any" in self.flags else 0.0


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
class Asked:
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
    held_out: Likelihood | None
    by_category: tuple[Likelihood, ...]
    author_bytes: float | None
    """Median length of the author's own held-out answers."""
    categories: tuple[Responses, ...]
    """Both models in each category, then in all of them."""
    changes: Mapping[str, Interval]
    """Tuned minus base, in the share of answers with a flag, clustered by prompt."""
    speeds: tuple[Alone, ...]
    asked: tuple[Asked, ...]

    def title(self, category: str | None) -> str:
        """A category as people call it."""
        return title_of(self.log, category)

    def overall(self, model: Model) -> Responses | None:
        """All answers of a model."""
        return next((r for r in self.categories if r.category is None and r.model == model), None)

    def alone(self, model: Model) -> Alone | None:
        """The speed of a model."""
        return next((s for s in self.speeds if s.model == model), None)

    def by_prompt_category(self) -> list[tuple[str, list[Asked]]]:
        """The prompts of each category, categories in the persona's order."""
        order = _in_order(self.log, (a.category for a in self.asked))
        return [(self.title(c), [a for a in self.asked if a.category == c]) for c in order]

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
    rows = [row for row in log.held_out if row.text_bytes > 0]
    held_categories = _in_order(log, (row.category for row in rows))
    categories = _in_order(log, (sample.category for sample in log.samples))
    asked = _asked(log.samples)
    responses = [
        _responses(c, title_of(log, c), m, [s for s in log.samples if s.model == m and c in (None, s.category)])
        for c in (*categories, None)
        for m in MODELS
    ]
    return Comparison(
        file=file,
        log=log,
        held_out=_likelihood(None, rows) if rows else None,
        by_category=tuple(_likelihood(c, [row for row in rows if row.category == c]) for c in held_categories),
        author_bytes=statistics.median(row.text_bytes for row in rows) if rows else None,
        categories=tuple(r for r in responses if r.answers),
        changes=_changes(asked),
        speeds=tuple(_alone(log, model) for model in MODELS if any(s.model == model for s in log.speed)),
        asked=asked,
    )


def title_of(log: EvaluationLog, category: str | None) -> str:
    """A category as people call it."""
    return "All" if category is None else log.categories.get(category, category)


def flags_of(sample: Sample) -> dict[str, bool]:
    """The marks against one answer."""
    return {CUT_OFF: sample.stop == "length", **{key: value > 0 for key, value in sample.scores.items() if key.endswith(".any")}}


def _in_order(log: EvaluationLog, found: Iterable[str]) -> list[str]:
    seen = dict.fromkeys(found)
    return [c for c in log.categories if c in seen] + [c for c in seen if c not in log.categories]


def _likelihood(category: str | None, rows: Sequence[HeldOut]) -> Likelihood:
    total = sum(row.text_bytes for row in rows) * math.log(2)
    differences = [(row.base_nats - row.tuned_nats) / math.log(2) / row.text_bytes for row in rows]
    return Likelihood(
        category=category,
        rows=len(rows),
        base=sum(row.base_nats for row in rows) / total,
        tuned=sum(row.tuned_nats for row in rows) / total,
        gain=paired(differences, [row.topic for row in rows]),
    )


def _responses(category: str | None, title: str, model: Model, samples: Sequence[Sample]) -> Responses:
    def mean(of: Callable[[Sample], float]) -> float:
        return sum(map(of, samples)) / len(samples) if samples else 0.0

    flagged = [flags_of(s) for s in samples]
    openings: dict[str, set[str]] = defaultdict(set)
    for s in samples:
        openings[_opening(s)].add(s.prompt_id)
    parts: Counter[str] = Counter()
    for s in samples:
        parts.update({key: value for key, value in s.scores.items() if not key.endswith(".any")})
    return Responses(
        category=category,
        title=title,
        model=model,
        answers=len(samples),
        seconds=mean(lambda s: s.seconds),
        tokens=mean(lambda s: s.tokens),
        text_bytes=statistics.median(len(s.text.encode()) for s in samples) if samples else 0.0,
        stops={stop: sum(s.stop == stop for s in samples) / len(samples) for stop in sorted({s.stop for s in samples})},
        flags={key: Rate.count(f[key] for f in flagged if key in f) for key in sorted({k for f in flagged for k in f})},
        parts=dict(sorted(parts.items())),
        leaks_raw=Rate.count(s.leaks_raw > 0 for s in samples),
        leaks_clean=Rate.count(s.leaks_clean > 0 for s in samples),
        same_opening=Rate.count(bool(_opening(s)) and len(openings[_opening(s)]) > 1 for s in samples),
    )


def _opening(sample: Sample) -> str:
    words = sample.text.lower().split()[:OPENING_WORDS]
    return " ".join(words) if len(words) == OPENING_WORDS else ""


def _asked(samples: Sequence[Sample]) -> tuple[Asked, ...]:
    # the k-th answer of one model belongs beside the k-th of the other: the suite asks both in the same order
    sides: dict[str, dict[str, list[Sample]]] = {}
    for sample in samples:
        sides.setdefault(sample.prompt_id, {model: [] for model in MODELS})[sample.model].append(sample)
    asked = []
    for prompt_id, by_model in sides.items():
        base, tuned = by_model["base"], by_model["tuned"]
        first = (base or tuned)[0]
        count = max(len(base), len(tuned))
        pairs = tuple((base[k] if k < len(base) else None, tuned[k] if k < len(tuned) else None) for k in range(count))
        asked.append(Asked(prompt_id, first.category, first.prompt, pairs))
    return tuple(asked)


def _changes(asked: Sequence[Asked]) -> dict[str, Interval]:
    differences: dict[str, list[float]] = defaultdict(list)
    clusters: dict[str, list[str]] = defaultdict(list)
    for prompt in asked:
        for base, tuned in prompt.pairs:
            if base is None or tuned is None:
                continue
            before, after = flags_of(base), flags_of(tuned)
            for key in sorted(before.keys() & after.keys()):
                differences[key].append(float(after[key]) - float(before[key]))
                clusters[key].append(prompt.prompt_id)
    return {key: paired(differences[key], clusters[key]) for key in differences}


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
