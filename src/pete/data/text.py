"""Text as rules, scorers and reports see it: words, sentences, lines, what is said again, and what two texts share word for word.

Lengths that somebody asked for ("under 80 words") are counted in `text.split()` instead, as the asker's word processor counts.
"""

import re
import unicodedata
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise

_HAN_AND_KANA = (
    "\u3005-\u3007\u3041-\u3096\u3099-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
# Thai, Lao, Tibetan, Burmese, Khmer, Tai, Javanese: letters and their marks
_SYLLABIC = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecd\u0edc-\u0edf\u0f40-\u0fbc\u1000-\u103f\u1050-\u108f\u1780-\u17d3\u17d7\u17dc\u17dd"
    "\u1950-\u19c9\u1a20-\u1a7c\ua980-\ua9c0"
)
SPACELESS = _HAN_AND_KANA + _SYLLABIC
"""Inside a regular expression's brackets: letters of scripts that put no space between words. Each is a token of its own."""
_CJK_MARKS = "\u3001-\u3004\u3008-\u3020\u3030\u303d-\u303f\u30fb\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65"
_EMOJI = "\u200d\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
UNSPACED = SPACELESS + _CJK_MARKS + _EMOJI
"""The same with their punctuation, and emoji."""
WORD = 4
"""Quarters of a word, in which tokens are weighed: a Chinese or Japanese word has about two characters, a Thai one four with its marks."""
_SIZE = ((re.compile(f"[{_HAN_AND_KANA}{_EMOJI}]"), 2), (re.compile(f"[{_SYLLABIC}{_CJK_MARKS}]"), 1))

# what stands for one key: word processors, phones and models write the others
_KEYS = {
    "'": "\u2018\u2019\u201a\u201b\u02b9\u02bc\u2032\uff07\u00b4`",
    '"': "\u201c\u201d\u201e\u201f\u2033\uff02\u00ab\u00bb",
    " ": "\u00a0\u2007\u202f",
    "-": "\u2010\u2011",
}
_FOLD = {ord(other): key for key, others in _KEYS.items() for other in others}
LIKE = {key: f"[{re.escape(key + others)}]" for key, others in _KEYS.items()}
"""A character of a keyboard -> a regular expression for all that stands for it."""

_WORD = re.compile(rf"[{SPACELESS}]|[^\W_{SPACELESS}]+(?:['\u2019\u02bc\uff07][^\W_{SPACELESS}]+)*")
# a full stop after one letter or a digit's dot is no end: "a.m.", "J. Smith", "3.50"
_SENTENCE_END = re.compile(
    r"(?<=[.!?\u2026\u3002\uff01\uff1f\uff61])[\"'\u201d\u2019)]*\s+(?=[\"'\u201c\u2018(]?[^\Wa-z_])|\n+"
    r"|(?<=[\u3002\uff01\uff1f\uff61])[\u300d\u300f\uff09\u201d\u2019)]*+(?![\s\u3002\uff01\uff1f\uff61\u2026])"
)
_ABBREVIATED = re.compile(r"(?:(?<!['\u2019])\b\w|\b(?:mr|mrs|ms|dr|st|vs|etc|e\.g|i\.e))\.$", re.IGNORECASE)

_LINE = re.compile(r"[^\n]*\S[^\n]*")
BULLET = re.compile(r"^(?:[-*\u2022\u2013]|\(?\d{1,2}[.)])\s+(?=\S)")
"""Of a list: what begins a line and is not said."""

_UNSEEN = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
# letters and marks that draw nothing: joiners, Hangul and Braille fillers, variation selectors
_FILLERS = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0" + "".join(map(chr, (*range(0x180B, 0x180E), *range(0xFE00, 0xFE10))))
)

SLOGAN = 4
"""Words of a span that is the prompt's: repeating what one was asked to say is not copying."""


@dataclass(frozen=True)
class Span:
    """A word in small letters, a line or a sentence, and where it stands in its text."""

    text: str
    start: int
    end: int


def fold(text: str) -> str:
    """Quotation marks, apostrophes, spaces and hyphens as a keyboard has them; as many characters as before."""
    return text if text.isascii() and "`" not in text else text.translate(_FOLD)


def same_prompt(prompt: str) -> str:
    """A prompt as it is compared with another: blanks, capitals and the kind of quotation marks make no difference."""
    return " ".join(fold(prompt).casefold().split())


def visible(text: str) -> bool:
    """Whether there is anything to see: spaces, controls, zero-width and filler characters are nothing."""
    return any(unicodedata.category(c) not in _UNSEEN and c not in _FILLERS for c in text)


@lru_cache(maxsize=2048)  # half a dozen scorers ask for the words of the same answer
def words_in(text: str) -> tuple[Span, ...]:
    """The words of a text; punctuation separates and is dropped. In scripts without spaces each letter is one: see `size`."""
    return tuple(Span(fold(m.group().lower()), m.start(), m.end()) for m in _WORD.finditer(text))


def words(text: str) -> list[str]:
    """The words of a text, in small letters."""
    return [word.text for word in words_in(text)]


def sentences(text: str) -> list[str]:
    """Sentences, and lines that end without a full stop."""
    return [sentence.text for sentence in sentences_in(text)]


def sentences_in(text: str) -> list[Span]:
    """The same, and where they stand."""
    found: list[Span] = []
    start = 0
    for end, sure in [*((m.end(), "\n" in m.group()) for m in _SENTENCE_END.finditer(text)), (len(text), True)]:
        piece = text[start:end].strip()
        if not sure and _ABBREVIATED.search(piece):
            continue
        if piece:
            at = text.index(piece, start)
            found.append(Span(piece, at, at + len(piece)))
        start = end
    return found


def lines_in(text: str) -> list[Span]:
    """The lines that are not empty, without the space around them."""
    return [Span(line := m.group().strip(), at := text.index(line, m.start()), at + len(line)) for m in _LINE.finditer(text)]


def list_items(text: str) -> list[str]:
    """The lines with a bullet or a number."""
    return [line.text for line in lines_in(text) if BULLET.match(line.text)]


@lru_cache(maxsize=65536)
def quarters(word: str) -> int:
    """How much of a word a token is, in quarters: a whole one, or less where it is a letter of a script without spaces."""
    return next((size for letter, size in _SIZE if letter.match(word)), WORD)


def size(said: Sequence[str]) -> int:
    """How many words tokens are, rounded down."""
    return sum(map(quarters, said)) // WORD


def grams(said: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Every n words in a row: the fewest tokens from each one on that make n words."""
    ends = list(accumulate(map(quarters, said), initial=0))
    found, last = [], 0
    for first in range(len(said)):
        while last < len(said) and ends[last] - ends[first] < n * WORD:
            last += 1
        if ends[last] - ends[first] < n * WORD:
            break
        found.append(tuple(said[first:last]))
    return found


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
class SharedSpan:
    """Tokens `first` to `last` (exclusive) of a text stand in document number `document` in the same order; its length is in words."""

    first: int
    last: int
    document: int
    words: int

    def __len__(self) -> int:
        return self.words


class Corpus:
    """Documents in which word-for-word spans are found: an index of their n-grams, each hit extended as far as it goes."""

    SEED = 3
    """Tokens of an n-gram of the index; fewer where shorter spans are asked for."""

    def __init__(self, documents: Sequence[Sequence[str]]) -> None:
        self._documents = [list(document) for document in documents]
        self._indexes: dict[int, dict[tuple[str, ...], list[tuple[int, int]]]] = {}

    def spans(self, text: Sequence[str], least: int) -> list[SharedSpan]:
        """The spans of at least `least` words that cannot be made longer, from left to right."""
        seed = min(self.SEED, least)  # a token is at most a word
        index, ends = self._index(seed), list(accumulate(map(quarters, text), initial=0))
        found: list[SharedSpan] = []
        reached = 0
        for start in range(len(text)):
            hits = index.get(tuple(text[start : start + seed]), ())
            end, document = max(((self._extended(text, start, *hit), -hit[0]) for hit in hits), default=(0, 0))
            words = (ends[end] - ends[start]) // WORD
            if end > reached and words >= least:
                found.append(SharedSpan(start, end, -document, words))
            reached = max(reached, end)
        return found

    def covered(self, text: Sequence[str], least: int) -> set[int]:
        """Numbers of the words that lie in such spans."""
        return {i for span in self.spans(text, least) for i in range(span.first, span.last)}

    def copied(self, text: Sequence[str], prompt: Sequence[str], least: int) -> list[SharedSpan]:
        """The same spans, cut where the words are the prompt's."""
        lent = Corpus([prompt]).covered(text, SLOGAN)
        found: list[SharedSpan] = []
        for span in self.spans(text, least):
            start = span.first
            for end in range(span.first, span.last + 1):
                if end == span.last or end in lent:
                    if (words := size(text[start:end])) >= least:
                        found.append(SharedSpan(start, end, span.document, words))
                    start = end + 1
        return found

    def _index(self, seed: int) -> dict[tuple[str, ...], list[tuple[int, int]]]:
        """(document, place) of every n-gram of so many tokens."""
        if seed not in self._indexes:
            index = self._indexes[seed] = {}
            for number, document in enumerate(self._documents):
                for place in range(len(document) - seed + 1):
                    index.setdefault(tuple(document[place : place + seed]), []).append((number, place))
        return self._indexes[seed]

    def _extended(self, text: Sequence[str], start: int, number: int, place: int) -> int:
        """Where the text stops being that document's from a place on."""
        document, end = self._documents[number], start
        while end < len(text) and (at := place + end - start) < len(document) and document[at] == text[end]:
            end += 1
        return end
