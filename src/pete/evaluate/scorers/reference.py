"""How near an answer comes to the one that the user gave as a reference: in subject and content, not in manner.

A cosine of sentence vectors, so a difference between base and tuned means something and a single value does not. An
answer that echoes, loops or is no English comes near to nothing.
"""

from collections.abc import Mapping, Sequence

from pete.engines.sentence import Embedder
from pete.evaluate.log import Sample
from pete.evaluate.scorers import Scorer


class Reference:
    """`cosine`: of the answer and the reference, 0 for an unfit answer. Nothing for a prompt without one."""

    name = "reference"

    def __init__(self, references: Mapping[str, str], embedder: Embedder, unfit: Sequence[Scorer]) -> None:
        """`references`: by prompt id. `unfit`: scorers whose "any" makes an answer count as nothing."""
        self._known = {key: text for key, text in references.items() if text.strip()}
        self._embedder, self._unfit = embedder, tuple(unfit)
        embedder(list(self._known.values()))

    def score(self, sample: Sample) -> dict[str, float]:
        """The number of one answer."""
        if sample.prompt_id not in self._known:
            return {}
        if not sample.text.strip() or any(s.score(sample).get("any", 0.0) for s in self._unfit):
            return {"cosine": 0.0}
        answer, wanted = self._embedder([sample.text, self._known[sample.prompt_id]])
        return {"cosine": float(answer @ wanted)}
