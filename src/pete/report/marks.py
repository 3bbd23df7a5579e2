"""An answer cut where marks begin and end, so that they can be shown in the text and told in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pete.evaluate.log import Mark, Sample
from pete.evaluate.scorers import specs


@dataclass(frozen=True)
class Piece:
    """A stretch of text and what is marked on it; without marks it is plain text."""

    text: str
    marks: tuple[Mark, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its marks."""
        return tuple(dict.fromkeys(mark.kind for mark in self.marks))

    @property
    def words(self) -> str:
        """Its marks in words, for those who do not see them."""
        return "; ".join(dict.fromkeys(f"{meaning(m.kind)}: {m.note}" if m.note else meaning(m.kind) for m in self.marks))


def marks_of(sample: Sample) -> tuple[Mark, ...]:
    """Everything that is to be seen in an answer: what scorers point at, and where it breaks a rule."""
    return (*sample.marks, *(mark for mark in _flagged(sample) if not any(_overlap(mark, other) for other in sample.marks)))


def _flagged(sample: Sample) -> tuple[Mark, ...]:
    # a rule about the whole answer is told in words: the whole answer underlined shows nothing
    parts = [flag for flag in sample.flags if flag.start < flag.end and (flag.start, flag.end) != (0, len(sample.text))]
    kinds = {rule: kind for spec in specs() for rule, kind in spec.rules.items() if kind}
    return tuple(Mark(start=flag.start, end=flag.end, kind=kinds.get(flag.rule, "rule"), note=flag.words) for flag in parts)


def _overlap(one: Mark, other: Mark) -> bool:
    return one.kind == other.kind and one.start < other.end and other.start < one.end


def meaning(kind: str) -> str:
    """A kind of mark in words; one that no scorer explains speaks for itself."""
    legend = {"rule": "where a rule is broken"} | {kind: words for spec in specs() for kind, words in spec.legend.items()}
    return legend.get(kind, kind)


def pieces(text: str, marks: Sequence[Mark]) -> tuple[Piece, ...]:
    """The text in pieces; joined again it is the same text."""
    inside = [m for m in marks if 0 <= m.start < m.end <= len(text)]
    cuts = sorted({0, len(text), *(m.start for m in inside), *(m.end for m in inside)})
    return tuple(Piece(text[a:b], tuple(m for m in inside if m.start <= a and b <= m.end)) for a, b in pairwise(cuts))
