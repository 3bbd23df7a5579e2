"""Passages: as much prose at a time as the run was trained on, cut at paragraph ends; each finds its sentences in the text again."""

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pete.data.passages import Fullness
from pete.data.passages import passages as cut
from pete.generate.rewrite.markup import Part, Shown, soft_break, with_marks_whole
from pete.generate.rewrite.prose import Block

NARROWEST, WIDEST = 50, 120
"""Letters of a line at which people and editors wrap."""
BREAKS, SHARE = 2, 0.9
"""So many line breaks, and this share of all, have to be where a line was full."""
_BETWEEN = "\n\n"
"""Between two paragraphs, as the model sees them."""


@dataclass(frozen=True)
class Replacement:
    """A piece of a block, and what stands there instead."""

    block: int
    start: int
    end: int
    text: str


class Passage:
    """Prose that is put before the model at once: one paragraph or several, or a part of a long one."""

    def __init__(self, numbers: Sequence[int], shown: Sequence[Shown], start: int = 0, end: int | None = None) -> None:
        """A part of some paragraphs, the whole of them unless places in their joined text are given.

        Args:
            numbers: which blocks of the text they are.
            shown: the same as the model sees them.
            start: where the part begins.
            end: where it ends.
        """
        self.numbers, self.shown = tuple(numbers), tuple(shown)
        self._starts = [0]
        for one in shown[:-1]:
            self._starts.append(self._starts[-1] + len(one.text) + len(_BETWEEN))
        joined = _BETWEEN.join(one.text for one in shown)
        self.start = start
        self.text = joined[start : len(joined) if end is None else end]
        """As the model sees it."""

    @property
    def block(self) -> int:
        """The block in which it begins."""
        return self.numbers[bisect_right(self._starts, self.start) - 1]

    def part(self, start: int, end: int) -> tuple[int, Part] | None:
        """(which of its blocks, where in it) for a piece of its text; None where that is no whole piece of one paragraph."""
        which = bisect_right(self._starts, self.start + start) - 1
        start, end = (self.start + place - self._starts[which] for place in (start, end))
        if end > len(self.shown[which].text):
            return None
        part = self.shown[which].part(start, end)
        return None if part is None else (which, part)

    def source(self, which: int, part: Part) -> str:
        """The same piece as it stands in the text."""
        return self.shown[which].source[part.start : part.end]


def passages(blocks: Sequence[Block], fullness: Fullness) -> tuple[list[Passage], list[int]]:
    """The prose of a text in passages, and the numbers of blocks with a sentence that is too long for any.

    Paragraphs that follow each other go together; a list item goes alone.
    """
    width = wrapped_at(blocks)
    found: list[Passage] = []
    too_long: list[int] = []
    for together in _together(blocks):
        shown = [Shown(blocks[number].text, width) for number in together]
        pieces = _cut(Passage(together, shown), fullness)
        if not pieces and len(together) > 1:
            for number, one in zip(together, shown, strict=True):
                alone = _cut(Passage([number], [one]), fullness)
                found += alone
                too_long += [] if alone else [number]
        else:
            found += pieces
            too_long += [] if pieces else together
    return found, too_long


def _cut(whole: Passage, fullness: Fullness) -> list[Passage]:
    pieces, at = [], 0
    for piece in cut(whole.text, fullness):
        at = whole.text.index(piece, at)
        pieces.append(Passage(whole.numbers, whole.shown, at, at + len(piece)))
        at += len(piece)
    return pieces


def _together(blocks: Sequence[Block]) -> Iterator[list[int]]:
    held: list[int] = []
    for number, block in enumerate(blocks):
        if block.prose and not block.item:
            held.append(number)
        elif block.kept != "space":
            if held:
                yield held
            held = []
            if block.prose:
                yield [number]
    if held:
        yield held


def wrapped_at(blocks: Sequence[Block]) -> int:
    """Letters at which the lines of a text's prose were wrapped; 0 where they were not."""
    inner = [
        (line, following)
        for block in blocks
        if block.prose
        for lines in [re.split(r"\r\n|\r|\n", block.text)]
        for line, following in itertools.pairwise(lines)
    ]
    width = max((len(line.strip()) for line, _ in inner), default=0)
    full = sum(soft_break(line.strip(), following, width) for line, following in inner)
    return width if NARROWEST <= width <= WIDEST and full >= BREAKS and full >= SHARE * len(inner) else 0


def replaced(shown: Shown, replacements: Sequence[Replacement]) -> str:
    """A block with pieces of it replaced; where its lines were wrapped they are wrapped again."""
    out, done = "", 0
    for one in sorted(replacements, key=lambda one: one.start):
        out, done = out + shown.source[done : one.start] + one.text, one.end
    out += shown.source[done:]
    return _wrapped(out, shown) if replacements and shown.wrapped else out


def _wrapped(text: str, shown: Shown) -> str:
    """Lines of the width that its draft had, each but the first behind what stood in front of the draft's second one."""
    found = re.search(r"(?:\r\n|\r|\n)[ \t]*", shown.source)
    ends = found[0] if found else "\n"
    lines = [""]
    for word in with_marks_whole(text):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > shown.width:
            lines.append(word)
        else:
            lines[-1] += (" " if lines[-1] else "") + word
    return ends.join(lines)
