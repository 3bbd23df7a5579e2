"""The screen that every verb draws on: rich, without markup, and with nothing on it that drives a terminal."""

import os
from collections.abc import Iterable
from typing import IO

from rich.console import Console, ConsoleDimensions, ConsoleOptions, RenderableType
from rich.segment import Segment

from pete.terminal import scrub

LARGEST = 1000
"""Columns, and lines."""


class Screen(Console):
    """A rich console to which all text is only text: no markup, no emoji codes, and what is printed is scrubbed.

    Styles are given as `style=` or in a `Text`. With NO_COLOR or CLICOLOR=0 there are none, bold and dim included.
    """

    def __init__(
        self, file: IO[str] | None = None, *, stderr: bool = False, width: int | None = None, terminal: bool | None = None
    ) -> None:
        plain = os.environ.get("NO_COLOR") or os.environ.get("CLICOLOR") == "0"
        super().__init__(
            file=file, stderr=stderr, width=width, force_terminal=terminal,
            color_system=None if plain else "auto", highlight=False, markup=False, emoji=False,
        )  # fmt: skip

    @property
    def size(self) -> ConsoleDimensions:  # type: ignore[override]
        """The terminal's, where it can be true; some say 65535."""
        width, height = super().size
        return ConsoleDimensions(min(width, LARGEST), min(height, LARGEST))

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """As rich renders it, with the text scrubbed; all that is printed or drawn live comes through here."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(scrub(text), style)

    def on_broken_pipe(self) -> None:
        """Leave it to `main`: rich would end the process, also one that has better things to do."""
        raise
