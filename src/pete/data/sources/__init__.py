"""Sources of writing: one reader a format, and which of them reads a file."""

from collections.abc import Iterator, Sequence

from pete.data.sources import alpaca, column_map, intercom, linkedin, mail, openai_messages, pairs, sharegpt, zendesk
from pete.data.sources.files import Source, SourceFile
from pete.data.sources.record import ImportOptions, Reader

READERS: tuple[Reader, ...] = (
    linkedin.READER,
    mail.READER,
    zendesk.READER,
    intercom.READER,
    sharegpt.READER,
    openai_messages.READER,
    alpaca.READER,
    pairs.READER,
    column_map.READER,  # every table that nobody above knows
)
"""In the order in which they are asked: formats that know their files by content first, plain text last."""


def readers_of(source: Source, options: ImportOptions | None = None) -> Iterator[tuple[SourceFile, Reader | None]]:
    """Each file that holds text of its own, and its reader; None where nobody reads it.

    Tables are read by the columns that the person named, where they named some.
    """
    for file in source.files:
        if file.size and options and column_map.mapped(file, options):
            yield file, column_map.READER
            continue
        reader = reader_of(file)
        if reader not in (None, column_map.READER) or not any(other.companion(file) for other in READERS):
            yield file, reader


def reader_of(file: SourceFile, readers: Sequence[Reader] | None = None) -> Reader | None:
    """The first reader that recognises a file."""
    return next((reader for reader in (READERS if readers is None else readers) if file.size and reader.recognises(file)), None)
