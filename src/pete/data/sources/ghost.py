"""Ghost's export: one JSON with every post, as HTML, and where that is missing as its editor keeps it (Lexical, Mobiledoc)."""

import html
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pete.data.sources.article import article, as_typed
from pete.data.sources.dates import iso_date
from pete.data.sources.decode import beginning
from pete.data.sources.files import SourceFile
from pete.data.sources.json_file import dicts, json_of
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

_BEGINS = re.compile(r'\s*\{\s*(?:"db"\s*:\s*\[\s*\{\s*"(?:meta|data)"|"meta"\s*:\s*\{[^{}]*"exported_on"|"data"\s*:\s*\{\s*"posts")')
_DROP = (
    ".kg-bookmark-card", ".kg-button-card", ".kg-signup-card", ".kg-file-card", ".kg-audio-card", ".kg-video-card", ".kg-embed-card",
    ".kg-product-card", ".kg-cta-card", ".kg-gallery-card", ".kg-image-card",
)  # fmt: skip
_THEIRS = (".twitter-tweet", ".instagram-media")
_TAGS = {
    "paragraph": "p", "quote": "blockquote", "extended-quote": "blockquote", "aside": "blockquote", "listitem": "li", "callout": "div",
    "codeblock": "pre", "toggle": "div",
}  # fmt: skip


def _recognises(file: SourceFile) -> bool:
    return _BEGINS.match(beginning(file)) is not None


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    exported = json_of(file)
    for part in dicts(exported.get("db")) or [exported]:
        data = part.get("data")
        if isinstance(data, dict):
            yield from _posts(data, file.label)


def _posts(data: Mapping[str, Any], label: str) -> Iterator[Record]:
    names = {
        str(user.get("id")): tuple(dict.fromkeys(str(user[key]) for key in ("name", "email", "slug") if user.get(key)))
        for user in dicts(data.get("users"))
    }
    wrote: dict[str, list[str]] = defaultdict(list)
    for pair in sorted(dicts(data.get("posts_authors")), key=lambda pair: str(pair.get("sort_order", 0)).zfill(6)):
        wrote[str(pair.get("post_id"))].append(str(pair.get("author_id")))
    posts = data.get("posts")
    if not isinstance(posts, list):
        raise Unreadable(f"{label} has no posts: export the content, not the members or the theme")
    authors = {author for post in dicts(posts) for author in _authors(post, wrote)} or set(names)
    for number, post in enumerate(posts, 1):
        where = f"{label}: post {number}"
        if not isinstance(post, dict):
            yield Record(text=json.dumps(post)[:200], where=where, dropped=Reason.DAMAGED)
            continue
        mine = _authors(post, wrote)
        status = str(post.get("status", "published"))
        reason = None if status in ("published", "sent", "scheduled") else Reason.UNPUBLISHED
        if len(mine) > 1:
            reason = reason or Reason.OTHER_AUTHOR
        identity = str(post.get("uuid") or post.get("id") or post.get("slug") or "")
        page = post.get("type") == "page" or post.get("page") in (1, True)
        yield from article(
            _markup(post),
            Record(
                text="", where=where, id=identity, author=tuple(name for author in mine for name in names.get(author, ())), thread=identity,
                own=True if len(authors) == 1 else None, title=str(post.get("title") or "").strip(),
                date=iso_date(post.get("published_at")) or iso_date(post.get("created_at")),
                channel="web page" if page else "newsletter" if status == "sent" else "blog post", dropped=reason,
            ),
            _DROP, _THEIRS,
        )  # fmt: skip


def _authors(post: Mapping[str, Any], wrote: Mapping[str, list[str]]) -> list[str]:
    one = post.get("author_id")
    return wrote.get(str(post.get("id")), []) or ([str(one)] if one else [])


def _markup(post: Mapping[str, Any]) -> str:
    """A post as HTML, from whichever field has it."""
    if isinstance(post.get("html"), str) and post["html"].strip():
        return post["html"]
    for name, made in (("lexical", _lexical), ("mobiledoc", _mobiledoc)):
        try:
            content = json.loads(post.get(name) or "null")
            if content and (markup := made(content)):
                return markup
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
            continue  # the next field has the text too
    return as_typed(post.get("plaintext") or post.get("markdown") or "")


def _lexical(content: Mapping[str, Any]) -> str:
    return "".join(map(_node, content["root"]["children"]))


def _node(node: Mapping[str, Any]) -> str:
    kind = node.get("type", "")
    inner = "".join(map(_node, node.get("children") or ()))
    if kind in ("text", "extended-text"):
        return html.escape(node.get("text") or "")
    if kind == "linebreak":
        return "<br>"
    if kind in ("heading", "extended-heading", "list"):
        tag = node.get("tag") or "ul"
        return f"<{tag}>{inner}</{tag}>"
    if kind == "html":
        return node.get("html") or ""
    if kind == "markdown":
        return as_typed(node.get("markdown") or "")
    if kind == "codeblock":
        return f"<pre>{html.escape(node.get('code') or '')}</pre>"
    if kind == "callout":
        return f"<div>{node.get('calloutEmoji') or ''} {node.get('calloutText') or ''}</div>"
    if kind == "toggle":
        return f"<h4>{node.get('heading') or ''}</h4>{node.get('content') or ''}"
    tag = _TAGS.get(kind, "")
    return f"<{tag}>{inner}</{tag}>" if tag else inner


def _mobiledoc(content: Mapping[str, Any]) -> str:
    pieces = []
    for kind, *rest in content["sections"]:
        if kind == 1:
            tag, markers = rest[:2]
            pieces.append(f"<{tag}>{_markers(markers, content)}</{tag}>")
        elif kind == 3:
            tag, items = rest[:2]
            pieces.append(f"<{tag}>" + "".join(f"<li>{_markers(item, content)}</li>" for item in items) + f"</{tag}>")
        elif kind == 10:
            name, card = content["cards"][rest[0]]
            if name in ("markdown", "card-markdown"):
                pieces.append(as_typed(card.get("markdown") or ""))
            elif name == "html":
                pieces.append(card.get("html") or "")
            elif name == "code":
                pieces.append(f"<pre>{html.escape(card.get('code') or '')}</pre>")
    return "".join(pieces)


def _markers(markers: list[list[Any]], content: Mapping[str, Any]) -> str:
    """The words of a section; what is bold or linked is no matter. Atoms are line breaks, or words too."""
    said = []
    for kind, _, _, value in markers:
        if kind == 0:
            said.append(html.escape(value))
        else:
            name, text, *_ = content["atoms"][value]
            said.append("<br>" if name == "soft-return" else html.escape(text))
    return "".join(said)


READER = Reader("ghost", "Ghost export", _recognises, _read)
