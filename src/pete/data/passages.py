"""Passages: a text that is too long to learn from in one piece, cut where its author ended a paragraph."""

import math
import re
from collections.abc import Callable
from typing import Protocol

_CUTS = (
    re.compile(r"\n[^\S\n]*\n\s*"),
    re.compile(r"\n+"),
    re.compile(r"(?<=[.!?\u2026])[\"'\u201d\u2019)]*\s+(?=\S)|(?<=[\u3002\uff01\uff1f])"),
)
"""Where one may cut, the best place first: after a paragraph, a line, a sentence."""

SURE, MARGIN = 50, 1.5
"""After so many counted texts, no letters cost more than so many times the dearest of them."""
_LETTERS = bytes(range(65, 91)) + bytes(range(97, 123)) + b" \n"


class Fullness(Protocol):
    """How full a text makes a row."""

    def __call__(self, text: str, within: float = 0.0) -> float:
        """1 is all there is room for; where it is surely no more than `within`, any figure up to that."""
        ...


class Room:
    """How full a text makes a row, by tokens; counted only where that could matter: it is the slowest part of an import."""

    def __init__(self, count: Callable[[str], int], most: int) -> None:
        """Nothing is counted yet.

        Args:
            count: the tokens of a text.
            most: tokens that there is room for.
        """
        self._count, self._most = count, most
        self._counted, self._dearest = 0, 0.0

    def __call__(self, text: str, within: float = 0.0) -> float:
        """The share of the room that a text takes, 1 being all of it.

        Args:
            text: the text.
            within: where it surely takes no more than this, any figure up to it will do.
        """
        data = text.encode()
        other = len(data.translate(None, _LETTERS))  # a digit or a byte of another script may be a token of its own
        most = len(data) if self._counted < SURE else other + MARGIN * self._dearest * (len(data) - other)
        if most <= within * self._most:
            return most / self._most
        tokens = self._count(text)
        self._counted += 1
        self._dearest = max(self._dearest, tokens / max(1, len(data)))
        return tokens / self._most


def passages(text: str, fullness: Fullness) -> list[str]:
    """The text in as few pieces of like length as there is room for, as they stand there; nothing where a sentence alone is too long."""
    return _cut(text, fullness, 0)


def _cut(text: str, fullness: Fullness, kind: int) -> list[str]:
    full = fullness(text, 1.0)
    if full <= 1:
        return [text]
    if kind == len(_CUTS):
        return []
    parts = _split(text, _CUTS[kind])
    if len(parts) == 1:
        return _cut(text, fullness, kind + 1)
    wanted = math.ceil(full)
    while len(pieces := _packed(parts, wanted, fullness)) > wanted:
        wanted = len(pieces)
    found: list[str] = []
    for piece in pieces:
        cut = _cut(piece.strip(), fullness, kind + 1)
        if not cut:
            return []
        found += cut
    return found


def _packed(parts: list[str], wanted: int, fullness: Fullness) -> list[str]:
    """Parts together in so many pieces of like length, by letters, or more where they do not fit."""
    pieces, held, rest = list[str](), "", sum(map(len, parts))
    for part in parts:
        if held and (len(held) + len(part) / 2 > rest / max(1, wanted) or fullness((held + part).strip(), 1.0) > 1):
            pieces.append(held)
            rest, wanted, held = rest - len(held), wanted - 1, ""
        held += part
    return [*pieces, held]


def _split(text: str, cut: re.Pattern[str]) -> list[str]:
    """The parts of a text, each with what separates it from the next; nothing is lost."""
    ends = [match.end() for match in cut.finditer(text) if 0 < match.end() < len(text)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
