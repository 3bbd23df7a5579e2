"""Fluency: negative log-likelihood under a model that wrote none of the text, against the author's own texts of that length.

Nats grow with length along a line whose first words cost extra, so short answers must not be judged by nats per byte: the
line is fitted to the author's unseen rows (Theil-Sen) and an answer is judged by its distance from it.
"""

from collections.abc import Sequence

import numpy as np

from pete.evaluate.advice import LESS_RANDOM
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import Context, Gate, Metric, Scorer, Spec, Unknown, shown

HIGH_Z = 3.5
"""Robust standard deviations (1.4826 x the median absolute deviation) above the author (Iglewicz & Hoaglin 1993)."""
LOW_Z = 6.0
"""The same below. Wider, because what any model draws is more foreseeable than what a person writes."""
FEWEST = 10
"""The author's rows below which there is no line."""


class Fluency:
    """`z`: distance from the author's line. `high` is word salad, `low` is all too foreseeable; `any` is what counts of them."""

    def __init__(self, author: Sequence[tuple[float, int]], third: bool) -> None:
        """Fit the line.

        Args:
            author: (nats, bytes) of the author's own unseen rows, under the same model.
            third: the model that judged wrote no answer. The base finds its own answers foreseeable, so that
                `low` does not count when it judges itself.
        """
        self._third = third
        self.notes: tuple[str, ...] = ()
        self._line: tuple[float, float, float] | None = None
        sizes = np.array([size for _, size in author], float)
        if len(author) >= FEWEST and len(set(sizes)) > 1:
            nats = np.array([value for value, _ in author])
            i, j = np.triu_indices(len(sizes), 1)
            apart = sizes[i] != sizes[j]
            slope = float(np.median((nats[i] - nats[j])[apart] / (sizes[i] - sizes[j])[apart]))
            start = float(np.median(nats - slope * sizes))
            rest = (nats - start - slope * sizes) / np.sqrt(sizes)
            self._line = (start, slope, max(1e-9, 1.4826 * float(np.median(np.abs(rest)))))

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for an empty answer, and where the likelihood was not measured."""
        size = len(sample.text.encode())
        if sample.fluency_nats is None or not size:
            return {}
        if self._line is None:
            return {}
        start, slope, spread = self._line
        z = (sample.fluency_nats - start - slope * size) / (spread * size**0.5)
        high, low = float(z > HIGH_Z), float(z < -LOW_Z)
        return {"any": max(high, low if self._third else 0.0), "z": z, "high": high, "low": low}


def _make(context: Context) -> Scorer:
    author = [(row.fluency_nats, row.text_bytes) for row in context.log.held_out if row.fluency_nats is not None]
    if len(author) < FEWEST:
        raise Unknown(f"Fluency needs {FEWEST} rows of the author's to compare with, and has {len(author)}: it is unknown.")
    fluency = Fluency([(nats, size) for nats, size in author if size], context.log.fluency_is_third)
    if not context.log.fluency_is_third:
        judge = context.log.fluency_model or "the base"
        fluency.notes = (f"Fluency was judged by {judge}, which is not a third model: foreseeable answers do not count.",)
    return fluency


SPEC = Spec(
    "fluency", 80, _make,
    metrics=(Metric("fluency.any", "no English", "share of answers", "less", binary=True),),
    gates=(
        # relevance presupposes it; the author's own text is at 0%
        Gate(
            "fluency", "no English", "fluency.any", "at most", 0.05, "Answers read as English", "Some answers are not English", LESS_RANDOM,
            badness=lambda s: abs(s.scores.get("fluency.z", 0.0)) * s.scores.get("fluency.any", 0.0), why=shown("fluency.z"),
        ),
    ),
    tag="no English",
    tasks=("write", "rewrite"),
)  # fmt: skip
