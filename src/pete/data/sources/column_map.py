"""Every other table: the person says what its columns mean (`--map`); without that, an error with the columns and a ready command."""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache

from pete.data.examples import Message
from pete.data.foreign_formats import MEANINGS
from pete.data.sources.chat import Said, turns
from pete.data.sources.dates import moment_of
from pete.data.sources.files import SourceFile
from pete.data.sources.html_text import html_text
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable
from pete.data.sources.row_record import unusable
from pete.data.sources.tables import Peek, Row, folded, peek, rows_of

_ENDINGS = (".csv", ".tsv", ".tab")
_MISSING = frozenset(("NULL", "\\N", "<NA>", "N/A", "NaN", "1.#QNAN"))
"""What programs write into a cell that holds nothing."""
_PUBLIC = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "public", "public reply", "public comment", "external", "reply", "comment"), True),
    **dict.fromkeys(
        ("false", "no", "n", "f", "0", "private", "internal", "internal note", "internal comment", "private note", "note"), False
    ),
}
_MARKUP = re.compile(r"</(?:p|div|span|a|li|ul|ol|strong|em|b|i|table|td|body|html|blockquote)>|<br\s*/?>", re.IGNORECASE)
_GUESSES: Mapping[str, str] = {
    "reply": (
        r"(agent|our|final|sent|human|support|staff)?(reply|response|answer|completion|output|reaction)(text|body|sent|final)?"
        r"|sent(text|message)?|final(text)?|chosen|target|assistant|post(text)?|commentary"
    ),
    "incoming": (
        r"(customer|user|client|incoming|original|received)?"
        r"(message|question|query|inquiry|enquiry|request|prompt|instruction|complaint|review)(text|body)?|incoming|input|user|human|description"
    ),
    "draft": (
        r"(ai|bot|machine|model|suggested|generated)(suggestion|draft|reply|response|answer|text)?(text)?|suggestion|draft|suggested"
    ),
    "author": r"author(name|email|id)?|agent(name|email|id)?|from|sender(name|email)?|username|writtenby|assignee|responder|owner",
    "date": r"date|created(at|on)?|timestamp|time|(sent|replied|published|updated)(at|on)|published|datetime|day",
    "public": r"(is)?public|visibility|(comment|message)type",
    "thread": r"(ticket|thread|conversation|case|issue|chat|session)(id|number|no|key)?",
    "title": r"title|subject|headline|topic",
    "category": r"category|queue|department|kind|tag|label",
    "id": r"(comment|message|reply|row|post)?id|uuid|guid",
}
"""Names of columns, as `folded` makes them."""
_BODY = re.compile(r"(body|text|content|message|comment|plainbody|note)(text|plain|html)?")


def is_table(file: SourceFile) -> bool:
    """Whether a file is a table and not only a text with commas, or the settings of a program."""
    found = peek(file)
    if found is None or not found.columns:
        return False
    if found.kind == "csv":
        return file.suffix in _ENDINGS
    return found.kind == "parquet" or file.suffix in (".jsonl", ".ndjson") or len(found.rows) > 1 or file.head.lstrip()[:1] == b"["


def mapped(file: SourceFile, options: ImportOptions) -> bool:
    """Whether the columns that a person named are to be looked for in a file: whatever else it might be read as."""
    if not options.columns:
        return False
    found = peek(file)
    return is_table(file) or (found is not None and all(_has(found, column) for column in options.columns.values()))


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    found = peek(file)
    if found is None:
        raise Unreadable(f"{file.label} holds no rows")
    if not options.columns:
        raise Unreadable(_refusal(file, found))
    if lost := [f"{meaning}={column}" for meaning, column in options.columns.items() if not _has(found, column)]:
        raise Unreadable(f"{file.label} has no column for {', '.join(lost)}; it has: {', '.join(found.columns)}")
    if "reply" not in options.columns:
        raise Unreadable(f"--map says nothing of reply, the column that is learned from; {file.label} has: {', '.join(found.columns)}")
    records = (_record(file, row, options) for row in rows_of(file))
    if "incoming" in options.columns or not {"thread", "author"} <= options.columns.keys():
        yield from records
    else:
        yield from _threads(records)


def _record(file: SourceFile, row: Row, options: ImportOptions) -> Record:
    cells = {meaning: _cell(row, column) for meaning, column in options.columns.items()}
    reply = cells.get("reply", "")
    if reason := row.unusable(*_columns(options.columns["reply"])):
        return unusable(row, reason)
    public = cells.get("public", "").strip().lower()
    if public and public not in _PUBLIC:
        raise Unreadable(f"{row.where}: public is {public!r}; expected true or false, yes or no, public or internal")
    asked = cells.get("incoming", "")
    return Record(
        text=reply, where=row.where, id=cells.get("id", ""), author=(cells["author"],) if cells.get("author") else (),
        date=moment_of(row.get(options.columns["date"]), options.day_first) if "date" in options.columns else None,
        thread=cells.get("thread", ""), before=(Message("user", asked),) if asked.strip() else (), title=cells.get("title", ""),
        category=cells.get("category", ""), draft=cells.get("draft", ""), channel="reply" if asked.strip() else "",
        dropped=Reason.INTERNAL if public and not _PUBLIC[public] else None if reply.strip() else Reason.EMPTY,
    )  # fmt: skip


def _threads(records: Iterator[Record]) -> Iterator[Record]:
    """A table with a message a row: the others' messages of a thread are what a message answers."""
    threads: dict[str, list[Record]] = {}
    for record in records:
        if record.dropped or not record.thread:
            yield record
        else:
            threads.setdefault(record.thread, []).append(record)
    for thread, found in threads.items():
        dates = [record.date for record in found]
        if all(dates):
            found.sort(key=lambda record: record.date)  # type: ignore[arg-type, return-value]
        by_place = {record.where: record for record in found}
        said = (Said(text=r.text, where=r.where, author=r.author, date=r.date, id=r.id) for r in found)
        for record in turns(said, chat=thread, channel="reply", window=None, silence=None):
            first = by_place[record.where]
            yield replace(record, title=first.title, category=first.category, draft=first.draft if record.text == first.text else "")


@lru_cache(maxsize=64)  # asked for with every cell
def _columns(spec: str) -> tuple[str, ...]:
    """The columns of "subject+body"."""
    return tuple(part.strip() for part in spec.split("+"))


def _has(found: Peek, spec: str) -> bool:
    return all(map(found.has, _columns(spec)))


def _cell(row: Row, spec: str) -> str:
    texts = [row.text(column) for column in _columns(spec)]
    said = "\n\n".join([text for text in texts if (bare := text.strip()) and bare not in _MISSING])
    return html_text(said) if "<" in said and _MARKUP.search(said) else said


def _refusal(file: SourceFile, found: Peek) -> str:
    guess = guessed(found)
    path = shlex.quote(str(file.source.path))
    columns = ", ".join(found.columns[:40]) + (f" and {len(found.columns) - 40} more" if len(found.columns) > 40 else "")
    if "reply" not in guess:
        return f"{file.label} is a table that nobody knows; its columns: {columns}. Say which is learned from: --map reply=COLUMN"
    said = ",".join(f"{meaning}={column}" for meaning, column in guess.items())
    return (
        f"{file.label} is a table that nobody knows; its columns: {columns}. "
        f"Say what they mean; a guess: pete data import {path} --map {shlex.quote(said)}"
    )


def guessed(found: Peek) -> dict[str, str]:
    """What columns may mean by their names, and, where no name says which holds the text, by the length of what stands there."""
    guess: dict[str, str] = {}
    left = list(found.columns)
    for meaning, pattern in _GUESSES.items():
        named = [column for column in left if re.fullmatch(pattern, folded(column))]
        if column := max(named, key=lambda name: _length(found, name) if meaning in ("reply", "incoming", "draft") else 0, default=""):
            guess[meaning] = column
            left.remove(column)
    texts = sorted((column for column in left if _length(found, column) >= 20), key=lambda column: -_length(found, column))
    if "reply" not in guess and (body := next((c for c in left if _BODY.fullmatch(folded(c))), texts[0] if texts else "")):
        guess["reply"] = body
    if "incoming" in guess and (more := next((column for column in left if folded(column) in ("input", "context")), "")):
        guess["incoming"] += f"+{more}"
    return {meaning: guess[meaning] for meaning in MEANINGS if meaning in guess}


def _length(found: Peek, column: str) -> float:
    texts = [text for row in found.rows if (text := row.text(column))]
    return sum(map(len, texts)) / len(texts) if texts else 0.0


READER = Reader("table", "table with mapped columns", is_table, _read)
