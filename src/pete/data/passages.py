"""Passages: a text that is too long to learn from in one piece, cut where its author ended a paragraph."""

import math
import re
from collections.abc import Callable

_CUTS = (
    re.compile(r"\n[^\S\n]*\n\s*"),
    re.compile(r"\n+"),
    re.compile(r"(?<=[.!?\u2026])[\"'\u201d\u2019)]*\s+(?=\S)|(?<=[\u3002\uff01\uff1f])"),
)
"""Where one may cut, the best place first: after a paragraph, a line, a sentence."""

Fits = Callable[[str], float]
"""How full a text makes a row, 1 being all there is room for."""


def passages(text: str, fullness: Fits) -> list[str]:
    """The text in as few pieces of like length as there is room for, as they stand there; nothing where a sentence alone is too long."""
    return _cut(text, fullness, 0)


def _cut(text: str, fullness: Fits, kind: int) -> list[str]:
    full = fullness(text)
    if full <= 1:
        return [text]
    if kind == len(_CUTS):
        return []
    parts = _split(text, _CUTS[kind])
    if len(parts) == 1:
        return _cut(text, fullness, kind + 1)
    # of like length, by letters: what is left over at the end is no passage of its own
    goal = len(text) / math.ceil(full)
    pieces: list[str] = []
    held = ""
    for part in parts:
        if held and (len(held) + len(part) / 2 > goal or fullness((held + part).strip()) > 1):
            pieces.append(held)
            held = ""
        held += part
    pieces.append(held)
    found: list[str] = []
    for piece in pieces:
        cut = _cut(piece.strip(), fullness, kind + 1)
        if not cut:
            return []
        found += cut
    return found


def _split(text: str, cut: re.Pattern[str]) -> list[str]:
    """The parts of a text, each with what separates it from the next; nothing is lost."""
    ends = [match.end() for match in cut.finditer(text) if 0 < match.end() < len(text)]
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]
