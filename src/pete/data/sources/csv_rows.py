"""CSV and its kin: records with the line they begin on, streaming; wrong quotes are recovered where only one reading is left, or said."""

import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

DELIMITERS = "\t;,|"
WINDOW = 64 << 20
"""Characters after which a quote that was opened counts as never closed; a cell of HTML is a million at most."""
_SMALL_WINDOW = 1 << 20
"""The same in a file that has shown such a quote: it is looked for from every one of them."""
_BACKSLASHED = re.compile(r'\\"(?![",;\t|\r\n]|$)')
"""A quote that only a backslash can account for: it neither closes a cell nor is it doubled."""
_SEPARATOR = re.compile(r"sep=(.)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fields:
    """One record of a file."""

    line: int
    cells: list[str]
    problem: str = ""
    """Why the cells cannot be trusted; empty where they can."""
    short: bool = False
    """Nothing is wrong but that cells are missing at its end."""


@dataclass(frozen=True)
class Dialect:
    """How a file separates and quotes its cells."""

    delimiter: str
    backslash: bool = False
    """A quote inside a cell is written \\" (and not, or not only, doubled)."""


def dialect_of(head: str) -> Dialect:
    """The dialect of a text by its beginning: the delimiter by which most records are as wide as the first."""
    backslash = bool(_BACKSLASHED.search(head))
    lines = head.splitlines(keepends=True)
    if lines and (said := _SEPARATOR.match(lines[0].strip("\r\n"))):
        return Dialect(said[1], backslash)

    def fit(delimiter: str) -> tuple[float, int]:
        found = [len(fields.cells) for fields in islice(records(iter(lines), Dialect(delimiter, backslash)), 30)]
        width, whole = (found[0] if found else 0), found[:-1] or found  # the last one may be cut off
        return (sum(n == width for n in whole) / len(whole) if width > 1 else 0.0, width)

    best = max(DELIMITERS, key=fit)
    return Dialect(best if fit(best)[1] > 1 else ",", backslash)


def records(lines: Iterator[str], dialect: Dialect) -> Iterator[Fields]:
    """Every record, the first one (the header) included; lines without anything are passed over.

    A record with wrong quotes is read again by the rule that a quote closes a cell only where a delimiter or the line's end follows.
    Where that makes it as wide as the header, it stands; a quote that is never closed costs its own line and no other.
    """
    csv.field_size_limit(sys.maxsize)  # 131,072 characters are fewer than a page of HTML has
    source = _Lines(lines)
    reader = csv.reader(source, delimiter=dialect.delimiter, strict=True)
    width = 0
    if source.more() and not _SEPARATOR.match(source.taken[0].strip()):
        source.keep(0)
    while True:
        source.begin()
        cells = None
        try:
            if not dialect.backslash:
                cells = next(reader)
            elif (line := next(source, None)) is None:
                return
            elif '"' not in line:
                cells = line.removesuffix("\n").split(dialect.delimiter)
        except StopIteration:
            return
        except (csv.Error, _TooLong):
            pass
        line = source.first
        if cells is not None and len(cells) < 2 and not any(cells):
            continue
        if cells is not None and len(cells := _trimmed(cells, width)) == (width or len(cells)):
            fields = Fields(line, cells)
        else:
            fields = _recovered(source, dialect, width, cells)
        width = width or len(fields.cells)
        yield fields


class _TooLong(Exception):
    """A record has more characters than any has whose quotes are right."""


class _Lines:
    """Lines, numbered, with those of the record at hand kept; some can be put back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines, self._back = lines, []
        self._number = 0
        self.window = WINDOW
        self.taken: list[str] = []
        self._size = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self._size > self.window:
            raise _TooLong
        line = self._back.pop() if self._back else next(self._lines)
        self._number += 1
        self.taken.append(line)
        self._size += len(line)
        return line

    def more(self) -> bool:
        """Take another line, where there is one and the record is not too long already."""
        try:
            next(self)
        except (StopIteration, _TooLong):
            return False
        return True

    @property
    def first(self) -> int:
        """The number of the record's first line."""
        return self._number - len(self.taken) + 1

    def begin(self) -> None:
        """The next line begins a record."""
        self.taken, self._size = [], 0

    def keep(self, count: int) -> None:
        """Only so many lines belong to the record; the others are read again."""
        self._back += reversed(self.taken[count:])
        self._number -= len(self.taken) - count
        del self.taken[count:]


def _trimmed(cells: list[str], width: int) -> list[str]:
    """Without the empty cells that spreadsheets leave at the end of a line."""
    if len(cells) > width > 0 and not any(cells[width:]):
        return cells[:width]
    return cells


def _recovered(source: _Lines, dialect: Dialect, width: int, strict: list[str] | None) -> Fields:
    """The record at hand by the looser rule, or what is wrong with it."""
    line, taken = source.first, len(source.taken)
    cells, loose, closed = _loosely(source, dialect)
    cells = _trimmed(cells, width)
    # a cell with a wrong quote that goes on below: or is the line below a record of its own, which an open quote has swallowed?
    swallowed = len(source.taken) > 1 and (loose or strict is None) and _stands(source.taken[1], dialect, width)
    if closed and len(cells) == (width or len(cells)) and not (loose and swallowed):
        return Fields(line, cells)
    if swallowed or not closed:
        if not closed:
            source.window = _SMALL_WINDOW
        source.keep(1)
        return Fields(line, source.taken[0].removesuffix("\n").split(dialect.delimiter), "a quote that is never closed")
    if quoted := strict is not None:  # the quotes are right, the number of cells is not
        source.keep(taken)
        cells = _trimmed(strict, width)
    count = f"{len(cells)} cell{'s' if len(cells) != 1 else ''}"
    return Fields(line, cells, f"{count} where the header has {width}", short=quoted and len(cells) < width)


def _stands(line: str, dialect: Dialect, width: int) -> bool:
    """Whether a line is a whole record by itself."""
    try:
        (cells,) = csv.reader([line], delimiter=dialect.delimiter, strict=True)
    except (csv.Error, ValueError):
        return False
    return len(_trimmed(cells, width)) == width > 1 and line.count('"') % 2 == 0


def _loosely(source: _Lines, dialect: Dialect) -> tuple[list[str], bool, bool]:
    """Cells of the record at hand, whether a quote stood where none belongs, and whether every quoted cell was closed.

    Lines that the record needs are taken, lines that it does not need are put back.
    """
    delimiter = dialect.delimiter
    backslash = dialect.backslash or bool(_BACKSLASHED.search("".join(source.taken)))
    closing = re.compile(rf" *(?=[{re.escape(delimiter)}\n]|$)")
    text, used = source.taken[0], 1
    cells: list[str] = []
    loose, at = False, 0
    while True:
        start = at + len(text[at:]) - len(text[at:].lstrip(" "))
        if text[start : start + 1] != '"':
            end = min(i for i in (text.find(delimiter, at), text.find("\n", at), len(text)) if i >= 0)
            cells.append(text[at:end])
        else:
            parts: list[str] = []
            begin = seek = start + 1
            odd = False  # a quote stood here that nothing explains: then "" before a delimiter is such a quote and the closing one
            while True:
                quote = text.find('"', seek)
                if quote < 0:
                    if used == len(source.taken) and not source.more():
                        return [*cells, "".join(parts) + text[begin:]], loose, False
                    seek = len(text)
                    text += source.taken[used]
                    used += 1
                elif backslash and _escaped(text, quote, begin):
                    parts.append(text[begin : quote - 1] + '"')
                    begin = seek = quote + 1
                elif text.startswith('""', quote) and not (odd and closing.match(text, quote + 2)):
                    parts.append(text[begin : quote + 1])
                    begin = seek = quote + 2
                elif ends := closing.match(text, quote + 1):
                    cells.append("".join(parts) + text[begin:quote])
                    loose |= odd
                    end = ends.end()
                    break
                else:
                    odd, seek = True, quote + 1
        if end >= len(text) or text[end] == "\n":
            source.keep(used)
            return cells, loose, True
        at = end + 1


def _escaped(text: str, quote: int, begin: int) -> bool:
    """Whether an odd number of backslashes stands before a quote."""
    at = quote
    while at > begin and text[at - 1] == "\\":
        at -= 1
    return (quote - at) % 2 == 1


def distinct(header: Sequence[str]) -> list[str]:
    """Names of columns, each once; one that stands again gets its number, one without a name its place."""
    seen: Counter[str] = Counter()
    names = []
    for place, name in enumerate(header, 1):
        name = " ".join(name.replace("\ufeff", "").split()) or f"column {place}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return names
