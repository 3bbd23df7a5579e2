"""Bytes of a file as text: its encoding found and said, the letters left as they are."""

import codecs
import io
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, BinaryIO

from pete.data.artefacts import broken_in
from pete.data.sources.record import Unreadable

if TYPE_CHECKING:
    from pete.data.sources.files import SourceFile

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
"""The longer mark first: UTF-32 begins like UTF-16."""
_GUESSED = 32
"""Bytes from which on another script than ours can be told: "caf\xe9" is good Chinese too."""


def encoding_of(head: bytes, label: str, *, whole: bool = False) -> str:
    """The codec of a text by its beginning.

    Args:
        head: the first bytes.
        label: the file, for messages.
        whole: they are the whole file, and not cut within a letter.

    Raises:
        Unreadable: it is no text: a NUL byte stands in it, in no pattern that UTF-16 has.
    """
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return codec
    if b"\x00" in head:
        half = len(head) // 2 or 1
        for codec, zeros in (("utf-16-le", head[1::2]), ("utf-16-be", head[::2])):
            if zeros.count(0) > 0.3 * half and zeros.count(0) > 2 * (head.count(0) - zeros.count(0)):
                return codec
        raise Unreadable(f"{label}: a NUL byte at {head.index(0):,}: this is no text file")
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, whole)
        return "utf-8"
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not head[: error.start].isascii():
            return "utf-8"  # cut off within a letter
        # what people have that is not UTF-8 is what Windows wrote; a guess is only worth something where the whole script is another
        if len(head) < _GUESSED or sum(byte > 127 for byte in head) < 0.25 * len(head):
            return "cp1252"
        from charset_normalizer import from_bytes

        best = from_bytes(head).best()
        return best.encoding if best is not None else "cp1252"


def decode(data: bytes, label: str) -> str:
    """A whole file as text. Bytes that are no letters of its encoding become U+FFFD, which the ledger and `data check` count.

    Raises:
        Unreadable: it is no text.
    """
    codec = encoding_of(data[: 1 << 16], label, whole=len(data) <= 1 << 16)
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        if codec == "utf-8":  # the beginning was; a letter far below is not
            codec = encoding_of(data, label, whole=True)
        return data.decode(codec, "replace")


@lru_cache(maxsize=64)
def beginning(file: "SourceFile") -> str:
    """The first 64 KiB of a file as text, by which readers recognise it; nothing where it is no text."""
    try:
        return file.head.decode(encoding_of(file.head, file.label), "replace").lstrip("\ufeff")
    except Unreadable:
        return ""


def text_lines(stream: BinaryIO, label: str, codec: str) -> Iterator[tuple[int, str]]:
    """(number, line) of a text, streaming; numbers from 1, lines without their end (LF, CRLF or CR)."""
    with io.TextIOWrapper(stream, encoding=codec, errors="replace", newline=None) as text:
        for number, line in enumerate(text, 1):
            yield number, line.removesuffix("\n")


def mended(text: str) -> tuple[str, str]:
    """A text whose letters were provably decoded wrongly once, put right; and what was done ("caf\u00c3\u00a9 -> caf\u00e9"), or nothing.

    Only the letters change: quotes, dashes, line breaks and widths stay as they were written.
    """
    if broken_in(text) is None:
        return text, ""
    import ftfy

    put_right = ftfy.fix_text(
        text,
        ftfy.TextFixerConfig(
            unescape_html=False, remove_terminal_escapes=False, fix_latin_ligatures=False, fix_character_width=False,
            uncurl_quotes=False, fix_line_breaks=False, remove_control_chars=False, normalization=None,
        ),
    )  # fmt: skip
    if put_right == text:
        return text, ""
    old, new = text.split(), put_right.split()
    changed = next(((a, b) for a, b in zip(old, new, strict=False) if a != b), (text[:20], put_right[:20]))
    return put_right, f"{changed[0]} -> {changed[1]}"
