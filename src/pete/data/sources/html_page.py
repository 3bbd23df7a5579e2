"""Web pages that were saved, or exported one by one: Notion's, Google Docs', Jekyll's posts in HTML."""

import codecs
import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pete.data.sources import front_matter
from pete.data.sources.article import article
from pete.data.sources.dates import iso_date
from pete.data.sources.decode import decode, encoding_of
from pete.data.sources.files import SourceFile
from pete.data.sources.html_text import breaks_off, select, text_of, tree_of
from pete.data.sources.markdown import named
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_LIQUID = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_WRITING = (".page-body", ".e-content", ".entry-content", ".post-content", "article", "main", "[role=main]", "[itemprop=articleBody]")
"""Where a page keeps its writing; the first of these that it has just once."""
_DROP = (
    "table.properties", "footer", "aside", "[role=complementary]", "[role=contentinfo]", "[role=banner]", "#sidebar", ".sidebar",
    ".breadcrumbs", ".breadcrumb", ".share-buttons", ".social-share", ".related-posts", ".cookie-banner", ".skip-link",
    ".screen-reader-text", ".page-header-icon",
)  # fmt: skip
_THEIRS = ("#comments", ".comments", ".comment-list", "#disqus_thread", ".twitter-tweet", ".instagram-media")
_SITE = re.compile(r"\s+[|\u2013\u2014\u00b7\u2022-]\s+[^|\u2013\u2014\u00b7\u2022]{1,40}$")


def _recognises(file: SourceFile) -> bool:
    return file.suffix in (".html", ".htm", ".xhtml")


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    meta, markup = front_matter.split(_decoded(file).replace("\r\n", "\n").replace("\r", "\n"))
    if meta:
        markup = _LIQUID.sub("", markup)
    page = tree_of(markup)
    body = _writing(page)
    title = front_matter.said(meta, "title") or _title(page, body) or named(file)
    author = front_matter.said(meta, "author", "authors") or _meta(page, "author", "article:author")
    yield from article(
        body,
        Record(
            text="", where=file.label, thread=file.name, author=(author,) if author and "://" not in author else (),
            title=title, date=front_matter.date_of(meta, file.name) or _date(page),
            channel="blog post" if meta else "web page", dropped=Reason.UNPUBLISHED if front_matter.unpublished(meta, file.name) else None,
        ),
        _DROP if body.tag != "body" else (*_DROP, "header"), _THEIRS,
    )  # fmt: skip
    if breaks_off(markup):
        raise Unreadable(f"{file.label} breaks off: it has no </html> at its end; save it again")


def _decoded(file: SourceFile) -> str:
    """By its bytes; where these leave a choice, as the page says itself."""
    data = file.read()
    declared = _CHARSET.search(data[:4096])
    if declared is not None and encoding_of(data, file.label, whole=True) not in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        with contextlib.suppress(LookupError, UnicodeError):
            return codecs.lookup(declared[1].decode()).decode(data, "replace")[0]  # type: ignore[return-value]
    return decode(data, file.label)


def _writing(page: "HtmlElement") -> "HtmlElement":
    for selector in _WRITING:
        found = select(page, [selector])
        if len(found) == 1 and text_of(found[0]):
            return found[0]
    return next(iter(select(page, ["body"])), page)


def _title(page: "HtmlElement", body: "HtmlElement") -> str:
    """The one first heading, which has no site's name behind it; else what the head of the page says."""
    for place in (body, page):
        headings = [said for element in select(place, ["h1"]) if (said := " ".join(text_of(element).split()))]
        if len(headings) == 1:
            return headings[0]
    named_so = _meta(page, "og:title") or next((" ".join((e.text or "").split()) for e in select(page, ["title"])), "")
    return _SITE.sub("", named_so)


def _meta(page: "HtmlElement", *names: str) -> str:
    for element in select(page, ["meta[content]"]):
        if (element.get("property") or element.get("name") or "").lower() in names and (said := (element.get("content") or "").strip()):
            return said
    return ""


def _date(page: "HtmlElement"):
    times = (element.get("datetime") for element in select(page, ["time[datetime]"]))
    said = [_meta(page, "article:published_time", "date", "dc.date", "dcterms.created"), *times]
    return next((moment for one in said if (moment := iso_date(one))), None)


READER = Reader("html", "Web page", _recognises, _read)
