"""Scorers: each looks at one answer and says numbers. No model that writes, no network, no order.

What a scorer needs beside the answer (training rows, all prompts, all answers, an embedder) is given when it is made;
from then on the same answer always gets the same numbers.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from pete.evaluate.log import Mark, Sample


class Scorer(Protocol):
    """One idea of quality. `name` prefixes its numbers; "any" is 1 for an answer with a mark against it."""

    name: str

    def score(self, sample: Sample) -> dict[str, float]:
        """Numbers for one answer; a number that cannot be known for this answer is left out."""
        ...


@runtime_checkable
class Pointer(Protocol):
    """A scorer that can also point at the words it means."""

    def marks(self, sample: Sample) -> list[Mark]:
        """Stretches of sample.text."""
        ...


def apply(samples: Sequence[Sample], scorers: Sequence[Scorer]) -> list[Sample]:
    """The samples with every scorer's numbers in `scores`, as "scorer.number", and all marks, from left to right."""
    scored = []
    for sample in samples:
        numbers = {f"{s.name}.{key}": value for s in scorers for key, value in s.score(sample).items()}
        marks = sorted(
            (mark for s in scorers if isinstance(s, Pointer) for mark in s.marks(sample)), key=lambda m: (m.start, m.end, m.kind)
        )
        scored.append(sample.model_copy(update={"scores": numbers, "marks": tuple(marks)}))
    return scored
