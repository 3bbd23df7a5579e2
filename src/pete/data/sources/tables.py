"""Tables: rows of CSV, TSV, JSON, JSON Lines and Parquet alike, streaming, each knowing where it stands."""

import codecs
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

from pete.data.sources.csv_rows import dialect_of, distinct, records
from pete.data.sources.decode import encoding_of
from pete.data.sources.files import DAMAGED, HEAD, SourceFile
from pete.data.sources.json_rows import values
from pete.data.sources.record import Reason, Unreadable

Kind = Literal["csv", "json", "parquet"]
SAMPLE = 20
"""Rows of a file by which a reader recognises it."""
_PEEK = 8 << 20
"""Bytes of a JSON file that are read for them at most."""
_BATCH = 10_000
_CONTROL = re.compile(rb"[\x01-\x08\x0e-\x1f\x7f]")
_OBJECTS = re.compile(r'\[\s*[{\]]|\{\s*["}]')


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its cells by name, whatever the capitals, blanks and signs of the names are."""

    where: str
    """"Shares.csv:12", "rows.parquet: row 3"."""
    cells: Mapping[str, Any]
    """By names as `folded` makes them; text in CSV, anything in JSON and Parquet."""
    problem: str = ""
    """Why the cells cannot be trusted; the reader counts such a row as damaged."""
    short: bool = False
    """Nothing is wrong with it but that cells are missing at its end; they are empty."""

    def get(self, *names: str) -> Any:
        """The first of these columns that holds anything; None where none does."""
        for name in names:
            value = self.cells.get(folded(name))
            if value is not None and value != "" and value == value:  # NaN is what pandas has for none
                return value
        return None

    def text(self, *names: str) -> str:
        """The same as text; empty where none holds any. Numbers are their digits; lists and objects are no text."""
        return as_text(self.get(*names))

    def unusable(self, *names: str) -> Reason | None:
        """Why the row gives nothing to learn: its cells cannot be trusted, or none of these columns holds text; else None."""
        if self.problem and not self.short:
            return Reason.DAMAGED
        if any(self.text(name).strip() for name in names):
            return None
        return Reason.DAMAGED if self.short else Reason.EMPTY

    @property
    def place(self) -> str:
        """Where it stands, and what is wrong with it."""
        return f"{self.where} ({self.problem})" if self.problem else self.where


@dataclass(frozen=True)
class Peek:
    """The beginning of a table."""

    kind: Kind
    columns: tuple[str, ...]
    """Names as they are written: the header, or the keys of the first rows."""
    rows: tuple[Row, ...]

    @property
    def names(self) -> frozenset[str]:
        """The columns' names as `folded` makes them."""
        return frozenset(map(folded, self.columns))

    def has(self, *names: str) -> bool:
        """Whether all of these columns are there."""
        return all(folded(name) in self.names for name in names)


@lru_cache(maxsize=4096)
def folded(name: str) -> str:
    """A column's name as it is compared: without capitals, blanks and signs ("Share Commentary", "share_commentary")."""
    plain = "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())
    return plain or name.strip()


def as_text(value: object) -> str:
    """What a cell says: text as it is, numbers as their digits, nothing for what is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, float):
        return "" if value != value else str(int(value)) if value.is_integer() else str(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


@lru_cache(maxsize=16)
def peek(file: SourceFile) -> Peek | None:
    """The columns and the first rows of a table; None where the file is none. Asked by every reader, looked at once."""
    kind = _kind(file)
    if kind is None:
        return None
    parts: list[_Part] = []
    try:
        for part in islice(_parts(file, kind, most=_PEEK), SAMPLE):
            parts.append(part)
    except Unreadable:
        pass
    columns = tuple(dict.fromkeys(name for names, _ in parts for name in names))
    return Peek(kind, columns, tuple(row for _, row in parts if row is not None)) if columns else None


def has_columns(file: SourceFile, endings: Collection[str], *names: str) -> bool:
    """Whether a file of such an ending is a table that has all of these columns."""
    found = peek(file) if file.suffix in endings else None
    return found is not None and found.has(*names)


def rows_of(file: SourceFile) -> Iterator[Row]:
    """Every row of a table, those that are damaged too (`problem`).

    Raises:
        Unreadable: the file breaks off, or is no table.
    """
    kind = _kind(file)
    if kind is None:
        _head_text(file)
        raise Unreadable(f"{file.label} is no table: neither CSV, JSON nor Parquet")
    for _, row in _parts(file, kind):
        if row is not None:
            yield row


_Part = tuple[Iterable[str], Row | None]
"""Names of columns as they are written, and the row that has them; None is the header of a CSV file itself."""


def _part(where: str, cells: Mapping[str, Any], problem: str = "", short: bool = False) -> _Part:
    return cells.keys(), Row(where, {folded(name): value for name, value in cells.items()}, problem, short)


def _kind(file: SourceFile) -> Kind | None:
    if file.head.startswith(b"PAR1"):
        return "parquet"
    try:
        text = _head_text(file).lstrip("\ufeff \t\r\n")
    except Unreadable:
        return None
    # one line that is no object may stand before the objects
    if _OBJECTS.match(text) or text.partition("\n")[2].startswith('{"'):
        return "json"
    return "csv" if text and text[0] != "<" else None


def _codec(file: SourceFile) -> str:
    """The encoding of a text; a NUL here and there, or a tail of them, in one that is UTF-8 otherwise costs a row and not the file."""
    head = file.head.rstrip(b"\0")
    bare = head.replace(b"\0", b"")
    if len(bare) < len(file.head) and len(bare) > 0.75 * len(head) and not _CONTROL.search(bare):
        try:
            codecs.getincrementaldecoder("utf-8")().decode(bare, file.size <= HEAD)
            return "utf-8"
        except UnicodeDecodeError:
            pass
    return encoding_of(file.head, file.label, whole=file.size <= HEAD)


def _head_text(file: SourceFile) -> str:
    return file.head.decode(_codec(file), "replace")


def _parts(file: SourceFile, kind: Kind, most: int | None = None) -> Iterator[_Part]:
    try:
        if kind == "parquet":
            yield from _parquet(file)
            return
        with io.TextIOWrapper(file.open(), encoding=_codec(file), errors="replace", newline=None) as stream:
            lines = iter(stream) if most is None else _first(stream, most)
            yield from _csv(file, lines) if kind == "csv" else _json(file, lines)
    except DAMAGED as error:
        raise Unreadable(f"{file.label} breaks off: {error}") from None


def _first(stream: io.TextIOWrapper, most: int) -> Iterator[str]:
    while most > 0 and (line := stream.readline(most)):
        most -= len(line)
        yield line


def _csv(file: SourceFile, lines: Iterator[str]) -> Iterator[_Part]:
    found = records(lines, dialect_of(_head_text(file)))
    if (header := next(found, None)) is None:
        return
    names = distinct(header.cells)
    yield names, None
    empty = [""] * len(names)
    for fields in found:
        cells = fields.cells
        problem = fields.problem or ("a NUL byte" if any("\0" in cell for cell in cells) else "")
        yield _part(f"{file.label}:{fields.line}", dict(zip(names, cells + empty, strict=False)), problem, fields.short)


def _json(file: SourceFile, lines: Iterator[str]) -> Iterator[_Part]:
    try:
        for value in values(lines):
            where = f"{file.label}: {value.path}" if value.path else f"{file.label}:{value.line}"
            yield _part(where, value.value if isinstance(value.value, dict) else {}, value.problem)
    except Unreadable as error:
        raise Unreadable(f"{file.label}, {error}") from None


def _parquet(file: SourceFile) -> Iterator[_Part]:
    import polars

    data = file.read()
    number = 0
    try:
        for frame in polars.scan_parquet(io.BytesIO(data)).collect_batches(chunk_size=_BATCH, maintain_order=True):
            for cells in frame.iter_rows(named=True):
                number += 1
                yield _part(f"{file.label}: row {number}", cells)
    except polars.exceptions.PolarsError as error:
        raise Unreadable(f"{file.label} cannot be read as Parquet after row {number:,}: {str(error).splitlines()[0]}") from None
