"""The answers that speak loudest against a gate: a number that failed should be read, not believed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pete.evaluate.log import EvaluationLog, HeldOut, Sample

MOST = 3


@dataclass(frozen=True)
class Worst:
    """An answer that speaks against a gate, or a row (then `text` is empty and `where` names it)."""

    where: str
    prompt: str
    text: str
    why: str


def worst(log: EvaluationLog, gate: str, of: str, most: int = MOST) -> list[Worst]:
    """The worst first. `gate` is a gate's name, `of` the measure or score it judges."""
    if of in ("gain", "selectivity", "neutral"):
        rows: Sequence[HeldOut] = log.neutral if of == "neutral" else log.held_out
        return [_row(row) for row in sorted(rows, key=lambda row: (-_lost(row), row.source))[:most]]
    bad = _BADNESS[gate]
    tuned = sorted((s for s in log.samples if s.model == "tuned"), key=lambda s: (-bad(s), s.prompt_id, s.number))
    return [Worst(f"{s.prompt_id}, answer {s.number + 1}", s.prompt, s.text, _why(s, gate, of)) for s in tuned[:most] if bad(s) > 0]


Badness = Callable[[Sample], float]
"""Above 0: speaks against; the higher, the louder."""


def _times_length(key: str) -> Badness:
    return lambda s: s.scores.get(key, 0.0) * (1 + len(s.text))


def _score(key: str) -> Badness:
    return lambda s: s.scores.get(key, 0.0)


_BADNESS: dict[str, Badness] = {
    "voice": lambda s: 1000 - s.scores["voice.logit"] if "voice.logit" in s.scores else 0.0,
    "relevance": lambda s: 1 - s.scores.get("relevance.rr", 1.0),
    "facts": lambda s: 1 - s.scores.get("facts.kept", 1.0),
    "told": lambda s: 1 - s.scores.get("facts.told", 1.0),
    "echo": _score("echo.share"),
    "degenerate": _times_length("degenerate.any"),
    "degenerate-base": _times_length("degenerate.any"),
    "fluency": lambda s: abs(s.scores.get("fluency.z", 0.0)) * s.scores.get("fluency.any", 0.0),
    "originality": _score("originality.span"),
    "formatting": _score("formatting.any"),
    "leaks": _score("leak.any"),
    "stops": lambda s: float(s.stop != "end") * (1 + s.tokens),
    "collapse": _score("collapse.any"),
}
_SHOWN = {
    "voice": ("logit",),
    "relevance": ("rr",),
    "facts": ("kept", "told"),
    "echo": ("share",),
    "degenerate": ("loop", "empty"),
    "fluency": ("z",),
    "originality": ("span", "nearest"),
    "leak": ("clean", "turn"),
}


def _why(sample: Sample, gate: str, of: str) -> str:
    if gate == "stops":
        return f"ended by {sample.stop} after {sample.tokens} tokens"
    if gate == "formatting":
        strict = "formatting.strict_"
        return "not kept: " + ", ".join(key.removeprefix(strict) for key, v in sample.scores.items() if key.startswith(strict) and not v)
    if gate == "collapse":
        return "begins: " + " ".join(sample.text.split()[:4])
    scorer = of.split(".")[0]
    parts = [f"{name} {sample.scores[f'{scorer}.{name}']:.2g}" for name in _SHOWN[scorer] if f"{scorer}.{name}" in sample.scores]
    sources = [f"stands in {mark.note}" for mark in sample.marks if gate == "originality" and mark.kind == "copied"]
    return ", ".join(parts + sources[:1])


def _row(row: HeldOut) -> Worst:
    return Worst(row.source, "", "", f"{row.category}, {row.topic}: {_lost(row):+.3f} nats a byte against the base")


def _lost(row: HeldOut) -> float:
    return (row.tuned_nats - row.base_nats) / max(1, row.text_bytes)
