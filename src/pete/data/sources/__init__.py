"""Sources of writing: one reader a format, and which of them reads a file."""

from collections.abc import Iterator, Sequence

from pete.data.sources import linkedin, mail
from pete.data.sources.files import Source, SourceFile
from pete.data.sources.record import Reader

READERS: tuple[Reader, ...] = (linkedin.READER, mail.READER)
"""In the order in which they are asked: formats that know their files by content first, plain text last."""


def readers_of(source: Source) -> Iterator[tuple[SourceFile, Reader | None]]:
    """Each file that holds text of its own, and its reader; None where nobody reads it."""
    for file in source.files:
        if reader := reader_of(file):
            yield file, reader
        elif not any(other.companion(file) for other in READERS):
            yield file, None


def reader_of(file: SourceFile, readers: Sequence[Reader] | None = None) -> Reader | None:
    """The first reader that recognises a file."""
    return next((reader for reader in (READERS if readers is None else readers) if file.size and reader.recognises(file)), None)
