"""Likelihood of the author's unseen text, given its draft; and of the draft, given its rewrite: what a rewrite gives away of it."""

import math
from collections.abc import Sequence

from pete.evaluate.advice import LARGER_ADAPTER
from pete.evaluate.log import EvaluationLog, Sample, pairs
from pete.evaluate.scorers.likelihood import gain
from pete.evaluate.scorers.spec import Compared, Gate, Metric, Spec
from pete.evaluate.stats import paired


def recovered(rows: Sequence[Sample]) -> float | None:
    """Bits per byte of the drafts that their rewrites save the base, sums over sums; None where it was not measured."""
    known = [(row, _saved(row)) for row in rows]
    known = [(row, saved) for row, saved in known if saved is not None]
    return sum(saved for _, saved in known) / sum(len(row.prompt.encode()) for row, _ in known) if known else None


def _recovery(log: EvaluationLog) -> Compared | None:
    both = [(b, t) for b, t in pairs(log) if _saved(b) is not None and _saved(t) is not None]
    if not both:
        return None
    change = paired(
        [(_saved(t) or 0.0) - (_saved(b) or 0.0) for b, t in both], [t.prompt_id for _, t in both],
        sizes=[len(t.prompt.encode()) for _, t in both],
    )  # fmt: skip
    base, tuned = recovered([b for b, _ in both]), recovered([t for _, t in both])
    assert base is not None and tuned is not None
    return Compared(base, tuned, change)


def _saved(row: Sample) -> float | None:
    """Bits."""
    if row.recovered_nats is None or row.draft_nats is None:
        return None
    return (row.draft_nats - row.recovered_nats) / math.log(2)


SPEC = Spec(
    "given_draft", 2,
    metrics=(
        Metric("gain", "held-out gain, given the draft", "bits per byte", "more", primary=True, compare=gain),
        Metric("recovery", "of the draft, given away by its rewrite", "bits per byte", "neither", compare=_recovery),
    ),
    gates=(
        Gate(
            "gain", "held-out gain, given the draft", "gain", "above", 0.0,
            "It knows what the author makes of a draft", "It does not know better what the author makes of a draft", LARGER_ADAPTER,
            rows="held_out", worth=0.01,
        ),
    ),
    tasks=("rewrite",),
)  # fmt: skip
