"""Parts of a long text, cut at paragraph ends and otherwise untouched, each with a prompt that asks for that part."""

import re
from dataclasses import dataclass
from itertools import accumulate

from pete.words import rounded

LONG = 150
"""Words from which on a text is long."""
LEAST, MOST = 60, 0.75
"""Words of a part, and the share of the text that it may be."""
_BETWEEN = re.compile(r"\n[ \t]*\n\s*")


@dataclass(frozen=True)
class Window:
    """A part of a text, to the letter, and where in it."""

    text: str
    place: str
    """opening, middle or closing"""

    def prompt(self, whole: str) -> str:
        """What asks for it, where `whole` asks for the whole text."""
        return f"{whole.rstrip()}\n\nThe {self.place} part alone, about {rounded(len(self.text.split()))} words."


def windows(text: str) -> list[Window]:
    """Runs of whole paragraphs, the longest first; none of a text that is short or has no paragraphs."""
    if len(text.split()) < LONG:
        return []
    cuts = [(0, 0), *((match.start(), match.end()) for match in _BETWEEN.finditer(text)), (len(text), len(text))]
    starts, ends = [end for _, end in cuts[:-1]], [start for start, _ in cuts[1:]]
    sizes = [len(text[a:b].split()) for a, b in zip(starts, ends, strict=True)]
    before = list(accumulate(sizes, initial=0))
    found: list[tuple[int, Window]] = []
    for first in range(len(sizes)):
        for last in range(first, len(sizes)):
            count = before[last + 1] - before[first]
            if LEAST <= count <= MOST * before[-1]:
                place = "opening" if first == 0 else "closing" if last == len(sizes) - 1 else "middle"
                found.append((count, Window(text[starts[first] : ends[last]], place)))
    found.sort(key=lambda one: -one[0])
    longest: dict[str, Window] = {}
    for _, window in found:  # one of each place: parts that share most of their words teach nothing new
        longest.setdefault(window.place, window)
    return list(longest.values())
