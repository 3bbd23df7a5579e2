"""Texts as the monitor shows them: within their cells."""

from collections.abc import Iterator

from rich.cells import cell_len


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
