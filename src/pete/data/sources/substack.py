"""Substack's export: posts.csv, which knows titles and dates, and a page of HTML for each post."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace

from pete.data.sources.article import article, rows_by, table_of
from pete.data.sources.dates import iso_date
from pete.data.sources.decode import beginning, decode
from pete.data.sources.files import SourceFile
from pete.data.sources.record import ImportOptions, Reader, Reason, Record
from pete.data.sources.tables import Row, has_columns, rows_of

_NAME = re.compile(r"(?:^|/)(\d{3,}(?:\.[^/]*)?)\.html?$", re.IGNORECASE)
_DROP = (
    ".button-wrapper", ".button", ".paywall-jump", ".poll-embed", ".subscription-widget-wrap", ".subscription-widget-wrap-editor",
    ".captioned-button-wrap", ".footnote", "a.footnote-anchor", ".image-gallery-embed", ".captioned-image-container", ".native-video-embed",
    ".native-audio-embed", ".file-embed-wrapper", ".install-substack-app-embed", ".community-chat", ".directMessage",
    ".latex-rendered", ".youtube-wrap", ".vimeo-wrap", ".spotify-wrap", ".apple-podcast-container", ".sponsorship-campaign-embed",
)  # fmt: skip
_THEIRS = (
    ".tweet", ".comment", ".digest-post-embed", ".embedded-post-wrap", ".embedded-publication-wrap", ".instagram", ".tiktok-wrap",
    ".bluesky-wrap", ".github-gist", ".pullquote",
)  # fmt: skip
_CHANNELS = {"podcast": "podcast notes", "thread": "discussion thread", "page": "web page"}


def _is_table(file: SourceFile) -> bool:
    return has_columns(file, (".csv",), "post_id", "is_published", "title")


def _recognises(file: SourceFile) -> bool:
    return _is_table(file) or (_NAME.search(file.name) is not None and "<html" not in beginning(file)[:2048].lower())


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    if _is_table(file):
        yield from _rows_without_a_page(file)
        return
    name = _NAME.search(file.name)
    number = name[1] if name else file.basename
    table = table_of(file, _is_table)
    row = rows_by(table, "post_id").get(number) if table else None
    title = number.partition(".")[2].replace("-", " ")
    known = (
        _known(row, number, file.label)
        if row
        else Record(text="", where=file.label, id=number, own=True, thread=number, title=title, channel="newsletter")
    )
    yield from article(decode(file.read(), file.label), known, _DROP, _THEIRS)


def _known(row: Row, number: str, where: str) -> Record:
    return Record(
        text="", where=where, id=number, own=True, date=iso_date(row.text("post_date")), thread=number,
        title=html.unescape(row.text("title")).strip(), channel=_CHANNELS.get(row.text("type").lower(), "newsletter"),
        dropped=Reason.UNPUBLISHED if row.text("is_published").lower() in ("false", "0", "no") else None,
    )  # fmt: skip


def _rows_without_a_page(table: SourceFile) -> Iterator[Record]:
    """Those posts whose text is not in the export; the others are counted with their pages."""
    pages = {name[1] for other in table.source.below(table.folder) if (name := _NAME.search(other.name)) and other.size}
    for row in rows_of(table):
        number = row.text("post_id")
        if number not in pages:
            yield replace(_known(row, number, row.place), dropped=row.unusable("post_id") or Reason.EMPTY)


READER = Reader("substack", "Substack export", _recognises, _read)
