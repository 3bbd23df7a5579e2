"""The answers that speak loudest against a gate: a number that failed should be read, not believed."""

from dataclasses import dataclass

from pete.evaluate.log import EvaluationLog, HeldOut
from pete.evaluate.scorers.spec import Gate

MOST = 3


@dataclass(frozen=True)
class Worst:
    """An answer that speaks against a gate, or a row (then `text` is empty and `where` names it)."""

    where: str
    prompt: str
    text: str
    why: str


def worst(log: EvaluationLog, gate: Gate, most: int = MOST) -> list[Worst]:
    """The worst first."""
    if gate.rows:
        rows = sorted(log.neutral if gate.rows == "neutral" else log.held_out, key=lambda row: (-_lost(row), row.source))
        return [
            Worst(row.source, "", "", f"{row.category}, {row.topic}: {_lost(row):+.3f} nats a byte against the base") for row in rows[:most]
        ]
    judged = log.beside.get(gate.beside, []) if gate.beside else [s for s in log.samples if s.model == "tuned"]
    judged = sorted(judged, key=lambda s: (-gate.badness(s), s.prompt_id, s.number))
    return [
        Worst(f"{s.prompt_id}, answer {s.number + 1}", s.prompt, s.text, gate.why(s)) for s in judged[:most] if gate.badness(s) > 0
    ]  # fmt: skip


def _lost(row: HeldOut) -> float:
    return (row.tuned_nats - row.base_nats) / max(1, row.text_bytes)
