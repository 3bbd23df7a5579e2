"""Beehiiv's export: a table of posts, each as the table of tables that was mailed."""

from collections.abc import Iterator
from dataclasses import replace

from pete.data.sources.article import article
from pete.data.sources.dates import iso_date
from pete.data.sources.files import SourceFile
from pete.data.sources.html_text import select, tree_of
from pete.data.sources.record import ImportOptions, Reader, Reason, Record
from pete.data.sources.tables import has_columns, rows_of

_DROP = (
    "table.mob-block",
    "table.rec__content",
    "td.b",
    "td.f",
    "td.e",
    "td.embed-img",
    "a[href*=unsubscribe]",
    ".button",
    "[data-open-tracking]",
)
"""Links to share and to leave, advertisements, polls, cards of other pages."""


def _recognises(file: SourceFile) -> bool:
    return has_columns(file, (".csv", ".tsv", ".txt"), "content_html", "web_title", "status")


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    for row in rows_of(file):
        number, title = row.text("id", "url"), row.text("web_title", "email_subject_line")
        known = Record(
            text="", where=row.place, id=number, own=True, thread=number, title=title.strip(),
            date=iso_date(row.text("published_at", "scheduled_at", "created_at")), channel="newsletter",
        )  # fmt: skip
        if reason := row.unusable("content_html"):
            yield replace(known, text=row.text("content_html"), dropped=reason)
            continue
        page = tree_of(row.text("content_html"))
        body = next(iter(select(page, ["#content-blocks"])), page)
        published = row.text("status").strip().lower() in ("confirmed", "published", "")
        yield from article(body, replace(known, dropped=None if published else Reason.UNPUBLISHED), _DROP)


READER = Reader("beehiiv", "Beehiiv export", _recognises, _read)
