"""Change: how much of a draft its rewrite leaves as it was. A draft that comes back unchanged keeps every fact, and is no rewrite."""

from collections.abc import Callable

from pete.data.text import words
from pete.evaluate.advice import LARGER_BASE
from pete.evaluate.log import EvaluationLog, Sample
from pete.evaluate.scorers.spec import Gate, Metric, Spec, scored, shown
from pete.evaluate.stats import Interval, paired
from pete.generate.meaning import Meaning

LIMIT = 0.4
"""Share of sentences that may be left as they were."""


class Change:
    """`left`: share of sentences that are the draft's, word for word. `same`: 1 where all of it is."""

    def __init__(self, compared: Callable[[Sample], Meaning]) -> None:
        """`compared`: what an answer says of its draft."""
        self._compared = compared

    def score(self, sample: Sample) -> dict[str, float]:
        """Every number."""
        return {"left": self._compared(sample).unchanged_share, "same": float(words(sample.prompt) == words(sample.text))}


def left_at_the_end(log: EvaluationLog) -> Interval | None:
    """Share of sentences that were left, after the guard has put back those that said something else."""
    rows = [s for s in log.beside.get("guarded", ()) if "change.left" in s.scores]
    return paired([s.scores["change.left"] for s in rows], [s.prompt_id for s in rows]) if rows else None


SPEC = Spec(
    "change", 46,
    make=lambda context: Change(context.compared),
    metrics=(
        Metric("change.left", "sentences left as they were", "share of sentences", "neither"),
        Metric("change.same", "gives the draft back", "share of answers", "less", binary=True),
    ),
    gates=(
        Gate(
            "change", "sentences left as they were, after the guard", "change.left", "below", LIMIT,
            "Most of a draft is rewritten", "Too much of a draft is left as it was", LARGER_BASE,
            scored("change.left"), shown("change.left"), beside="guarded", interval=left_at_the_end,
        ),
    ),
    legend={"new": "words that the draft has not"}, tasks=("rewrite",),
)  # fmt: skip
