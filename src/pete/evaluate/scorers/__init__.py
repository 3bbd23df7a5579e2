"""Scorers: each looks at one answer in the log and says numbers. No model, no network, no order."""

from collections.abc import Sequence
from typing import Protocol

from pete.evaluate.log import Sample


class Scorer(Protocol):
    """One idea of quality. `name` prefixes its numbers; higher is worse unless the name says otherwise."""

    name: str

    def score(self, sample: Sample) -> dict[str, float]:
        """Numbers for one answer; the same answer always gets the same ones."""
        ...


def apply(samples: Sequence[Sample], scorers: Sequence[Scorer]) -> list[Sample]:
    """The samples with every scorer's numbers in `scores`, as "scorer.number"."""
    scored = []
    for sample in samples:
        numbers = {f"{s.name}.{key}": value for s in scorers for key, value in s.score(sample).items()}
        scored.append(sample.model_copy(update={"scores": numbers}))
    return scored
