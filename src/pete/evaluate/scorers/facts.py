"""What the prompt said must be in the answer: figures exactly, words nearly."""

from collections.abc import Mapping, Sequence

from pete.evaluate.log import Sample
from pete.generate.facts import holds
from pete.generate.request_parsing import facts_asked


class Facts:
    """`kept`: share of the facts a prompt lists that are in the answer; `any` when one is missing.

    `told`: the same for the figures, names and quoted words that stand in the prompt's own text. Not all of them belong into an
    answer, so it says something only beside the author's own rows.
    """

    name = "facts"

    def __init__(self, facts: Mapping[str, Sequence[str]]) -> None:
        """`facts`: by prompt id."""
        self._facts = {key: tuple(values) for key, values in facts.items() if values}

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for a prompt that lists none and tells none."""
        scores = {}
        if wanted := self._facts.get(sample.prompt_id, ()):
            scores["kept"] = _share(sample.text, wanted)
            scores["any"] = float(scores["kept"] < 1)
        if told := facts_asked(sample.prompt):
            scores["told"] = _share(sample.text, told)
        return scores


def _share(text: str, facts: Sequence[str]) -> float:
    return sum(holds(text, fact) for fact in facts) / len(facts)
