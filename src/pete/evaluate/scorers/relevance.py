"""Relevance as retrieval: the rank of the own prompt among all of them, by sentence vectors; its mean reciprocal is the MRR.

A rank, because irony lowers every cosine and none is high enough. A prompt given back ranks first and word salad does
not do badly: so an answer that echoes, loops or is no English counts as ranked nowhere.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from pete.engines.sentence import Embedder
from pete.evaluate.advice import LESS_RANDOM
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import Context, Gate, Metric, Scorer, Spec, Unknown, is_unfit, lost, shown
from pete.evaluate.stats import MARGIN

FEWEST = 5
"""Prompts below which a rank says nothing."""


class Relevance:
    """`rr` (one over the rank of the own prompt, 0 for an unfit answer), `first`."""

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
        embedder([s.text for s in samples if not is_unfit(s, self._unfit)])

    def score(self, sample: Sample) -> dict[str, float]:
        """The numbers of one answer; nothing when its prompt is not among them or there are fewer than five."""
        if self._count < FEWEST or sample.prompt_id not in self._own:
            return {}
        if is_unfit(sample, self._unfit):
            return {"rr": 0.0, "first": 0.0}
        cosines = self._vectors @ self._embedder([sample.text])[0]
        own = self._own[sample.prompt_id]
        others = self._asked if sample.prompt_id in self._suite else np.delete(np.arange(len(cosines)), own)[: self._count - 1]
        rank = 1 + int((cosines[others] > cosines[own] + 1e-6).sum())
        return {"rr": 1 / rank, "first": float(rank == 1)}


def _shuffled(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def _make(context: Context) -> Scorer:
    if context.embedder is None:
        raise Unknown("The sentence model is not installed (start through ./pete): relevance is unknown.")
    if len(context.prompt_texts) < FEWEST:
        raise Unknown(f"A rank among fewer than {FEWEST} prompts says nothing: relevance is unknown.")
    samples, author = [*context.log.samples, *context.author_answers], {source: row.prompt for source, row in context.author.items()}
    return Relevance(context.prompt_texts, context.embedder, context.unfit, samples, author)


SPEC = Spec(
    "relevance", 20, _make,
    metrics=(
        Metric("relevance.rr", "relevance: MRR of the own prompt", "0 to 1", "more"),
        Metric("relevance.first", "relevance: own prompt ranks first", "share of answers", "more", binary=True),
    ),
    gates=(
        Gate(
            "relevance", "relevance (MRR)", "relevance.rr", "not worse", MARGIN,
            "Answers stay with their prompt", "Answers drift from their prompt", LESS_RANDOM, lost("relevance.rr"), shown("relevance.rr"),
        ),
    ),
)  # fmt: skip
