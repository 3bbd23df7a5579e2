"""An article of a web page or a newsletter as records: the author's own text, and apart from it what the article quotes."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pete.data.sources.files import Source, SourceFile
from pete.data.sources.html_text import select, take_out, text_of, tree_of
from pete.data.sources.record import Reason, Record, Unreadable
from pete.data.sources.tables import Row, rows_of

if TYPE_CHECKING:
    from lxml.html import HtmlElement

QUOTES = ("blockquote", "q[cite]")
"""What is somebody else's in every HTML."""
_FURNITURE = ("figcaption", "nav", "form", "[role=navigation]", "[aria-hidden=true]")
"""What says nothing without the picture or the page that it belongs to."""
_HEADINGS = tuple(f"h{level}" for level in range(1, 7))


def article(markup: "str | HtmlElement", known: Record, drop: Sequence[str] = (), theirs: Sequence[str] = ()) -> Iterator[Record]:
    """The records of an article: its text, and a dropped record for each quotation, so that nobody wonders where it went.

    Args:
        markup: HTML, or an element of a page; the element is changed.
        known: all that is known but the text; the title is taken out of the text where it stands there again.
        drop: selectors of buttons, forms and the like: no writing.
        theirs: selectors of more that others wrote (embedded posts), besides quotations.
    """
    body = tree_of(markup) if isinstance(markup, str) else markup
    take_out(body, (*_FURNITURE, *drop))
    quoted = take_out(body, (*QUOTES, *theirs))
    without_title(body, known.title)
    said = text_of(body)
    headings = tuple(heading for element in select(body, _HEADINGS) if (heading := " ".join(text_of(element).split())))
    yield replace(known, text=said, headings=headings, dropped=known.dropped or (None if said else Reason.EMPTY))
    if known.dropped is None:
        yield from quotations(quoted, known)


def quotations(quoted: Sequence[str], known: Record) -> Iterator[Record]:
    """What a text quotes, as records that are dropped."""
    for number, text in enumerate(quoted, 1):
        yield replace(known, text=text, where=f"{known.where}, quotation {number}", id="", headings=(), dropped=Reason.QUOTE)


def without_title(body: "HtmlElement", title: str) -> None:
    """Remove the first heading where it is the title again."""
    first = next((element for element in select(body, _HEADINGS) if text_of(element)), None)
    if title and first is not None and same_words(text_of(first), title):
        first.drop_tree()


def same_words(one: str, other: str) -> bool:
    """Whether two titles are one: exports write quotes, dashes and spaces of the same title differently."""
    return bare(one) == bare(other) != ""


def bare(text: str) -> str:
    """Letters and digits alone, in small letters."""
    return re.sub(r"[\W_]+", "", text).casefold()


def as_typed(text: str) -> str:
    """Text that has lines already, as HTML that keeps them."""
    return f'<div style="white-space: pre-wrap">{html.escape(text)}</div>'


def table_of(page: SourceFile, known: Callable[[SourceFile], bool]) -> SourceFile | None:
    """The table that an export keeps about its pages: beside them, or in the folder above."""
    for folder in dict.fromkeys((page.folder.rpartition("/")[0], page.folder)):
        if found := _table_in(page.source, folder, known):
            return found
    return None


@lru_cache(maxsize=16)
def _table_in(source: Source, folder: str, known: Callable[[SourceFile], bool]) -> SourceFile | None:
    return next((file for file in source.below(folder) if file.folder == folder and known(file)), None)


@lru_cache(maxsize=4)
def rows_by(table: SourceFile, column: str) -> dict[str, Row]:
    """The rows of such a table by one of its columns; where the table breaks off, those before: its own reader says so."""
    found: dict[str, Row] = {}
    with suppress(Unreadable):
        for row in rows_of(table):
            found[row.text(column)] = row
    return found
