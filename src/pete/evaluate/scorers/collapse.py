"""One answer for everything: answers to different prompts that begin with the same four words."""

from collections import defaultdict
from collections.abc import Sequence

from pete.data.text import grams, words
from pete.evaluate.log import MODELS, Sample

OPENING = 4


class Collapse:
    """`any`: 1 when the first four words also begin an answer of the same model to another prompt."""

    name = "collapse"

    def __init__(self, samples: Sequence[Sample]) -> None:
        """`samples`: all answers."""
        self._prompts: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for sample in samples:
            self._prompts[(sample.model, *_opening(sample.text))].add(sample.prompt_id)
        self.measures = {f"distinct{n}_{m}": distinct([s.text for s in samples if s.model == m], n) for n in (1, 2) for m in MODELS}

    def score(self, sample: Sample) -> dict[str, float]:
        """Shorter answers have no opening to share."""
        opening = _opening(sample.text)
        return {"any": float(bool(opening) and len(self._prompts[(sample.model, *opening)] - {sample.prompt_id}) > 0)}


def _opening(text: str) -> tuple[str, ...]:
    return next(iter(grams(words(text), OPENING)), ())


def distinct(texts: Sequence[str], n: int, size: int = 1000) -> float:
    """Distinct-n (Li et al. 2016): different n-grams over all of them, in the first words of each text.

    The share falls with the amount of text, so every set is cut to the same size: as many words of each text as make
    `size` n-grams together.
    """
    if not texts:
        return 0.0
    share = -(-size // len(texts))
    said = [gram for text in texts for gram in grams(words(text), n)[:share]]
    return len(set(said)) / len(said) if said else 0.0
