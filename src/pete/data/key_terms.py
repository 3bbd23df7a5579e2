"""Key terms: the few things a text is about, in its own words, by what it says more often than the texts beside it."""

import math
import re
from collections import Counter
from collections.abc import Iterable

from pete.data.language import FUNCTION_WORDS
from pete.data.text import fold

_DETERMINERS = """the a an my our your their his her its this that these those some any every each no of in on for about with from
between without der die das den dem des ein eine einen einem einer im zum zur unser unsere le la les un une des du au aux notre nos el los
las una nuestro nuestra il lo gli uno nel della del nostra het een onze o os as um uma nosso nossa"""
_BEFORE_NOUNS = frozenset(_DETERMINERS.split())
"""What often stands right before a noun."""
_PIECES = re.compile(r"[^\W\d_]+(?:['\u2019-][^\W\d_]+)*|[^\s\w]+|\d\S*")
LEAST = 4
"""Letters of a term that is written small."""


class KeyTerms:
    """What single texts are about, among many."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = 0
        self._in: Counter[str] = Counter()
        for text in texts:
            self._texts += 1
            self._in.update({word.casefold() for word in re.findall(r"[^\W\d_]{3,}", fold(text))})

    def of(self, text: str, most: int = 3) -> list[str]:
        """Up to `most` terms in the order in which they stand in the text; fewer where it says little."""
        nouns, others, first = self._candidates(text)
        chosen = self._best(nouns, most)
        chosen += [term for term in self._best(others, most) if term.casefold() not in {c.casefold() for c in chosen}][: most - len(chosen)]
        return sorted(chosen, key=lambda term: first[term.casefold()])

    def _candidates(self, text: str) -> tuple[Counter[str], Counter[str], dict[str, int]]:
        """Words used as nouns, names among them; other words that say something; and where each stands first."""
        pieces = _PIECES.findall(fold(re.sub(r"https?://\S+|[#@]\w+", " ", text)))
        nouns: Counter[str] = Counter()
        others: Counter[str] = Counter()
        first: dict[str, int] = {}
        shown: dict[str, str] = {}
        for number, piece in enumerate(pieces):
            low = piece.casefold()
            before = pieces[number - 1] if number else "."
            behind = pieces[number + 1].casefold() if number + 1 < len(pieces) else "."
            name = piece[0].isupper() and (before[-1].isalnum() or before == ",")
            if not piece[0].isalpha() or low in FUNCTION_WORDS or (len(piece) < LEAST and not name) or len(piece) > 24:
                continue
            first.setdefault(low, number)
            if piece == low or (name and shown.get(low) != low):
                shown[low] = piece  # a name is never written small
            ends = not behind[0].isalpha() or behind in FUNCTION_WORDS
            if name or (before.casefold() in _BEFORE_NOUNS and ends):
                nouns[low] += 1
            others[low] += 1
        every = Counter({shown.get(low, low): n for low, n in others.items()})
        return Counter({term: n for term, n in every.items() if term.casefold() in nouns}), every, first

    def _best(self, terms: Counter[str], most: int) -> list[str]:
        def weight(term: str) -> float:
            return terms[term] * math.log((self._texts + 2) / (self._in[term.casefold()] + 1))

        return sorted(terms, key=lambda term: (-weight(term), term))[:most]
