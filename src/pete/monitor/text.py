"""Texts as the monitor shows them: within their cells, and harmless whatever a model or a file says."""

import re
import unicodedata
from collections.abc import Iterator

from rich.cells import cell_len

# a terminal's own sequences whole, so that no "[31m" is left of them
_SEQUENCE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|.?)", re.DOTALL)
LONGEST = 2000
"""Characters of one text that are shown; a screen holds no more of it."""


def harmless(text: str) -> str:
    """One line without what could drive a terminal, turn text around or have a width terminals disagree about."""
    text = _SEQUENCE.sub("", text[:LONGEST].encode("utf-8", "replace").decode("utf-8"))
    text = " ".join(text.split())
    kept = "".join(
        c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") and not "\ufe00" <= c <= "\ufe0f"
    )
    return kept.strip()


def wrapped(text: str, width: int) -> Iterator[str]:
    """Text broken between words into lines of at most `width` cells (1 at least); a longer word is cut."""
    width, line = max(1, width), ""
    for word in text.split():
        if line and cell_len(line) + 1 + cell_len(word) > width:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while cell_len(line) > width:
            head = fit(line, width) or line[:1]
            yield head
            line = line[len(head) :]
    if line:
        yield line


def fit(text: str, width: int) -> str:
    """As much of the beginning as `width` cells hold."""
    while text and cell_len(text) > width:
        text = text[: max(0, min(len(text) - 1, width))]
    return text


def shortened(text: str, width: int) -> str:
    """Text within `width` cells, with an ellipsis where something is missing."""
    return text if cell_len(text) <= width else fit(text, max(0, width - 1)).rstrip() + "…" * (width > 0)
