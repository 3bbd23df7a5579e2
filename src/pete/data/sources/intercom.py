"""Intercom: conversations with their parts. What admins wrote to customers is learned from; notes, bots and AI agents are not."""

from collections.abc import Iterator, Mapping
from typing import Any

from pete.data.sources.chat import Said
from pete.data.sources.dates import moment_of
from pete.data.sources.files import SourceFile
from pete.data.sources.html_text import html_text
from pete.data.sources.record import ImportOptions, Reader, Reason, Record
from pete.data.sources.row_record import unusable
from pete.data.sources.tables import Row, as_text, peek, rows_of
from pete.data.sources.tickets import ticket

_SAID = ("comment", "quick_reply", "assignment", "close", "open", "snoozed", "conversation", "")
"""Types of parts whose body was written to the other side; an assignment or a closing may carry an answer."""


def _is_conversation(row: Row) -> bool:
    parts = row.get("conversation_parts")
    return isinstance(row.get("source"), Mapping) and (parts is None or isinstance(parts, Mapping | list))


def _recognises(file: SourceFile) -> bool:
    found = peek(file)
    return (
        found is not None and found.kind == "json" and found.has("source", "conversation_parts") and any(map(_is_conversation, found.rows))
    )


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    for row in rows_of(file):
        if row.problem or not _is_conversation(row):
            yield unusable(row, Reason.DAMAGED if row.problem else Reason.EMPTY)
            continue
        number = row.text("id") or row.where
        source = row.get("source")
        title = html_text(as_text(source.get("subject"))) or row.text("title")
        yield from ticket(_parts(row, source, number), name=f"conversation {number}", title=title)


def _parts(row: Row, source: Mapping[str, Any], number: str) -> Iterator[Said]:
    parts = row.get("conversation_parts")
    inside = parts.get("conversation_parts") if isinstance(parts, Mapping) else parts
    first = {**source, "created_at": source.get("created_at", row.get("created_at")), "part_type": "conversation"}
    for place, part in enumerate([first, *(inside if isinstance(inside, list) else ())]):
        if not isinstance(part, Mapping):
            continue
        author = part.get("author") if isinstance(part.get("author"), Mapping) else {}
        kind = as_text(author.get("type"))  # type: ignore[union-attr]
        names = [as_text(author.get(key)) for key in ("name", "email", "id")]  # type: ignore[union-attr]
        yield Said(
            text=html_text(as_text(part.get("body"))), where=f"{row.where}, conversation {number}, part {place}",
            author=tuple(filter(None, names)) or (kind or "somebody",), date=moment_of(part.get("created_at")),
            id=as_text(part.get("id")), own=None if kind in ("admin", "teammate") else False, dropped=_dropped(part, author or {}),
        )  # fmt: skip


def _dropped(part: Mapping[str, Any], author: Mapping[str, Any]) -> Reason | None:
    kind, who = as_text(part.get("part_type")), as_text(author.get("type"))
    if part.get("redacted") is True:
        return Reason.REMOVED
    if "note" in kind:
        return Reason.INTERNAL
    if who == "bot" or author.get("from_ai_agent") is True or author.get("is_ai_answer") is True:
        return Reason.MACHINE
    if not as_text(part.get("body")).strip() or kind not in _SAID:
        return Reason.SYSTEM
    return Reason.AUTOMATIC if as_text(part.get("delivered_as")) in ("automated", "campaigns_initiated", "operator_initiated") else None


READER = Reader("intercom", "Intercom conversations", _recognises, _read)
