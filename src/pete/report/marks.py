"""An answer cut where marks begin and end, so that they can be shown in the text and told in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pete.data.text import grams, repeats, words, words_in
from pete.evaluate.log import Mark, Sample
from pete.evaluate.scorers.degenerate import RUN

LEGEND = {
    "cliche": "what the voice avoids",
    "copied": "word for word in a training row",
    "loop": "said before in the same answer",
    "leak": "a control mark of the model",
    "rule": "where a rule is broken",
}
"""What a kind of mark means. A kind that is not listed speaks for itself."""
KINDS = {"avoid": "cliche", "copied": "copied", "loop": "loop", "leak": "leak"}
"""Kinds of marks for the rules that scorers look for too; the others are simply rules."""


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
    """Everything that is to be seen in an answer: what scorers point at, what it says again, and where it breaks a rule."""
    found = (*sample.marks, *loops(sample))
    return (*found, *(mark for mark in _flagged(sample) if not any(_overlap(mark, other) for other in found)))


def _flagged(sample: Sample) -> tuple[Mark, ...]:
    # a rule about the whole answer is told in words: the whole answer underlined shows nothing
    parts = [flag for flag in sample.flags if flag.start < flag.end and (flag.start, flag.end) != (0, len(sample.text))]
    return tuple(Mark(start=flag.start, end=flag.end, kind=KINDS.get(flag.rule, "rule"), note=flag.words) for flag in parts)


def _overlap(one: Mark, other: Mark) -> bool:
    return one.kind == other.kind and one.start < other.end and other.start < one.end


def loops(sample: Sample) -> tuple[Mark, ...]:
    """Where an answer that its scorer calls a loop says again, in runs of four words and more, what it said before."""
    if not sample.scores.get("degenerate.loop"):
        return ()
    said = words_in(sample.text)
    runs = grams(words(sample.text), RUN)
    again = {i + k for i in repeats(runs) for k in range(len(runs[i]))}
    starts = [i for i in sorted(again) if i - 1 not in again]
    ends = [i for i in sorted(again) if i + 1 not in again]
    return tuple(Mark(start=said[a].start, end=said[b].end, kind="loop") for a, b in zip(starts, ends, strict=True))


def meaning(kind: str) -> str:
    """A kind of mark in words."""
    return LEGEND.get(kind, kind)


def pieces(text: str, marks: Sequence[Mark]) -> tuple[Piece, ...]:
    """The text in pieces; joined again it is the same text."""
    inside = [m for m in marks if 0 <= m.start < m.end <= len(text)]
    cuts = sorted({0, len(text), *(m.start for m in inside), *(m.end for m in inside)})
    return tuple(Piece(text[a:b], tuple(m for m in inside if m.start <= a and b <= m.end)) for a, b in pairwise(cuts))
