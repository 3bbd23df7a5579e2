"""Zendesk: tickets with their comments, one JSON object a line. Public comments of agents are learned from."""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from pete.data.sources.chat import Said
from pete.data.sources.dates import moment_of
from pete.data.sources.files import SourceFile
from pete.data.sources.html_text import html_text
from pete.data.sources.record import ImportOptions, Reader, Reason, Record
from pete.data.sources.row_record import unusable
from pete.data.sources.tables import Row, as_text, peek, rows_of
from pete.data.sources.tickets import ticket

_BODIES = ("plain_body", "html_body", "body")
_MACHINES = ("rule", "system", "automation", "trigger", "sla", "answer_bot", "ai_agent", "answer_bot_for_agents")
"""`via.channel` of what nobody wrote by hand."""


def _is_ticket(row: Row) -> bool:
    comments = row.get("comments")
    return isinstance(comments, list) and any(
        isinstance(comment, Mapping) and "author_id" in comment and any(body in comment for body in _BODIES) for comment in comments
    )


def _recognises(file: SourceFile) -> bool:
    found = peek(file)
    return found is not None and found.kind == "json" and any(map(_is_ticket, found.rows))


def _is_users(file: SourceFile) -> bool:
    found = peek(file)
    return found is not None and found.kind == "json" and found.has("id", "role", "email")


@lru_cache(maxsize=2)
def _users(file: SourceFile | None) -> dict[str, Mapping[str, Any]]:
    return {row.text("id"): row.cells for row in rows_of(file)} if file else {}


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    beside = [other for other in file.source.below(file.folder) if other is not file and other.size and "user" in other.basename.lower()]
    users = _users(next(filter(_is_users, beside), None))
    for row in rows_of(file):
        if row.problem or not isinstance(row.get("comments"), list):
            yield unusable(row, Reason.DAMAGED if row.problem else Reason.EMPTY)
            continue
        number = row.text("id") or row.where
        yield from ticket(_comments(row, number, users), name=f"ticket {number}", title=row.text("subject", "raw_subject"))


def _comments(row: Row, number: str, users: Mapping[str, Mapping[str, Any]]) -> Iterator[Said]:
    known = dict(users)
    for person in ("requester", "submitter", "assignee"):
        value = row.get(person)
        if isinstance(value, Mapping) and "id" in value:
            known.setdefault(as_text(value["id"]), value)
    comments = [comment for comment in row.get("comments") if isinstance(comment, Mapping)]
    customer = row.text("requester_id") or _inside(row.get("requester"), "id")
    customer = customer or next((as_text(c.get("author_id")) for c in comments if c.get("public") is not False), "")
    for place, comment in enumerate(comments, 1):
        who = as_text(comment.get("author_id"))
        author = known.get(who) or comment.get("author") or {}
        role = as_text(author.get("role")) if isinstance(author, Mapping) else ""
        asks = role == "end-user" or (not role and who == customer)
        names = (as_text(author.get("name")), as_text(author.get("email"))) if isinstance(author, Mapping) else ()
        yield Said(
            text=_text(comment), where=f"{row.where}, ticket {number}, comment {place}",
            author=tuple(name for name in (*names, who) if name) or ("customer" if asks else "agent",),
            date=moment_of(comment.get("created_at")), id=as_text(comment.get("id")), own=False if asks else None,
            dropped=_dropped(comment, who),
        )  # fmt: skip


def _dropped(comment: Mapping[str, Any], who: str) -> Reason | None:
    if comment.get("public") is False:
        return Reason.INTERNAL
    if as_text(comment.get("type")) not in ("", "Comment") or who == "-1" or _inside(comment.get("via"), "channel") in _MACHINES:
        return Reason.AUTOMATIC
    return None


def _text(comment: Mapping[str, Any]) -> str:
    if page := as_text(comment.get("html_body")):
        return html_text(page)
    return (as_text(comment.get("plain_body")) or as_text(comment.get("body"))).replace("&nbsp;", "\xa0")


def _inside(value: object, key: str) -> str:
    return as_text(value.get(key)) if isinstance(value, Mapping) else ""


READER = Reader("zendesk", "Zendesk tickets", _recognises, _read, _is_users)
