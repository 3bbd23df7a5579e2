"""Semantic similarity to the reference answer that the user gave: in subject and content, not in manner.

A cosine of sentence vectors, so a difference between base and tuned means something and a single value does not. An
answer that echoes, loops or is no English comes near to nothing.
"""

from collections.abc import Mapping, Sequence

from pete.engines.sentence import Embedder
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import Context, Metric, Scorer, Spec, is_unfit


class Reference:
    """`cosine`: of the answer and the reference, 0 for an unfit answer. Nothing for a prompt without one."""

    def __init__(self, references: Mapping[str, str], embedder: Embedder, unfit: Sequence[Scorer]) -> None:
        """`references`: by prompt id. `unfit`: scorers whose "any" makes an answer count as nothing."""
        self._known = {key: text for key, text in references.items() if text.strip()}
        self._embedder, self._unfit = embedder, tuple(unfit)
        self.notes: tuple[str, ...] = ()
        embedder(list(self._known.values()))

    def score(self, sample: Sample) -> dict[str, float]:
        """The number of one answer."""
        if sample.prompt_id not in self._known:
            return {}
        if is_unfit(sample, self._unfit):
            return {"cosine": 0.0}
        answer, wanted = self._embedder([sample.text, self._known[sample.prompt_id]])
        return {"cosine": float(answer @ wanted)}


def _make(context: Context) -> Scorer | None:
    references = {prompt.id: prompt.reference for prompt in context.log.prompts if prompt.reference.strip()}
    if not references or context.embedder is None:
        return None
    scorer, count = Reference(references, context.embedder, context.unfit), len(context.log.prompts)
    if len(references) < count:
        scorer.notes = (f"{len(references)} of {count} prompts have a reference; nearness to it is measured on those alone.",)
    return scorer


SPEC = Spec("reference", 30, _make, (Metric("reference.cosine", "similarity to the reference", "cosine", "more"),))
