"""Proper endings: does an answer end, or only stop; and does the model stop by itself (EOS)?"""

import re

from pete.evaluate.advice import LONGER_ANSWERS
from pete.evaluate.log import EvaluationLog, HeldOut, Sample
from pete.evaluate.scorers.spec import Gate, Metric, Spec

_CLOSED = re.compile(r"[.!?\u2026:;)\]\"'\u201d\u2019*_`>}]$")
_DANGLING = re.compile(
    r"(?:[,\-\u2013\u2014(]|\b(?:and|or|but|the|a|an|of|to|in|for|with|that|which|is|are|was|by|at|from|as|if|it|we|you|i))$", re.IGNORECASE
)
SHORT_LINE = 12
"""Words: a tagline, a name below a letter, an item of a list, a button need no full stop."""


class Ending:
    """1 when an answer ran into the limit, breaks off within a sentence, or its last long line has no end."""

    def score(self, sample: Sample) -> dict[str, float]:
        """`any`."""
        text = sample.text.rstrip()
        last = text.rsplit("\n", 1)[-1].strip()
        breaks_off = bool(text) and not _CLOSED.search(last) and (len(last.split()) > SHORT_LINE or bool(_DANGLING.search(last)))
        return {"any": float(sample.stop == "length" or breaks_off)}


def _by_itself(row: Sample | HeldOut, _: str) -> bool | None:
    """The author's rows have no end mark to be judged by."""
    return row.stop == "end" if isinstance(row, Sample) else None


def _too_little_room(log: EvaluationLog) -> str:
    lengths = sorted(row.tokens for row in log.held_out if row.tokens)
    room = float(log.generate.get("max_new_tokens", 0))
    median = lengths[len(lengths) // 2] if lengths else 0
    return f"answers had room for {room:.0f} tokens, less than twice the author's median of {median}" if 0 < room < 2 * median else ""


SPEC = Spec(
    "ending", 90,
    make=lambda _: Ending(),
    metrics=(Metric("ending.any", "does not end properly", "share of answers", "less", binary=True),),
    gates=(
        Gate(
            "stops", "ends by itself (EOS)", "stop.end", "at least", 0.95,
            "Answers end by themselves", "Some answers do not end", LONGER_ANSWERS,
            badness=lambda sample: float(sample.stop != "end") * (1 + sample.tokens),
            why=lambda sample: f"ended by {sample.stop} after {sample.tokens} tokens",
            hit=_by_itself, doubt=_too_little_room,
        ),
    ),
    tag="does not end properly",
    tasks=("write", "rewrite"),
)  # fmt: skip
