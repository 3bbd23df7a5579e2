"""Cohesion: how alike neighbouring sentences are. Shown, never a gate: a loop would have a perfect score."""

from collections.abc import Sequence

import numpy as np

from pete.data.text import sentences
from pete.engines.sentence import Embedder
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import Context, Metric, Scorer, Spec, is_unfit


class Cohesion:
    """`adjacent`: mean cosine of neighbouring sentences. Nothing for a single sentence, or for an answer that loops."""

    def __init__(self, embedder: Embedder, loops: Sequence[Scorer], samples: Sequence[Sample] = ()) -> None:
        """`samples` are answers that will be scored, to embed them together."""
        self._embedder, self._loops = embedder, loops
        embedder([sentence for s in samples for sentence in self._parts(s)])

    def score(self, sample: Sample) -> dict[str, float]:
        """The number of one answer."""
        parts = self._parts(sample)
        if not parts:
            return {}
        vectors = self._embedder(parts)
        return {"adjacent": float(np.einsum("ij,ij->i", vectors[:-1], vectors[1:]).mean())}

    def _parts(self, sample: Sample) -> list[str]:
        parts = sentences(sample.text)
        return parts if len(parts) > 1 and not is_unfit(sample, self._loops) else []


def _make(context: Context) -> Scorer | None:
    loops = context.find("degenerate")
    if context.embedder is None or loops is None:
        return None
    return Cohesion(context.embedder, [loops], [*context.log.samples, *context.author_answers])


SPEC = Spec("cohesion", 140, _make, (Metric("cohesion.adjacent", "cohesion (neighbouring sentences)", "cosine", "neither"),))
