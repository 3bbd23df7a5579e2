"""Leaks and placeholders by their patterns: stop strings, special tokens, the beginning of another turn, blanks to fill in."""

import re
from collections.abc import Sequence

from pete.data.artefacts import BLANK, CONTROL, TURN


def leaks(text: str, marks: Sequence[str] = ()) -> list[tuple[str, re.Match[str]]]:
    """Stop strings of a list, lines that begin another turn, special tokens: (which of them, where), from left to right, one a place."""
    hits = {hit.start(): ("stop string", hit) for hit in listed(text, marks)}
    hits |= {hit.start(): ("second turn", hit) for hit in TURN.finditer(text)}
    hits |= {hit.start(): ("special token", hit) for hit in CONTROL.finditer(text)}
    return [hits[at] for at in sorted(hits)]


def listed(text: str, marks: Sequence[str]) -> list[re.Match[str]]:
    """The marks of a list that stand in a text; its beginning is the beginning of a line."""
    parts = [f"^{re.escape(mark[1:])}" if mark.startswith("\n") else re.escape(mark) for mark in marks]
    return list(re.finditer("|".join(parts), text, re.MULTILINE)) if parts else []


def placeholders(text: str, prompt: str = "") -> list[re.Match[str]]:
    """[name], {name}, <your name>: somebody would have to fill it in. What the prompt has is wanted."""
    return [hit for hit in BLANK.finditer(text) if hit.group() not in prompt]
