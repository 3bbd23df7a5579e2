"""Held-out likelihood: the gain in bits per byte on the author's unseen text, and how much of it is this voice alone (selectivity)."""

import math
from collections.abc import Sequence

from pete.evaluate.advice import LARGER_ADAPTER, SMALLER_STEPS
from pete.evaluate.log import EvaluationLog, HeldOut
from pete.evaluate.scorers.spec import Compared, Gate, Metric, Spec
from pete.evaluate.stats import Interval, paired, unpaired


def gain(log: EvaluationLog) -> Compared | None:
    """Bits per byte of the author's unseen text, sums over sums; `change` is base minus tuned, so that more is better."""
    rows = _measurable(log.held_out)
    if not rows:
        return None
    # rows are resampled by topic
    change = paired([_saved(row) for row in rows], [row.topic for row in rows], sizes=[row.text_bytes for row in rows])
    return Compared(_bits(rows, [row.base_nats for row in rows]), _bits(rows, [row.tuned_nats for row in rows]), change)


def selectivity(log: EvaluationLog) -> Compared | None:
    """The gain on the author's text minus the gain on neutral text: what was learned of this voice and of no other."""
    rows, neutral = _measurable(log.held_out), _measurable(log.neutral)
    if not rows or not neutral:
        return None
    change = unpaired(
        [_saved(r) for r in rows], [r.topic for r in rows], [_saved(r) for r in neutral], [r.topic for r in neutral],
        sizes=([r.text_bytes for r in rows], [r.text_bytes for r in neutral]),
    )  # fmt: skip
    return Compared(0.0, change.mean, change)


def neutral_loss(log: EvaluationLog) -> Interval | None:
    """How much worse neutral text is predicted, as a share of what the base needs for all of it: 0.05 is a twentieth more bits."""
    rows = [row for row in _measurable(log.neutral) if row.base_nats > 0]
    if not rows:
        return None
    return paired([row.tuned_nats - row.base_nats for row in rows], [row.topic for row in rows], sizes=[row.base_nats for row in rows])


def _measurable(rows: Sequence[HeldOut]) -> list[HeldOut]:
    return [row for row in rows if row.text_bytes > 0]


def _saved(row: HeldOut) -> float:
    """Bits."""
    return (row.base_nats - row.tuned_nats) / math.log(2)


def _bits(rows: Sequence[HeldOut], nats: Sequence[float]) -> float:
    return math.fsum(nats) / math.log(2) / sum(row.text_bytes for row in rows)


SPEC = Spec(
    "likelihood", 0,
    metrics=(
        Metric("gain", "held-out gain", "bits per byte", "more", primary=True, compare=gain),
        Metric("selectivity", "selectivity (gain minus neutral gain)", "bits per byte", "more", compare=selectivity),
    ),
    gates=(
        Gate(
            "gain", "held-out gain", "gain", "above", 0.0,
            "It knows the voice: unseen writing surprises it less", "It does not know the voice better", LARGER_ADAPTER,
            rows="held_out", worth=0.01,
        ),
        Gate(
            "selectivity", "selectivity", "selectivity", "above", 0.0,
            "It learned this voice more than any other text", "What it learned is not this voice alone", LARGER_ADAPTER,
            rows="held_out", worth=0.01,
        ),
        Gate(
            "neutral", "neutral text gets worse", "neutral", "below", 0.05,
            "Ordinary text has not suffered", "Ordinary text has suffered", SMALLER_STEPS, rows="neutral", interval=neutral_loss,
        ),
    ),
)  # fmt: skip
