"""Text as rules, scorers and reports see it: words, sentences, lines, what is said again, and what two texts share word for word.

Lengths that somebody asked for ("under 80 words") are counted in `text.split()` instead, as the asker's word processor counts.
"""

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
# a full stop after one letter or a digit's dot is no end: "a.m.", "J. Smith", "3.50"
_SENTENCE_END = re.compile(r"(?<=[.!?\u2026])[\"'\u201d\u2019)]*\s+(?=[\"'\u201c\u2018(]?[^\Wa-z_])|\n+")
_ABBREVIATED = re.compile(r"(?:\b\w|\b(?:mr|mrs|ms|dr|st|vs|etc|e\.g|i\.e))\.$", re.IGNORECASE)

_LINE = re.compile(r"[^\n]*\S[^\n]*")
BULLET = re.compile(r"^(?:[-*\u2022\u2013]|\(?\d{1,2}[.)])\s+(?=\S)")
"""Of a list: what begins a line and is not said."""

SLOGAN = 4
"""Words of a span that is the prompt's: repeating what one was asked to say is not copying."""


@dataclass(frozen=True)
class Stretch:
    """A word in small letters, a line or a sentence, and where it stands in its text."""

    text: str
    start: int
    end: int


@lru_cache(maxsize=2048)  # half a dozen scorers ask for the words of the same answer
def words_in(text: str) -> tuple[Stretch, ...]:
    """The words of a text; punctuation separates and is dropped."""
    return tuple(Stretch(m.group().lower().replace("\u2019", "'"), m.start(), m.end()) for m in _WORD.finditer(text))


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return [word.text for word in words_in(text)]


def sentences(text: str) -> list[str]:
    """Sentences, and lines that end without a full stop."""
    return [sentence.text for sentence in sentences_in(text)]


def sentences_in(text: str) -> list[Stretch]:
    """The same, and where they stand."""
    found: list[Stretch] = []
    start = 0
    for end, sure in [*((m.end(), "\n" in m.group()) for m in _SENTENCE_END.finditer(text)), (len(text), True)]:
        piece = text[start:end].strip()
        if not sure and _ABBREVIATED.search(piece):
            continue
        if piece:
            at = text.index(piece, start)
            found.append(Stretch(piece, at, at + len(piece)))
        start = end
    return found


def lines_in(text: str) -> list[Stretch]:
    """The lines that are not empty, without the space around them."""
    return [Stretch(line := m.group().strip(), at := text.index(line, m.start()), at + len(line)) for m in _LINE.finditer(text)]


def list_items(text: str) -> list[str]:
    """The lines with a bullet or a number."""
    return [line.text for line in lines_in(text) if BULLET.match(line.text)]


def grams(said: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Every n words in a row."""
    return [tuple(said[i : i + n]) for i in range(len(said) - n + 1)]


def repeats(items: Sequence[Hashable]) -> list[int]:
    """Where items stand that stood there before."""
    seen: set[Hashable] = set()
    return [i for i, item in enumerate(items) if item in seen or seen.add(item)]


def windows(text: str, least: int = 30, most: int = 60) -> list[str]:
    """The text in even pieces of `least` to `most` words (split at spaces); nothing when it has fewer than `least`."""
    pieces = text.split()
    if len(pieces) < least:
        return []
    count = -(-len(pieces) // most)
    bounds = [round(k * len(pieces) / count) for k in range(count + 1)]
    return [" ".join(pieces[a:b]) for a, b in pairwise(bounds)]


@dataclass(frozen=True)
class Shared:
    """Words `first` to `last` (exclusive) of a text stand in document number `document` in the same order."""

    first: int
    last: int
    document: int

    def __len__(self) -> int:
        return self.last - self.first


class Corpus:
    """Documents in which word-for-word spans are found: a suffix automaton (Blumer et al. 1985), one look a word."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._next: list[dict[str, int]] = [{}]
        self._link, self._length, self._document = [-1], [0], [-1]
        for number, document in enumerate(documents):
            last = 0
            for word in document:
                last = self._extend(last, word, number)

    def spans(self, text: Sequence[str], least: int) -> list[Shared]:
        """The spans of at least `least` words that cannot be made longer, from left to right."""
        found: list[Shared] = []
        for end, length, document in self._matches(text):
            start = end - length
            if length < least:
                continue
            if found and found[-1].first == start:
                found[-1] = Shared(start, end, document)
            else:
                found.append(Shared(start, end, document))
        return found

    def covered(self, text: Sequence[str], least: int) -> set[int]:
        """Numbers of the words that lie in such spans."""
        return {i for span in self.spans(text, least) for i in range(span.first, span.last)}

    def copied(self, text: Sequence[str], prompt: Sequence[str], least: int) -> list[Shared]:
        """The same spans, cut where the words are the prompt's."""
        lent = Corpus([prompt]).covered(text, SLOGAN)
        found: list[Shared] = []
        for span in self.spans(text, least):
            start = span.first
            for end in range(span.first, span.last + 1):
                if end == span.last or end in lent:
                    if end - start >= least:
                        found.append(Shared(start, end, span.document))
                    start = end + 1
        return found

    def _matches(self, text: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """After each word: how many words up to it stand somewhere together, and where."""
        state = length = 0
        for end, word in enumerate(text, 1):
            while state and word not in self._next[state]:
                state = self._link[state]
                length = self._length[state]
            if word in self._next[state]:
                state = self._next[state][word]
                length += 1
            yield end, length, self._document[state]

    def _extend(self, last: int, word: str, document: int) -> int:
        # generalized: each document begins at the root again, so no span crosses from one to the next
        if word in self._next[last]:
            old = self._next[last][word]
            return old if self._length[old] == self._length[last] + 1 else self._split(last, word, old)
        new = self._state({}, self._length[last] + 1, 0, document)
        at = last
        while at != -1 and word not in self._next[at]:
            self._next[at][word] = new
            at = self._link[at]
        if at != -1:
            old = self._next[at][word]
            self._link[new] = old if self._length[old] == self._length[at] + 1 else self._split(at, word, old)
        return new

    def _split(self, at: int, word: str, old: int) -> int:
        copy = self._state(dict(self._next[old]), self._length[at] + 1, self._link[old], self._document[old])
        while at != -1 and self._next[at].get(word) == old:
            self._next[at][word] = copy
            at = self._link[at]
        self._link[old] = copy
        return copy

    def _state(self, following: dict[str, int], length: int, link: int, document: int) -> int:
        self._next.append(following)
        self._length.append(length)
        self._link.append(link)
        self._document.append(document)
        return len(self._length) - 1
