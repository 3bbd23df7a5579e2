"""Does it answer this prompt, and not some other? The rank of the own prompt among all of them, by sentence vectors.

A rank, because irony lowers every cosine and none is high enough. A prompt given back ranks first and word salad does
not do badly: so an answer that echoes, loops or is no English counts as ranked nowhere.
"""

from collections.abc import Mapping, Sequence

from pete.evaluate.embed import Embedder
from pete.evaluate.log import Sample
from pete.evaluate.scorers import Scorer

FEWEST = 5
"""Prompts below which a rank says nothing."""


class Relevance:
    """`rr` (one over the rank of the own prompt, 0 for an unfit answer), `first`, `cosine`."""

    name = "relevance"

    def __init__(self, prompts: Mapping[str, str], embedder: Embedder, unfit: Sequence[Scorer], samples: Sequence[Sample] = ()) -> None:
        """Embed all prompts.

        Args:
            prompts: text by prompt id; the rank is among them.
            embedder: texts to unit vectors.
            unfit: scorers whose "any" makes an answer rank nowhere.
            samples: answers that will be scored, to embed them together.
        """
        self._ids = sorted(prompts)
        self._embedder, self._unfit = embedder, tuple(unfit)
        self._vectors = embedder([prompts[key] for key in self._ids])
        self._own = {key: number for number, key in enumerate(self._ids)}
        embedder([s.text for s in samples if self._fit(s)])

    def score(self, sample: Sample) -> dict[str, float]:
        """The numbers of one answer; nothing when its prompt is not among them or there are fewer than five."""
        if len(self._ids) < FEWEST or sample.prompt_id not in self._own:
            return {}
        if not self._fit(sample):
            return {"rr": 0.0, "first": 0.0}
        cosines = self._vectors @ self._embedder([sample.text])[0]
        own = cosines[self._own[sample.prompt_id]]
        rank = 1 + int((cosines > own + 1e-6).sum())
        return {"rr": 1 / rank, "first": float(rank == 1), "cosine": float(own)}

    def _fit(self, sample: Sample) -> bool:
        return bool(sample.text.strip()) and not any(s.score(sample).get("any", 0.0) for s in self._unfit)
