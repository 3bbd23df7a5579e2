"""Texts that a template cannot look into: what it writes around them, it writes around every text.

A template that only puts such texts somewhere takes no decision by them, so that its output for one conversation is its output for all
whose turns have the same roles. It may know that a text is one, that it is not empty and has no blanks at its ends; and it may ask
whether some words stand in it, which is answered with no and noted. Anything else is looking, and ends the attempt.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn

_OPEN, _CLOSE = "\U000f0002", "\U000f0003"
PLACES = re.compile(f"{_OPEN}([0-9]+){_CLOSE}")
"""Where texts stand, each by its number."""
_OF_THE_KIND = frozenset((
    "string", "mapping", "iterable", "sequence", "defined", "undefined", "none", "boolean", "number", "integer", "float", "callable",
    "true", "false",
))  # fmt: skip
"""jinja's tests that come out alike for every text."""


def place(number: int) -> str:
    """What stands where text `number` does."""
    return f"{_OPEN}{number}{_CLOSE}"


class Looked(Exception):
    """A template looked into a text."""


@dataclass
class Veil:
    """What a template wanted to know of the texts of a conversation."""

    looked: bool = False
    """It looked into one, even if it went on afterwards."""
    asked: set[str] = field(default_factory=set)
    """Words of which it was told that they stand in none."""

    def over(self, value: Any) -> Any:
        """A text with places in it hidden; anything else as it is."""
        return Hidden(value, self) if isinstance(value, str) and _OPEN in value else value

    def look(self) -> NoReturn:
        """Note that this template looks."""
        self.looked = True
        raise Looked("it looks into a text")


class Hidden:
    """A text with places in it, as a template gets it: no string, so that nothing reads it unnoticed."""

    __slots__ = ("_text", "_veil")

    def __init__(self, text: str, veil: Veil) -> None:
        self._text, self._veil = text, veil

    def strip(self, chars: str | None = None) -> "Hidden":
        """Exact: a text has no blanks at its ends, so that only what stands around it can go."""
        return self._stripped(str.strip, chars)

    def lstrip(self, chars: str | None = None) -> "Hidden":
        """The same on the left."""
        return self._stripped(str.lstrip, chars)

    def rstrip(self, chars: str | None = None) -> "Hidden":
        """The same on the right."""
        return self._stripped(str.rstrip, chars)

    def startswith(self, words: str) -> bool:
        """No, if these words stand nowhere in it."""
        return words in self

    endswith = startswith

    def __contains__(self, words: object) -> bool:
        if not isinstance(words, str) or not words or not PLACES.fullmatch(self._text):
            self._veil.look()
        self._veil.asked.add(words)
        return False

    def __bool__(self) -> bool:
        return True

    def __getattr__(self, name: str) -> NoReturn:
        self._veil.look()

    def _stripped(self, strip: Callable[[str, str | None], str], chars: str | None) -> "Hidden":
        if chars is not None and not chars.isspace():
            self._veil.look()
        return Hidden(strip(self._text, chars), self._veil)

    def _looked(self, *_: object) -> NoReturn:
        self._veil.look()

    __str__ = __repr__ = __format__ = __hash__ = __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _looked  # type: ignore[assignment]
    __len__ = __iter__ = __getitem__ = _looked


def shown(value: Any) -> Any:
    """What a template writes out; of a hidden text its places."""
    return value._text if isinstance(value, Hidden) else value


def joined(parts: Sequence[Any]) -> Hidden | None:
    """Texts one after the other, hidden where one of them is; None where none is."""
    hidden = next((part for part in parts if isinstance(part, Hidden)), None)
    if hidden is None:
        return None
    if not all(isinstance(part, str | int | Hidden) for part in parts):
        hidden._veil.look()
    return Hidden("".join(str(shown(part)) for part in parts), hidden._veil)


def tested(name: str, value: Any) -> Any:
    """What one of jinja's tests is given in place of a value."""
    if not isinstance(value, Hidden):
        return value
    return "text" if name in _OF_THE_KIND else value._veil.look()


def filtered(name: str, given: Sequence[Any]) -> Hidden | None:
    """What one of jinja's filters makes of a hidden text; None where it is given none."""
    hidden = next((value for value in given if isinstance(value, Hidden)), None)
    if hidden is None:
        return None
    if given[0] is hidden and name == "trim":
        return hidden.strip(*given[1:])
    return hidden if given[0] is hidden and name in ("default", "d", "string") else hidden._veil.look()
