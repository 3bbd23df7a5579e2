"""What happens to files on their way: other encodings, other line ends, downloads cut short, bytes of something else."""

import unicodedata
from collections.abc import Iterator

from pete.data.sources.record import Record


def harmless(text: str) -> Iterator[tuple[str, bytes]]:
    """The same text in other clothes: nothing of it may be lost."""
    yield "as it is", text.encode()
    yield "BOM", text.encode("utf-8-sig")
    yield "UTF-16", text.encode("utf-16")
    yield "CRLF", text.replace("\n", "\r\n").encode()
    yield "old Mac", text.replace("\n", "\r").encode()


def harmful(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What is no longer the file: no traceback, and nothing passes in silence."""
    for share in (0.2, 0.5, 0.9):
        yield f"cut at {share:.0%}", data[: int(len(data) * share)]
    yield "NUL in the middle", data[: len(data) // 2] + b"\x00\x00" + data[len(data) // 2 :]
    yield "zeros", bytes(64)
    yield "noise", bytes(range(256)) * 4
    yield "one letter", b"x"
    yield "blank", b"\n \n"


def said(records: list[Record]) -> list[str]:
    """What is kept, however its letters are composed and its lines end."""
    return [
        unicodedata.normalize("NFC", record.text.replace("\r\n", "\n").replace("\r", "\n")) for record in records if record.dropped is None
    ]
