"""Facts of a draft: figures, dates, names, links and quoted words that its rewrite keeps, and those that it makes up."""

from collections.abc import Callable

from pete.evaluate.advice import LESS_RANDOM
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import Gate, Metric, Spec, differs, lost
from pete.evaluate.stats import MARGIN
from pete.generate.meaning import FACTS, Meaning


class Kept:
    """`facts`: share of the draft's facts that are there; `added`: 1 where one is there that the draft has not; `any` for either."""

    def __init__(self, compared: Callable[[Sample], Meaning]) -> None:
        """`compared`: what an answer says of its draft."""
        self._compared = compared

    def score(self, sample: Sample) -> dict[str, float]:
        """No share where the draft has no fact."""
        meaning = self._compared(sample)
        added = any(d.way == "added" for d in meaning.of(*FACTS))
        facts = {"facts": meaning.facts_kept} if meaning.facts else {}
        return {"any": float(added or meaning.facts_kept < 1), "added": float(added), **facts}


SPEC = Spec(
    "kept", 42,
    make=lambda context: Kept(context.compared),
    metrics=(
        Metric("kept.facts", "facts kept", "share of facts", "more"),
        Metric("kept.added", "makes up a fact", "share of answers", "less", binary=True),
    ),
    gates=(
        Gate(
            "kept", "keeps the draft's facts", "kept.facts", "not below author", MARGIN,
            "It keeps figures and names as well as the author does", "It loses or bends figures and names", LESS_RANDOM,
            lost("kept.facts"), differs, asked_only=True,
        ),
        Gate(
            "added", "adds figures or names", "kept.added", "at most", 0.02,
            "It makes up no figure and no name", "It makes up figures or names", LESS_RANDOM,
            lambda sample: sample.scores.get("kept.added", 0.0), differs,
        ),
    ),
    tag="loses or adds a fact", tasks=("rewrite",),
)  # fmt: skip
