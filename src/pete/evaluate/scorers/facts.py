"""What the prompt said must be in the answer: figures exactly, words nearly."""

from collections.abc import Mapping, Sequence

from pete.evaluate.log import Sample
from pete.generate.facts import holds


class Facts:
    """`kept`: share of the facts a prompt asks for that are in the answer; `any` when one is missing."""

    name = "facts"

    def __init__(self, facts: Mapping[str, Sequence[str]]) -> None:
        """`facts`: by prompt id."""
        self._facts = {key: tuple(values) for key, values in facts.items() if values}

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for a prompt that asks for none."""
        wanted = self._facts.get(sample.prompt_id, ())
        if not wanted:
            return {}
        kept = sum(holds(sample.text, fact) for fact in wanted) / len(wanted)
        return {"any": float(kept < 1), "kept": kept}
