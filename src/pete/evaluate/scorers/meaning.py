"""Meaning: whether a rewrite says what its draft says, sentence by sentence and in both directions."""

from collections.abc import Callable

from pete.evaluate.advice import LESS_RANDOM
from pete.evaluate.log import Mark, Sample
from pete.evaluate.scorers.spec import Context, Gate, Metric, Scorer, Spec, differs, lost, mark
from pete.evaluate.stats import MARGIN
from pete.generate.meaning import Meaning


class Says:
    """`says`: of the draft's sentences and the rewrite's together, the share that the other text says and says alike.

    `any` is 1 where anything differs.
    """

    def __init__(self, compared: Callable[[Sample], Meaning]) -> None:
        """`compared`: what an answer says of its draft."""
        self._compared = compared

    def score(self, sample: Sample) -> dict[str, float]:
        """Every number; an empty answer says nothing."""
        meaning = self._compared(sample)
        stand = [sentence.may_stand for sentence in meaning.sentences]
        drafted = len(meaning.missing) + sum(len(sentence.stands_for) for sentence in meaning.sentences)
        said = sum(len(s.stands_for) for s in meaning.sentences if s.may_stand)
        return {
            "any": float(not meaning.same or not stand),
            "says": (sum(stand) + said) / max(1, len(stand) + drafted),
        }

    def marks(self, sample: Sample) -> list[Mark]:
        """What of it the draft does not say, or says otherwise; what was lost, at the sentence that should say it."""
        found = []
        for difference in self._compared(sample).differences:
            if difference.rewrite is not None:
                found.append(mark("meaning", *difference.rewrite, difference.words))
        return found


def _make(context: Context) -> Scorer:
    return Says(context.compared)


SPEC = Spec(
    "meaning", 44, _make,
    metrics=(
        Metric("meaning.says", "says what the draft says", "share of sentences", "more", primary=True),
        Metric("meaning.any", "says anything else", "share of answers", "less", binary=True),
    ),
    gates=(
        # the author adds an aside to every third text, too: his own rewrites are the measure
        Gate(
            "meaning", "says what the draft says", "meaning.says", "not below author", MARGIN,
            "It says what the draft says", "It says something else than the draft", LESS_RANDOM, lost("meaning.says"), differs,
        ),
    ),
    tag="says something else", legend={"meaning": "the draft does not say it, or says it otherwise"}, tasks=("rewrite",),
)  # fmt: skip
