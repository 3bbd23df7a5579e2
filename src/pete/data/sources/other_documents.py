"""Documents whose format is not read, with the way to one that is: better said than passed over."""

import re
from collections.abc import Iterator

from pete.data.sources.decode import beginning
from pete.data.sources.files import SourceFile
from pete.data.sources.record import ImportOptions, Reader, Record, Unreadable

_WAYS = {
    ".doc": "an old Word document: open it in Word or LibreOffice and save it as .docx",
    ".rtf": "rich text: open it in Word, TextEdit or LibreOffice and save it as .docx",
    ".odt": "an OpenDocument text: open it in LibreOffice and save it as .docx",
    ".pages": "a Pages document: open it in Pages, File > Export To > Word",
    ".gdoc": "a link to Google Docs, without the text: there, File > Download > Word or Markdown",
    ".pdf": "a PDF, which has lost its paragraphs: give what it was made from",
    ".pst": "an Outlook mailbox: in Outlook or Thunderbird, save the mails as .eml or export an mbox",
    ".msg": "an Outlook mail: save it as .eml",
    ".xlsx": "a spreadsheet: save the sheet as CSV",
    ".enex": "an Evernote export: in Evernote, export the notes as HTML",
}
_PAGES = (
    (
        re.compile(r'class="page_wrap".*class="(?:history|page_body)', re.DOTALL),
        "a chat of Telegram as a page: export it again, as machine-readable JSON",
    ),
    (
        re.compile(r'class="[^"]*\b_a6-[gp]\b'),
        "Facebook's or Instagram's pages, where nobody's words are told apart: download them again as JSON",
    ),
    (re.compile(r'class="outer-cell mdl-cell'), "Google's list of what you did: it holds no writing"),
    (re.compile(r"<!DOCTYPE NETSCAPE-Bookmark-file", re.IGNORECASE), "bookmarks of a browser: they hold no writing"),
)
"""Web pages that are no writing of one person, though they look like it."""


def _way(file: SourceFile) -> str:
    """What to do instead; nothing where the file is none of these."""
    if file.suffix in _WAYS or ".pages/" in file.name:
        return _WAYS.get(file.suffix, _WAYS[".pages"])
    if file.suffix in (".html", ".htm"):
        return next((way for page, way in _PAGES if page.search(beginning(file))), "")
    return ""


def _recognises(file: SourceFile) -> bool:
    return bool(_way(file))


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    raise Unreadable(f"{file.label} is {_way(file)}")
    yield  # a reader gives records; this one has none


READER = Reader("other", "Document of another kind", _recognises, _read)
