"""Wix's blog: a table of posts, each as the JSON of Wix's editor, or as bare text where that is broken."""

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pete.data.sources.article import article, as_typed
from pete.data.sources.dates import iso_date
from pete.data.sources.files import SourceFile
from pete.data.sources.record import ImportOptions, Reader, Reason, Record
from pete.data.sources.tables import has_columns, rows_of

_TAGS = {
    "PARAGRAPH": "p", "BULLETED_LIST": "ul", "ORDERED_LIST": "ol", "LIST_ITEM": "li", "BLOCKQUOTE": "blockquote", "CODE_BLOCK": "pre",
    "TABLE": "table", "TABLE_ROW": "tr", "TABLE_CELL": "td",
}  # fmt: skip
_NO_WRITING = {
    "BUTTON",
    "IMAGE",
    "GALLERY",
    "VIDEO",
    "AUDIO",
    "GIF",
    "FILE",
    "EMBED",
    "LINK_PREVIEW",
    "POLL",
    "MAP",
    "HTML",
    "APP_EMBED",
    "CAPTION",
}


def _recognises(file: SourceFile) -> bool:
    return has_columns(file, (".csv", ".tsv", ".txt"), "Rich Content", "Plain Content", "Title")


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    single = len({name for row in rows_of(file) if (name := row.text("Author").strip())}) <= 1
    for row in rows_of(file):
        number = row.text("ID") or row.text("Internal ID") or row.text("Slug")
        author, published = row.text("Author").strip(), iso_date(row.text("Published Date"))
        known = Record(
            text="", where=row.place, id=number, own=True if single else None, author=(author,) if author else (), thread=number,
            title=row.text("Title").strip(), date=published or iso_date(row.text("Last Published Date")), channel="blog post",
            dropped=row.unusable("Rich Content", "Plain Content") or (None if published else Reason.UNPUBLISHED),
        )  # fmt: skip
        plain = row.text("Plain Content")
        if known.dropped is Reason.DAMAGED:
            yield replace(known, text=plain)
            continue
        yield from article(_markup(row.text("Rich Content")) or as_typed(plain), known)


def _markup(content: str) -> str:
    """The post as HTML; nothing where the content is not what Wix's editor writes."""
    try:
        return "".join(map(_node, json.loads(content)["nodes"]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""


def _node(node: Mapping[str, Any]) -> str:
    kind = node.get("type") or ""
    if kind == "TEXT":
        return html.escape(node["textData"]["text"]).replace("\n", "<br>")
    if kind in _NO_WRITING:
        return ""
    inner = "".join(map(_node, node.get("nodes") or ()))
    if kind == "HEADING":
        tag = f"h{int((node.get('headingData') or {}).get('level') or 2)}"
        return f"<{tag}>{inner}</{tag}>"
    tag = _TAGS.get(kind, "div")
    return f"<{tag}>{inner}</{tag}>"


READER = Reader("wix", "Wix blog", _recognises, _read)
