"""A stand-in for the third language model: which function words and marks follow which, with Witten-Bell backing off.

Trained on the few hundred texts that a test has, character n-grams hardly notice that words were shuffled; grammar does.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from pete.evaluate.scorers.voice import masked

ORDER = 3
KINDS = 300


class Surprise:
    """nats(text): negative log-likelihood in nats."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._counts: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
        for text in texts:
            for context, token in self._steps(text):
                for order in range(ORDER):
                    self._counts[context[ORDER - 1 - order :]][token] += 1

    def nats(self, text: str) -> float:
        total = 0.0
        for context, token in self._steps(text):
            p = 1 / KINDS
            for order in range(ORDER):
                found = self._counts.get(context[ORDER - 1 - order :])
                if found is None:
                    break
                p = (found[token] + len(found) * p) / (found.total() + len(found))
            total -= math.log(p)
        return total

    def _steps(self, text: str) -> Iterable[tuple[tuple[str, ...], str]]:
        tokens = ["."] * (ORDER - 1) + masked(text)[1]
        for i in range(ORDER - 1, len(tokens)):
            yield tuple(tokens[i - ORDER + 1 : i]), tokens[i]
