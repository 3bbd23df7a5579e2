"""Which way to ask is best: the candidates, two halves of the prompts, and a choice that chance does not make.

Many formats are compared, so a format is called better only when Holm's correction over all of them leaves it so; and
what a format gains in one thing it may not lose in another.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pete.adapter import Lineage
from pete.data.examples import Question
from pete.errors import DataError, UserError
from pete.evaluate.against import in_place_of_base
from pete.evaluate.log import EvaluationLog, Sample
from pete.evaluate.results import Measure, measures
from pete.evaluate.scorers.spec import Metric
from pete.evaluate.stats import ALPHA, holm
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


VOICE, KEPT, RELEVANCE = "voice.logit", "rules.kept", "relevance.rr"
DECIDING = (VOICE, KEPT)
"""A format has to gain in one of these; it may lose in none of all."""
METRICS = (
    Metric(VOICE, "voice", "logit", "more", primary=True),
    Metric(KEPT, "rules kept", "share of answers", "more", binary=True, primary=True),
    Metric(RELEVANCE, "relevance", "0 to 1", "more", primary=True),
    Metric("degenerate.any", "loops or empty", "share of answers", "less", binary=True, primary=True),
    # an example shown is an example that can be copied, and a copy sounds exactly like the author
    Metric("originality.any", "copied", "share of answers", "less", binary=True, primary=True),
)
"""All read without a correction, because in a loss it is caution that errs; gains are corrected over all candidates."""


@dataclass(frozen=True)
class JudgedFormat:
    """A candidate held against the control."""

    name: str
    measures: Mapping[str, Measure]
    """By name; the control stands as the base. One that is not known for five prompts is left out."""
    adjusted: Mapping[str, float]
    """Holm's p over every candidate, of the deciding measures."""

    @property
    def gains(self) -> tuple[str, ...]:
        """Deciding measures that are better even though many candidates were looked at."""
        return tuple(key for key, p in self.adjusted.items() if p < ALPHA and self.measures[key].verdict == "better")

    @property
    def losses(self) -> tuple[str, ...]:
        """Measures that are worse."""
        return tuple(key for key, measure in self.measures.items() if measure.verdict == "worse")

    @property
    def verdict(self) -> str:
        """In words, as it stands in a table."""
        if self.losses:
            return f"worse: {', '.join(self.measures[key].title for key in self.losses)}"
        return f"better: {', '.join(self.measures[key].title for key in self.gains)}" if self.gains else "no difference"


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


def compare(log: EvaluationLog, control: Sequence[Sample], candidate: Sequence[Sample]) -> dict[str, Measure]:
    """The measures of a log in which the control stands in the base's place: those known for at least five prompts."""
    before, after = (log.model_copy(update={"samples": list(samples)}) for samples in (control, candidate))
    return {m.name: m for m in measures(in_place_of_base(before, after), METRICS) if m.change.clusters >= FEWEST}


def judge_all(compared: Mapping[str, Mapping[str, Measure]]) -> list[JudgedFormat]:
    """Every candidate's measures, corrected for there being so many: Holm over candidates times deciding measures."""
    adjusted = holm({f"{name} {key}": found[key].change.p for name, found in compared.items() for key in DECIDING if key in found})
    return [
        JudgedFormat(name, found, {key: adjusted[f"{name} {key}"] for key in DECIDING if key in found}) for name, found in compared.items()
    ]


def _half_widths(measure: Measure) -> float:
    """A difference in half widths of its interval: above 1 it excludes zero."""
    half = (measure.change.high - measure.change.low) / 2
    return abs(measure.change.mean) / half if half > 0 else math.inf


def choose(judged: Sequence[JudgedFormat]) -> JudgedFormat | None:
    """The candidate that gains most, measured by how sure the gain is, of those that gain surely and lose nothing."""
    able = [candidate for candidate in judged if candidate.gains and not candidate.losses]
    return max(able, key=lambda candidate: max(_half_widths(candidate.measures[key]) for key in candidate.gains), default=None)


def _topic(prompt: Question) -> str:
    return prompt.topic.lower().strip() or prompt.id
