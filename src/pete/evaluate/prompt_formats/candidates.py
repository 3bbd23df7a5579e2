"""Which way to ask is best: the candidates, two halves of the prompts, and a choice that chance does not make.

Many formats are compared, so a format is called better only when Holm's correction over all of them leaves it so; and
what a format gains in one thing it may not lose in another.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pete.adapter import Lineage
from pete.data.examples import Question
from pete.errors import DataError, UserError
from pete.evaluate.log import Sample
from pete.evaluate.stats import ALPHA, Interval, holm, paired, share_change
from pete.persona import PLAIN_TEMPLATE, PromptFormat

FEWEST = 5
"""Prompts of a half, or prompts that a measure is known for, below which nothing is compared."""

QUESTION_TEMPLATE = (
    "{% for message in messages %}"
    "{% if message.role == 'system' %}{{ message.content }}\n\n"
    "{% elif message.role == 'user' %}Q: {{ message.content }}\n\n"
    "{% else %}A: {{ message.content }}{{ eos_token }}\n\n{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}A: {% endif %}"
)


@dataclass(frozen=True)
class Candidate:
    """One way to ask."""

    name: str
    title: str
    prompt_format: PromptFormat


@dataclass(frozen=True)
class Measure:
    """What answers are compared by. `deciding`: a format has to gain in one of these; it may lose in none of all."""

    key: str
    title: str
    better: Literal["more", "less"]
    binary: bool
    deciding: bool = False


VOICE, KEPT, RELEVANCE = "voice.logit", "rules.kept", "relevance.rr"
MEASURES = (
    Measure(VOICE, "voice", "more", False, True),
    Measure(KEPT, "rules kept", "more", True, True),
    Measure(RELEVANCE, "relevance", "more", False),
    Measure("degenerate.any", "loops or empty", "less", True),
    # an example shown is an example that can be copied, and a copy sounds exactly like the author
    Measure("originality.any", "copied", "less", True),
)


@dataclass(frozen=True)
class Change:
    """A measure of two ways to ask: candidate minus control, paired by prompt and seed, a prompt one draw."""

    control: float
    candidate: float
    interval: Interval
    better: Literal["more", "less"]

    @property
    def is_better(self) -> bool:
        """The whole interval lies on the good side."""
        return self.interval.verdict == ("up" if self.better == "more" else "down")

    @property
    def is_worse(self) -> bool:
        """The whole interval lies on the bad side."""
        return self.interval.verdict == ("down" if self.better == "more" else "up")

    @property
    def size(self) -> float:
        """The gain in half widths of its interval: above 1 it excludes zero."""
        half = (self.interval.high - self.interval.low) / 2
        gain = self.interval.mean if self.better == "more" else -self.interval.mean
        return gain / half if half > 0 else math.copysign(math.inf, gain) if gain else 0.0


@dataclass(frozen=True)
class Judged:
    """A candidate held against the control."""

    name: str
    changes: Mapping[str, Change]
    """By key of the measure; one that is not known for five prompts is left out."""
    adjusted: Mapping[str, float]
    """Holm's p over every candidate, of the deciding measures."""

    @property
    def gains(self) -> tuple[str, ...]:
        """Deciding measures that are better even though many candidates were looked at."""
        return tuple(key for key, p in self.adjusted.items() if p < ALPHA and self.changes[key].is_better)

    @property
    def losses(self) -> tuple[str, ...]:
        """Measures that are worse; not corrected, because here it is caution that errs."""
        return tuple(key for key, change in self.changes.items() if change.is_worse)

    @property
    def verdict(self) -> str:
        """In words, as it stands in a table."""
        titles = {measure.key: measure.title for measure in MEASURES}
        if self.losses:
            return f"worse: {', '.join(titles[key] for key in self.losses)}"
        return f"better: {', '.join(titles[key] for key in self.gains)}" if self.gains else "no difference"


def candidates(lineage: Lineage, now: PromptFormat, template: str) -> list[Candidate]:
    """The control, and what is worth trying against it: one change at a time, from what is in force now.

    Args:
        lineage: the adapter's persona.
        now: how requests are put now.
        template: the adapter's own chat template.
    """
    spoken = lineage.system if now.system is None else now.system

    def changed(name: str, title: str, **values: object) -> Candidate:
        return Candidate(name, title, now.model_copy(update=values))

    found = [Candidate("control", "as it is now", now)]
    if now != PromptFormat():  # type: ignore[call-arg]
        found.append(Candidate("trained", "as in training", PromptFormat()))  # type: ignore[call-arg]
    found += [
        changed("no-system", "no system line", system=""),
        changed("description", "description as system", system=" ".join(lineage.description.split())),
        changed("rules", "rules in system", system=" ".join(part for part in (spoken, *lineage.rules) if part)),
        changed("one-example", "1 example", shots=1),
        changed("two-examples", "2 examples", shots=2),
        changed("length", "length hint", length=True),
        changed("form", "format hint", form=True),
        changed("length-form", "length, format hints", length=True, form=True),
    ]
    if template == PLAIN_TEMPLATE:
        found.append(changed("question", "Q and A template", template=QUESTION_TEMPLATE))
    return found


def sift(found: Sequence[Candidate], shown: Callable[[PromptFormat], Sequence[str]]) -> tuple[list[Candidate], dict[str, str]]:
    """The candidates that make a difference, and why the others are not tried, by title.

    Args:
        found: the candidates, the control first.
        shown: the development prompts exactly as a model would read them; an error of its own is a reason, too.

    Raises:
        UserError: the control itself cannot be shown.
    """
    kept: list[Candidate] = []
    skipped: dict[str, str] = {}
    seen: dict[tuple[str, ...], str] = {}
    for candidate in found:
        try:
            texts = tuple(shown(candidate.prompt_format))
        except UserError as error:
            if not kept:
                raise
            skipped[candidate.title] = error.message
            continue
        if texts in seen:
            skipped[candidate.title] = "changes no prompt" if seen[texts] == found[0].title else f"the same prompts as {seen[texts]}"
            continue
        seen[texts] = candidate.title
        kept.append(candidate)
    return kept, skipped


def halves(prompts: Sequence[Question]) -> tuple[list[Question], list[Question]]:
    """Prompts to choose by, and prompts that are not asked before the choice: alike in categories, no topic in both.

    The hash of a topic decides, so that the same prompts are halved the same way everywhere.

    Raises:
        DataError: a half has fewer than five.
    """
    side: dict[str, int] = {}
    everything = Counter(_topic(prompt) for prompt in prompts)
    for category in sorted({prompt.category for prompt in prompts}):
        topics = Counter(_topic(prompt) for prompt in prompts if prompt.category == category)
        for topic in sorted(set(topics) - set(side), key=lambda topic: hashlib.sha256(topic.encode()).digest()):
            # the half that has less of this category, else less of all
            here, all_ = ([sum(n for t, n in among.items() if side.get(t) == half) for half in (0, 1)] for among in (topics, everything))
            side[topic] = int((here[1], all_[1]) < (here[0], all_[0]))
    first, second = ([prompt for prompt in prompts if side[_topic(prompt)] == half] for half in (0, 1))
    if min(len(first), len(second)) < FEWEST:
        raise DataError(
            f"{len(prompts)} prompts in {len(side)} topics make halves of {len(first)} and {len(second)}: "
            f"expected at least {FEWEST} in each, one to choose by and one to report on.",
            f"give at least {2 * FEWEST} prompts on different topics: --suite FILE.jsonl",
        )
    return first, second


def compare(control: Sequence[Sample], candidate: Sequence[Sample]) -> dict[str, Change]:
    """Every measure that both sides have for at least five prompts."""
    mine = {(sample.prompt_id, sample.number): sample.scores for sample in candidate}
    found = {}
    for measure in MEASURES:
        pairs = [
            (sample.prompt_id, sample.scores[measure.key], other[measure.key])
            for sample in control
            if measure.key in sample.scores and (other := mine.get((sample.prompt_id, sample.number))) is not None and measure.key in other
        ]
        clusters = [key for key, _, _ in pairs]
        if len(set(clusters)) < FEWEST:
            continue
        before, after = [a for _, a, _ in pairs], [b for _, _, b in pairs]
        if measure.binary:
            interval = share_change([a > 0 for a in before], [b > 0 for b in after], clusters)
        else:
            interval = paired([b - a for a, b in zip(before, after, strict=True)], clusters)
        found[measure.key] = Change(math.fsum(before) / len(before), math.fsum(after) / len(after), interval, measure.better)
    return found


def judge_all(changes: Mapping[str, Mapping[str, Change]]) -> list[Judged]:
    """Every candidate's changes, corrected for there being so many: Holm over candidates times deciding measures."""
    deciding = [measure.key for measure in MEASURES if measure.deciding]
    p_values = {f"{name} {key}": found[key].interval.p for name, found in changes.items() for key in deciding if key in found}
    adjusted = holm(p_values)
    return [Judged(name, found, {key: adjusted[f"{name} {key}"] for key in deciding if key in found}) for name, found in changes.items()]


def choose(judged: Sequence[Judged]) -> Judged | None:
    """The candidate that gains most, measured by how sure the gain is, of those that gain surely and lose nothing."""
    able = [candidate for candidate in judged if candidate.gains and not candidate.losses]
    return max(able, key=lambda candidate: max(candidate.changes[key].size for key in candidate.gains), default=None)


def _topic(prompt: Question) -> str:
    return prompt.topic.lower().strip() or prompt.id
