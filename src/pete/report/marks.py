"""Where in an answer the marks against it lie: what the voice avoids, what is copied, what repeats, what leaked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

Kind = Literal["avoid", "copied", "loop", "leak"]

LEGEND: dict[Kind, str] = {
    "avoid": "a phrase to avoid, hashtag, emoji or placeholder",
    "copied": "word for word as in a training row",
    "loop": "said before in the same answer",
    "leak": "a control mark of the model",
}
"""What each mark means, in words."""


@dataclass(frozen=True)
class Span:
    """A stretch of an answer, in characters."""

    start: int
    end: int
    kind: Kind


@dataclass(frozen=True)
class Piece:
    """A stretch of text and what is marked on it (nothing: plain text)."""

    text: str
    kinds: tuple[Kind, ...] = ()

    @property
    def words(self) -> str:
        """The marks in words, for those who do not see them."""
        return "; ".join(LEGEND[kind] for kind in self.kinds)


def pieces(text: str, spans: Iterable[Span]) -> list[Piece]:
    """The text cut where marks begin and end; joined again it is the same text."""
    spans = [s for s in spans if s.start < s.end]
    cuts = sorted({0, len(text), *(s.start for s in spans), *(s.end for s in spans)})
    found = []
    for start, end in pairwise(cuts):
        kinds: tuple[Kind, ...] = tuple(kind for kind in LEGEND if any(s.kind == kind and s.start <= start and end <= s.end for s in spans))
        found.append(Piece(text[start:end], kinds))
    return found


def marked(parts: Sequence[Piece]) -> dict[Kind, list[str]]:
    """The marked words by kind, for a reader without colours."""
    return {kind: said for kind in LEGEND if (said := [p.text for p in parts if kind in p.kinds])}
