"""Does it answer this prompt, and not some other? The rank of the own prompt among all of them, by sentence vectors.

A rank, because irony lowers every cosine and none is high enough. A prompt given back ranks first and word salad does
not do badly: so an answer that echoes, loops or is no English counts as ranked nowhere.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from pete.engines.sentence import Embedder
from pete.evaluate.log import Sample
from pete.evaluate.scorers import Scorer

FEWEST = 5
"""Prompts below which a rank says nothing."""


class Relevance:
    """`rr` (one over the rank of the own prompt, 0 for an unfit answer), `first`, `cosine`."""

    name = "relevance"

    def __init__(
        self,
        prompts: Mapping[str, str],
        embedder: Embedder,
        unfit: Sequence[Scorer],
        samples: Sequence[Sample] = (),
        author: Mapping[str, str] | None = None,
    ) -> None:
        """Embed all prompts.

        Args:
            prompts: text by prompt id; the rank is among them.
            embedder: texts to unit vectors.
            unfit: scorers whose "any" makes an answer rank nowhere.
            samples: answers that will be scored, to embed them together.
            author: prompts of the author's own rows, by row. Each is ranked among as many prompts as the suite has: his others
                first, filled up from the suite's, for a rank among 30 is not a rank among 60.
        """
        self._embedder, self._unfit = embedder, tuple(unfit)
        asked, his = sorted(set(prompts.values())), sorted(set((author or {}).values()), key=_shuffled)
        pool = list(dict.fromkeys([*his, *asked]))
        place = {text: number for number, text in enumerate(pool)}
        self._own = {key: place[text] for key, text in {**(author or {}), **prompts}.items()}
        self._asked, self._suite, self._count = np.array([place[text] for text in asked], int), frozenset(prompts), len(asked)
        self._vectors = embedder(pool)
        embedder([s.text for s in samples if self._fit(s)])

    def score(self, sample: Sample) -> dict[str, float]:
        """The numbers of one answer; nothing when its prompt is not among them or there are fewer than five."""
        if self._count < FEWEST or sample.prompt_id not in self._own:
            return {}
        if not self._fit(sample):
            return {"rr": 0.0, "first": 0.0}
        cosines = self._vectors @ self._embedder([sample.text])[0]
        own = self._own[sample.prompt_id]
        others = self._asked if sample.prompt_id in self._suite else np.delete(np.arange(len(cosines)), own)[: self._count - 1]
        rank = 1 + int((cosines[others] > cosines[own] + 1e-6).sum())
        return {"rr": 1 / rank, "first": float(rank == 1), "cosine": float(cosines[own])}

    def _fit(self, sample: Sample) -> bool:
        return bool(sample.text.strip()) and not any(s.score(sample).get("any", 0.0) for s in self._unfit)


def _shuffled(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
