"""Buttondown's export: a file for each mail, in Markdown or HTML, and a table of their subjects and dates."""

import re
from collections.abc import Iterator
from dataclasses import replace

from pete.data.sources.article import article, quotations, rows_by, table_of
from pete.data.sources.dates import iso_date
from pete.data.sources.decode import beginning, decode
from pete.data.sources.files import SourceFile
from pete.data.sources.markdown import named, prose
from pete.data.sources.record import ImportOptions, Reader, Reason, Record
from pete.data.sources.tables import Row, has_columns, rows_of

_MODE = re.compile(r"\s*<!--\s*buttondown-editor-mode:\s*(\w+)\s*-->")
_VARIABLE = re.compile(r"\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_DROP = (".button", "a[href*=unsubscribe]", ".footnotes", ".footnotes-sep", ".footnote-ref")


def _is_table(file: SourceFile) -> bool:
    return has_columns(file, (".csv", ".json"), "id", "subject", "publish_date", "slug")


def _is_mail(file: SourceFile) -> bool:
    if file.suffix not in (".md", ".html"):
        return False
    if _MODE.match(beginning(file)):
        return True
    return file.folder.rpartition("/")[2] == "emails" and table_of(file, _is_table) is not None


def _recognises(file: SourceFile) -> bool:
    return _is_mail(file) or (_is_table(file) and file == _the_table(file))


def _companion(file: SourceFile) -> bool:
    """The same table as JSON and as CSV: one is enough."""
    return _is_table(file) and file != _the_table(file)


def _the_table(file: SourceFile) -> SourceFile:
    return next((other for other in file.source.below(file.folder) if other.folder == file.folder and _is_table(other)), file)


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    if not _is_mail(file):
        there = {re.sub(r"\.\w+$", "", other.basename) for other in file.source.below(file.folder) if _is_mail(other)}
        for row in rows_of(file):
            if row.text("slug") not in there:
                yield replace(_known(row, row.place), text="", dropped=row.unusable("slug", "id") or Reason.EMPTY)
        return
    table, slug = table_of(file, _is_table), re.sub(r"\.\w+$", "", file.basename)
    row = rows_by(table, "slug").get(slug) if table else None
    known = (
        _known(row, file.label)
        if row
        else Record(text="", where=file.label, own=True, thread=slug, title=named(file), channel="newsletter")
    )
    text = decode(file.read(), file.label).replace("\r\n", "\n").replace("\r", "\n")
    mode = _MODE.match(text)
    text = _VARIABLE.sub("", text[mode.end() :] if mode else text)
    if (mode and mode[1] == "fancy") or (not mode and re.match(r"\s*<(?:p|h\d|div)\b", text)):
        yield from article(text, known, _DROP)
        return
    found = prose(text, title=known.title)
    yield replace(known, text=found.text, headings=found.headings, dropped=known.dropped or (None if found.text else Reason.EMPTY))
    if known.dropped is None:
        yield from quotations(found.quotes, known)


def _known(row: Row, where: str) -> Record:
    number, status = row.text("id") or row.text("slug"), row.text("status").lower()
    return Record(
        text="", where=where, id=number, own=True, thread=number, title=row.text("subject").strip(), channel="newsletter",
        date=iso_date(row.text("publish_date")), dropped=Reason.UNPUBLISHED if status in ("draft", "deleted", "errored") else None,
    )  # fmt: skip


READER = Reader("buttondown", "Buttondown export", _recognises, _read, _companion)
