"""Parts of a text that can be said or left out: its sentences and their clauses, with what words they have of their own."""

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from pete.data.language import FUNCTION_WORDS
from pete.data.text import BULLET, fold, sentences_in, words

LEAST = 3
"""Words of a clause; what is shorter belongs to its neighbour."""
_BREAK = re.compile(
    r"(?<=[,;:\u2014\u2013)])\s+|\s+(?=\()|\s+-\s+"
    r"|\s+(?=(?:and|but|or|because|since|which|who|where|so that|so|if|when|while|until|unless|although|though|before|after|except"
    r"|without)\b)",
    re.IGNORECASE,
)
_ENDINGS = re.compile(r"(?:ations?|ings?|edly|ed|ers?|ies|es|ly|s|e|(?<=[^aeiou])y)$")
_IRREGULAR = {
    form: word
    for word, forms in {
        "go": "went gone goes", "come": "came", "take": "took taken", "give": "gave given", "send": "sent", "buy": "bought", "sell": "sold",
        "pay": "paid", "make": "made", "say": "said", "tell": "told", "leave": "left", "keep": "kept", "find": "found", "lose": "lost",
        "write": "wrote written", "know": "knew known", "person": "people", "child": "children", "begin": "began begun",
        "break": "broke broken", "run": "ran", "meet": "met", "hold": "held", "bring": "brought", "catch": "caught", "teach": "taught",
    }.items()
    for form in forms.split()
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A sentence or a clause: text[start:end]."""

    text: str
    start: int
    end: int
    sentence: int
    """Number of the sentence that it is, or is part of."""


def parts_of(text: str) -> tuple[list[Part], list[Part]]:
    """The sentences of a text, without bullets and numbers before them; and the clauses of those that have several."""
    sentences: list[Part] = []
    clauses: list[Part] = []
    for span in sentences_in(text):
        bullet = BULLET.match(span.text)
        start = span.start + (bullet.end() if bullet else 0)
        if not words(text[start : span.end]):
            continue
        sentences.append(Part(text[start : span.end], start, span.end, len(sentences)))
        clauses += _clauses(sentences[-1])
    return sentences, clauses


def _clauses(sentence: Part) -> list[Part]:
    cuts = [0, *(match.end() for match in _BREAK.finditer(sentence.text) if match.start()), len(sentence.text)]
    pieces: list[tuple[int, int]] = []
    for start, end in pairwise(cuts):
        short = len(words(sentence.text[start:end])) < LEAST
        if pieces and (short or len(words(sentence.text[slice(*pieces[-1])])) < LEAST):
            pieces[-1] = (pieces[-1][0], end)
        else:
            pieces.append((start, end))
    if len(pieces) < 2:
        return []
    return [
        Part(
            text := sentence.text[start:end].strip(),
            at := sentence.start + sentence.text.index(text, start),
            at + len(text),
            sentence.sentence,
        )
        for start, end in pieces
    ]


@lru_cache(maxsize=65536)
def stem(word: str) -> str:
    """A word without its ending, so that "moved", "moves" and "moving" are one; no more than English needs."""
    low = _IRREGULAR.get(word, word).removesuffix("'s")
    cut = _ENDINGS.sub("", low)
    cut = cut if len(cut) >= 3 else low
    return cut[:-1] if len(cut) > 3 and cut[-1] == cut[-2] else cut


@lru_cache(maxsize=4096)
def content(text: str) -> tuple[str, ...]:
    """The stems of the words that say something, figures among them."""
    return tuple(stem(word) for word in words(fold(text)) if word not in FUNCTION_WORDS and "n't" not in word and not word.startswith("i'"))
