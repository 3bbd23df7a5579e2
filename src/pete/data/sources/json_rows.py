"""JSON in every way rows are kept in: one object a line, one after the other, one array, or a list inside one object; streaming."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from pete.data.jsonl import DECODER
from pete.data.sources.record import Unreadable

_BETWEEN = re.compile(r"[\s,\ufeff]*")
_CHUNK = 1 << 20
_HEAD_LINES = 5
_LISTED = re.compile(
    r"data|dataset|rows|items|records|examples|samples|entries|results|train|test|valid(?:ation)?|conversations|tickets", re.IGNORECASE
)
"""Names of a list that holds the rows themselves."""
_HALF = re.compile(r"\\ud[89a-f]", re.IGNORECASE)
"""How half an emoji is written; the whole ones are two of them."""


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a file, and where it stands."""

    line: int
    value: Any
    problem: str = ""
    path: str = ""
    """Its place in a list inside an object: "data[3]"."""


def values(lines: Iterator[str]) -> Iterator[Value]:
    """Every object of a text; what is no object is there with its problem.

    Raises:
        Unreadable: a document breaks off, or is no JSON from some place on.
    """
    first = list(islice(lines, _HEAD_LINES))
    rest = _chained(first, lines)
    for value in _by_line(rest) if _one_a_line(first) else _document(rest):
        yield from _unwrapped(value)


def _chained(first: list[str], rest: Iterator[str]) -> Iterator[str]:
    yield from first
    yield from rest


def _one_a_line(first: list[str]) -> bool:
    """Whether each line is a value of its own, though the first may be no JSON."""
    written = [line.strip().lstrip("\ufeff") for line in first if line.strip()]
    if not written or written[0][0] == "[":
        return False
    if isinstance(_parsed(written[0]), dict):
        return "{" not in written[1:]  # which is how an object of several lines begins
    if written[0][0] == "{":
        try:
            DECODER.raw_decode("\n".join(written))
        except json.JSONDecodeError as error:
            ends = error.pos >= len("\n".join(written).rstrip()) or error.msg.startswith("Unterminated string")
            return not ends and any(line.startswith('{"') and isinstance(_parsed(line), dict) for line in written[1:])
        except (ValueError, RecursionError):
            return True
        return False
    return any(isinstance(_parsed(line), dict) for line in written[1:])


def _by_line(lines: Iterator[str]) -> Iterator[Value]:
    for number, line in enumerate(lines, 1):
        if text := line.strip().lstrip("\ufeff"):
            value = _parsed(text)
            if isinstance(value, dict):
                yield Value(number, value, _half(text, value))
            else:
                yield Value(number, None, f"no JSON: {value}" if isinstance(value, ValueError) else "no JSON object")


def _parsed(text: str) -> Any:
    try:
        return DECODER.decode(text)
    except RecursionError:
        return ValueError("objects within objects without end")
    except ValueError as error:  # also whole numbers of thousands of digits
        return error


def _half(text: str, value: object) -> str:
    """Whether a text holds half of an emoji, which no file can."""
    if _HALF.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return "a lone surrogate (half of an emoji) that no file can hold"
    return ""


def _document(lines: Iterator[str]) -> Iterator[Value]:
    """Values one after the other, whatever the lines; arrays are entered."""
    text = _Text(lines)
    depth = 0
    while True:
        mark = text.next()
        if mark == "[" and depth == 0:
            depth, text.at = 1, text.at + 1
        elif mark == "]" and depth:
            depth, text.at = 0, text.at + 1
        elif not mark:
            if depth:
                raise Unreadable(f"line {text.line}: the file ends within a list: it was cut off")
            return
        else:
            line = text.line
            value, written = text.value()
            yield Value(line, value, _half(written, value) if isinstance(value, dict) else "no JSON object")


class _Text:
    """Text that is read on as far as the next value needs."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._ended = lines, False
        self._text = ""
        self.at = self._counted = 0
        self.line = 1

    def next(self) -> str:
        """The first character of the next value, or nothing at the end."""
        while True:
            self.at = _BETWEEN.match(self._text, self.at).end()  # type: ignore[union-attr]
            self.line += self._text.count("\n", self._counted, self.at)
            self._counted = self.at
            if self.at < len(self._text) or not self._more(_CHUNK):
                return self._text[self.at : self.at + 1]

    def value(self) -> tuple[Any, str]:
        """The next value, and how it is written.

        Raises:
            Unreadable: it is none.
        """
        while True:
            try:
                value, end = DECODER.raw_decode(self._text, self.at)
                if end < len(self._text) or not self._more(_CHUNK):
                    written, self.at = self._text[self.at : end], end
                    return value, written
            except (ValueError, RecursionError) as error:
                # a value that is cut off looks broken at the end of what was read; it is asked again with twice as much
                if not self._more(max(_CHUNK, len(self._text) - self.at)):
                    what = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
                    begun = self.line + (self._text.count("\n", self.at, error.pos) if isinstance(error, json.JSONDecodeError) else 0)
                    raise Unreadable(f"line {begun}: no JSON: {what}; the object begins in line {self.line}") from None

    def _more(self, size: int) -> bool:
        if self._ended:
            return False
        self._text, got = self._text[self.at :], 0
        self._counted -= self.at
        self.at = 0
        parts = [self._text]
        while got < size and (line := next(self._lines, None)) is not None:
            parts.append(line)
            got += len(line)
        self._text = "".join(parts)
        self._ended = not got
        return bool(got)


def _unwrapped(value: Value) -> Iterator[Value]:
    """The objects of the one list of rows inside an object; the object itself where it has none."""
    record = value.value if isinstance(value.value, dict) and not value.problem else {}
    lists = [key for key, item in record.items() if _LISTED.fullmatch(key) and _rows(item)]
    if len(lists) != 1:
        yield value
        return
    for place, item in enumerate(record[lists[0]]):
        yield Value(value.line, item, "" if isinstance(item, dict) else "no JSON object", f"{lists[0]}[{place}]")


def _rows(items: object) -> bool:
    """Whether a value is a list of objects, and none of the turns of a conversation."""
    turn = ("role", "from", "speaker", "author", "value", "content")
    return isinstance(items, list) and bool(items) and isinstance(items[0], dict) and not any(key in items[0] for key in turn)
