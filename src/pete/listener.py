"""Who hears how far a conversion or a download is: nobody, unless a program says so for its thread."""

from contextvars import ContextVar
from typing import Protocol


class Listener(Protocol):
    """Called from the thread that works; each method may do nothing, as here."""

    def progress(self, what: str, done: int, of: int) -> None:
        """So much of `what` is done: bytes of a file, answers, rows."""

    def message(self, text: str) -> None:
        """A line of text."""


class NoListener(Listener):
    """Nobody."""


LISTENER: ContextVar[Listener] = ContextVar("listener", default=NoListener())  # noqa: B039 - it holds nothing
