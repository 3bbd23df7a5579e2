"""Where mails lie, one after another or one a file: mbox (Takeout, Thunderbird, Apple's folder), eml, emlx, Maildir. Raw, streaming."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pete.data.sources.files import SourceFile
from pete.data.sources.record import Unreadable

LARGEST = 64 << 20
"""Bytes of one mail that are looked at; its text stands before its attachments."""
_CHUNK = 1 << 20

_SEPARATOR = re.compile(rb"From (?:\S.{0,200}? )?(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? .{0,10}\d.{0,40}\d{4}\b[^\n]{0,20}\r?\n?$")
_HEADER = re.compile(rb"[!-9;-~]{1,80}:[ \t\r\n]|[!-9;-~]{1,80}:\S")
_LINES = re.compile(rb"\r\n|\n|\r")
_COUNT = re.compile(rb"\s*(\d{1,12})[ \t]*\r?\n")
_FLAGS = re.compile(r"[:;!]2,([A-Za-z]*)$")
_KNOWN = ("from", "date", "subject", "to", "message-id", "mime-version", "received", "content-type", "return-path", "delivered-to")


@dataclass(frozen=True)
class Raw:
    """One mail's bytes."""

    data: bytes
    where: str
    drafted: bool = False
    """Its file says that it is a draft."""
    last: bool = False
    """It is the file's last, and may be cut off."""


def holds_mail(file: SourceFile) -> bool:
    """Whether a file is one of these, by its content."""
    head = file.head
    return is_box(head) or _is_mail(head, file)


def is_box(head: bytes) -> bool:
    """Whether a file's beginning is that of an mbox."""
    lines = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n").split(b"\n", 2)
    return len(lines) > 1 and bool(_SEPARATOR.match(lines[0])) and bool(_HEADER.match(lines[1]))


def raw_mails(file: SourceFile) -> Iterator[Raw]:
    """The mails of a file, streaming; a line that begins with "From " begins a mail only with a date on it and headers below it.

    Raises:
        Unreadable: it breaks off.
    """
    if is_box(file.head):
        yield from _box(file)
        return
    data = file.read(LARGEST * 4).removeprefix(b"\xef\xbb\xbf")
    flags = _FLAGS.search(file.basename)
    if file.suffix == ".emlx" and (count := _COUNT.match(data)):
        size = int(count[1])
        data, after = data[count.end() : count.end() + size], data[count.end() + size :]
        if len(data) < size:
            yield Raw(data, file.label, last=True)
            raise Unreadable(f"{file.label} breaks off: {size:,} bytes are announced and {len(data):,} there")
        yield Raw(data, file.label, drafted=_apple_draft(after))
        return
    yield Raw(data, file.label, drafted=flags is not None and "D" in flags[1], last=True)


def _is_mail(head: bytes, file: SourceFile) -> bool:
    head = head.removeprefix(b"\xef\xbb\xbf")
    if file.suffix == ".emlx" and (count := _COUNT.match(head)):
        head = head[count.end() :]
    names = set()
    for line in _LINES.split(head.lstrip(b"\r\n")):
        if not line:
            break
        if line[:1] in b" \t":
            continue
        if not _HEADER.match(line + b"\n"):
            return False
        names.add(line.partition(b":")[0].decode("ascii", "replace").lower())
    known = names.intersection(_KNOWN)
    return "from" in known and len(known) >= (2 if file.suffix in (".eml", ".emlx") else 3)


def _apple_draft(plist: bytes) -> bool:
    """Apple keeps a mail's flags as bits in a list behind it; the seventh is that of a draft."""
    flags = re.search(rb"<key>flags</key>\s*<integer>(\d{1,15})</integer>", plist)
    return flags is not None and bool(int(flags[1]) & 1 << 6)


def _box(file: SourceFile) -> Iterator[Raw]:
    mail = bytearray()
    number, held, done = 0, b"\n", False
    with file.open() as stream:
        while not done:
            chunk = stream.read(_CHUNK)
            done = not chunk
            held += chunk if number or len(held) > 1 else chunk.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
            begin = at = 0
            while (at := held.find(b"\nFrom ", at)) >= 0:
                first = held.find(b"\n", at + 1)
                second = held.find(b"\n", first + 1) if first >= 0 else -1
                if second < 0 and not done and len(held) - at < _CHUNK:
                    break  # the lines that decide are not here yet
                line, below = held[at + 1 : first + 1], held[first + 1 : second + 1 if second >= 0 else len(held)]
                if first >= 0 and _SEPARATOR.match(line) and (_HEADER.match(below) or below.startswith(b">From ")):
                    if number:
                        mail += held[begin : at + 1][: LARGEST - len(mail)]
                        yield Raw(_unescaped(bytes(mail)), f"{file.label}: message {number}")
                    number, mail, begin = number + 1, bytearray(), first + 1
                at += 1
            end = at if at >= 0 else max(begin, len(held) - 6)
            mail += held[begin : len(held) if done else end][: LARGEST - len(mail)]
            held = held[end:]
    if number:
        yield Raw(_unescaped(bytes(mail)), f"{file.label}: message {number}", last=True)


def _unescaped(data: bytes) -> bytes:
    """A mail's bytes as they were before an mbox put ">" before lines that begin with "From "; lines of a quotation stay."""
    if b">From " not in data:
        return data
    lines = data.split(b"\n")
    for number, line in enumerate(lines):
        if line.startswith(b">") and line.lstrip(b">").startswith(b"From "):
            around = lines[max(0, number - 1) : number] + lines[number + 1 : number + 2]
            if not any(other.startswith(b">") for other in around):
                lines[number] = line[1:]
    return b"\n".join(lines)
