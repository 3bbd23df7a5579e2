"""What a verb says while it works, to whoever called it: a terminal, a window, or nobody."""

from collections.abc import Sequence
from typing import Literal, Protocol

from pete.events import Event
from pete.listener import Listener

Level = Literal["title", "working", "info", "note"]
"""A stage begins; something takes a moment; a line; a line that deserves a look."""


class Notify(Listener, Protocol):
    """Called from the thread that works. Each method may do nothing, as here; `progress` says how far one piece of work is."""

    def message(self, text: str, level: Level = "info") -> None:
        """A line of text."""

    def event(self, event: Event) -> None:
        """Something happened in a training; it is in the run's events.jsonl already."""

    def ask(self, question: str, choices: Sequence[str], default: str) -> str:
        """One of the choices, or some words where there are none; the default where nobody can be asked."""
        return default


class Silent(Notify):
    """Nobody listens."""
