"""Plain text: a file is a document."""

from collections.abc import Iterator

from pete.data.sources.decode import decode
from pete.data.sources.files import SourceFile
from pete.data.sources.front_matter import date_of
from pete.data.sources.markdown import named
from pete.data.sources.record import ImportOptions, Reader, Reason, Record


def _recognises(file: SourceFile) -> bool:
    return file.suffix in (".txt", ".text")


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    text = decode(file.read(), file.label).replace("\r\n", "\n").replace("\r", "\n").lstrip("\ufeff").strip("\n")
    yield Record(
        text=text, where=file.label, thread=file.name, date=date_of({}, file.name), title=named(file), channel="text",
        dropped=None if text.strip() else Reason.EMPTY,
    )  # fmt: skip


READER = Reader("plain", "Plain text", _recognises, _read)
