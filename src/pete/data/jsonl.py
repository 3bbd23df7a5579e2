"""Reading JSONL: objects with the line each begins on, or one sentence on what the file is instead."""

import codecs
import json
import re
from pathlib import Path
from typing import Any

LONGEST = 4_000_000
"""Characters of a row; a prompt and an answer are thousands."""

# the longer mark first: UTF-32 begins like UTF-16
_ENCODINGS = (
    (codecs.BOM_UTF32_LE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
    (b"", "utf-8-sig", "UTF-8"),
)
_OTHERS = {
    b"\x1f\x8b": "a gzip archive: unpack it first (gunzip)",
    b"PK\x03\x04": "a zip archive or a workbook: unpack it, or export its rows as JSON Lines",
    b"BZh": "a bzip2 archive: unpack it first (bunzip2)",
    b"\xfd7zXZ": "an xz archive: unpack it first (unxz)",
    b"\x28\xb5\x2f\xfd": "a zstd archive: unpack it first (unzstd)",
    b"PAR1": "a Parquet table: pete data import FILE reads it",
    b"SQLite format 3": "a database: export its rows as JSON Lines",
    b"%PDF": "a PDF: rows are plain text",
    b"{\\rtf": "rich text: save it as plain text (TextEdit: Format > Make Plain Text)",
    b"<": "a web page or XML: rows are JSON objects",
}
_BETWEEN = re.compile(r"[\s,\ufeff]*")


class NotRows(Exception):
    """A file that holds no rows; the message says what it is."""


class Broken(str):
    """What is wrong with a line that is no JSON."""


def read_rows(path: Path) -> list[tuple[int, Any]]:
    """(line, value) of every row: one a line, or objects over several lines, bare or in one array.

    Lines without text are passed over; a line that is no JSON is there as `Broken`.

    Raises:
        NotRows: what the file is instead, in one sentence.
    """
    text = read_text(path).replace("\r\n", "\n").replace("\r", "\n")
    lines = [(number, line) for number, raw in enumerate(text.split("\n"), 1) if (line := raw.strip().lstrip("\ufeff"))]
    if not lines:
        raise NotRows("empty; expected one JSON object a line")
    longest = max(lines, key=lambda line: len(line[1]))
    if len(longest[1]) > LONGEST and longest[1][0] != "[":
        raise NotRows(f"line {longest[0]} has {len(longest[1]):,} characters; a row is one prompt and one answer, one a line")
    first = _parsed(lines[0][1])
    if isinstance(first, Broken | list) and (found := _document(text)):
        return found
    if isinstance(first, Broken) and not any(line[0] in "[{" for _, line in lines):
        raise NotRows(f"not JSON lines{_like_a_table(lines)}: the first line is {lines[0][1][:60]!r}; expected one JSON object a line")
    if lines[0][1] in ("[", "{") and len(lines) > 1:
        try:
            json.loads(text)
        except ValueError as error:
            what = "one JSON array" if lines[0][1] == "[" else "JSON objects"
            raise NotRows(f"{what} over many lines, and broken: {error}; expected one JSON object a line") from None
    return [(number, _parsed(line)) for number, line in lines]


def read_text(path: Path) -> str:
    """The characters of a file, whichever Unicode encoding it says it has; line ends as they are.

    Raises:
        NotRows: it is no text.
    """
    data = path.read_bytes()
    mark, codec, name = next(entry for entry in _ENCODINGS if data.startswith(entry[0]))
    for begin, words in _OTHERS.items():
        if data.lstrip().startswith(begin):
            raise NotRows(words)
    if not mark and b"\x00" in data:
        wide = len(data) > 3 and (data[1::2].count(0) > len(data) // 3 or data[::2].count(0) > len(data) // 3)
        line = data[: data.index(b"\x00")].count(b"\n") + 1
        raise NotRows("UTF-16 text without a byte order mark: save it as UTF-8" if wide else f"no text: there is a NUL byte in line {line}")
    try:
        return data.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        where = f"line {line}, byte {error.start}" if codec == "utf-8-sig" else f"byte {error.start}"
        raise NotRows(f"not {name} text ({where}): save it as UTF-8 (most editors: Save As, Encoding: UTF-8)") from None


def _parsed(line: str) -> Any:
    try:
        return DECODER.decode(line)
    except (ValueError, RecursionError) as error:  # also whole numbers of thousands of digits
        return Broken(error)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice in one object")
    return record


DECODER = json.JSONDecoder(object_pairs_hook=_once)


def _document(text: str) -> list[tuple[int, Any]]:
    """Objects one after the other whatever the lines, alone or as one array; empty where the text is something else."""
    text = text.rstrip()
    end = len(text)
    at = _BETWEEN.match(text).end()  # type: ignore[union-attr]
    if text[at : at + 1] == "[" and text[end - 1] == "]":
        at, end = at + 1, end - 1
    found: list[tuple[int, Any]] = []
    counted, line = 0, 1
    while (at := _BETWEEN.match(text, at, end).end()) < end:  # type: ignore[union-attr]
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return []
        if not isinstance(value, dict):
            return []
        found.append((line, value))
    return found


def _like_a_table(lines: list[tuple[int, str]]) -> str:
    for mark, name in (("\t", "tabs"), (";", "semicolons"), (",", "commas")):
        if lines[0][1].count(mark) and mark in lines[min(1, len(lines) - 1)][1]:
            return f" but a table with {name} (pete data import FILE reads it)"
    return ""
