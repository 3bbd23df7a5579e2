"""Documents whose format is not read, with the way to one that is: better said than passed over."""

from collections.abc import Iterator

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


def _recognises(file: SourceFile) -> bool:
    return file.suffix in _WAYS or ".pages/" in file.name


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    raise Unreadable(f"{file.label} is {_WAYS.get(file.suffix, _WAYS['.pages'])}")
    yield  # a reader gives records; this one has none


READER = Reader("other", "Document of another kind", _recognises, _read)
