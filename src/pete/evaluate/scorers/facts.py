"""Facts of the prompt: those it lists must be in the answer, figures exactly, words nearly; those it tells should not get lost."""

from collections.abc import Mapping, Sequence

from pete.evaluate.advice import LESS_RANDOM
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import UNPAIRED, Gate, Metric, Spec, lost, shown
from pete.evaluate.stats import MARGIN
from pete.generate.facts import holds
from pete.generate.request_parsing import facts_asked


class Facts:
    """`kept`: share of the facts a prompt lists that are in the answer; `any` when one is missing.

    `told`: the same for the figures, names and quoted words that stand in the prompt's own text. Not all of them belong into an
    answer, so it says something only beside the author's own rows.
    """

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


_WHY = shown("facts.kept", "facts.told")
SPEC = Spec(
    "facts", 40,
    make=lambda context: Facts({prompt.id: prompt.facts for prompt in context.prompts}),
    metrics=(
        Metric("facts.kept", "facts of the prompt kept", "share of facts", "more"),
        Metric("facts.told", "figures and names it was told", "share of facts", "more"),
    ),
    gates=(
        Gate(
            "facts", "facts of the prompt", "facts.kept", "not worse", 2 * MARGIN,
            "Facts of the prompt survive", "Facts of the prompt get lost", LESS_RANDOM, lost("facts.kept"), _WHY, asked_only=True,
        ),
        # the nearest thing to "does it lie" that needs no second model: a reply that loses or bends a price, a time or a name does so
        # here. The author does not repeat all he is told either, so his own rows are the measure.
        Gate(
            "told", "keeps what it was told", "facts.told", "not below author", UNPAIRED,
            "It keeps what it was told as well as the author does", "It loses or bends what it was told", LESS_RANDOM,
            lost("facts.told"), _WHY, asked_only=True,
        ),
    ),
    tag="loses a fact",
)  # fmt: skip
