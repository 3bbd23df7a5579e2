"""One mail: its headers, and its text as the author wrote it. Only MIME, charsets and soft line ends are undone."""

import binascii
import datetime
import email.errors
import email.header
import email.message
import email.utils
import quopri
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from pete.data.sources.decode import decode

_BLANK = re.compile(rb"\r?\n[ \t]*\r?\n|\r\r")
_ENCODED = re.compile(r"(=\?[^?\s]+\?[bBqQ]\?[^?]*\?=)\s+(?==\?)")
_ID = re.compile(r"<[^<>\s]+>")
_REPLY = re.compile(
    r"^(?:\s*(?:\[[^\]]{1,30}\]\s*)?(?:re|aw|antw|sv|vs|odp|rif|ref|res|fwd?|wg|tr|rv|i|vl|doorst|enc|y[aı]n[ıi]t|回复|转发|答复|返信|转寄)"
    r"(?:\s*\[\d+\]|\(\d+\))?\s*[:：])+\s*",
    re.IGNORECASE,
)
_WIDER = {"iso-8859-1": "cp1252", "latin-1": "cp1252", "us-ascii": "utf-8", "ascii": "utf-8", "gb2312": "gb18030", "gbk": "gb18030",
          "ks_c_5601-1987": "cp949", "iso-8859-9": "cp1254", "shift_jis": "cp932", "x-sjis": "cp932", "utf8": "utf-8"}  # fmt: skip
"""What programs call an encoding, and the one they mean."""
_DEEP = 30
"""Parts inside parts."""


@dataclass(frozen=True)
class Part:
    """A part of a mail that is no container."""

    type: str
    data: bytes
    content: email.message.Message = field(repr=False)
    cut: bool = False
    """Its container has no end: the mail breaks off, maybe in it."""

    @cached_property
    def text(self) -> str:
        """Its letters; lines end with LF, and soft line ends of format=flowed are taken out."""
        encoding = str(self.content.get("content-transfer-encoding", "")).strip().lower()
        data = self.data
        if encoding == "quoted-printable":
            data = quopri.decodestring(data)
        elif encoding == "base64":
            data = _base64(data)
        text = _letters(data, self.content.get_param("charset")).replace("\r\n", "\n").replace("\r", "\n")
        if self.type == "text/plain" and str(self.content.get_param("format", "")).lower() == "flowed":
            text = _unflowed(text, str(self.content.get_param("delsp", "")).lower() == "yes")
        return text


class Mail:
    """A mail's headers and parts. However broken it is, there is something to read."""

    def __init__(self, data: bytes) -> None:
        self._head, self._body = _halves(data)
        self._headers = _headers(self._head)

    def raw(self, name: str) -> str:
        """A header as it stands there, unfolded; empty where there is none."""
        return self._headers.get(name, "")

    def header(self, name: str) -> str:
        """A header in letters."""
        return _words(self.raw(name))

    @cached_property
    def sender(self) -> tuple[str, ...]:
        """Address in small letters, and the name beside it."""
        name, address = email.utils.parseaddr(self.raw("from"))
        return tuple(filter(None, (address.strip().lower(), _words(name).strip())))

    @cached_property
    def id(self) -> str:
        """Its Message-ID."""
        return next(iter(_ID.findall(self.raw("message-id"))), "")

    @cached_property
    def ancestors(self) -> tuple[str, ...]:
        """Ids of the mails before it in its thread, the first one first, the one it answers last."""
        found = _ID.findall(self.raw("references"))
        return tuple(dict.fromkeys([*found, *_ID.findall(self.raw("in-reply-to"))[:1]]))

    @cached_property
    def answers(self) -> str:
        """Id of the mail that it answers."""
        return next(iter(_ID.findall(self.raw("in-reply-to"))), self.ancestors[-1] if self.ancestors else "")

    @cached_property
    def subject(self) -> str:
        """Its subject, without "Re:" and the like."""
        return _REPLY.sub("", self.header("subject")).strip()

    @cached_property
    def thread(self) -> str:
        """What the mails of one exchange share."""
        return self.raw("x-gm-thrid").strip() or next(iter(self.ancestors), self.id) or self.subject.lower()

    @cached_property
    def date(self) -> datetime.datetime | None:
        """When it was sent."""
        try:
            date = email.utils.parsedate_to_datetime(self.raw("date").strip())
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        return date.replace(tzinfo=datetime.UTC) if date.tzinfo is None else date

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Gmail's labels, in the account's language."""
        return tuple(label.strip().strip('"').strip() for label in re.findall(r'"[^"]*"|[^,]+', self.header("x-gmail-labels")))

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """Its parts."""
        return tuple(_parts(self._head, self._body, 0, False))

    @cached_property
    def types(self) -> frozenset[str]:
        """Types of its parts, and of itself."""
        return frozenset([_content(self._headers).get_content_type(), *(part.type for part in self.parts)])

    def shown(self) -> Part | None:
        """The part that a reader sees: HTML before plain text, whose lines mail programs break where the author did not."""
        readable = [part for part in self.parts if part.type in ("text/plain", "text/html") and not _attached(part)]
        for part in readable:
            if part.type == "text/html" and part.text.strip():
                return part
        return next((part for part in readable if part.text.strip()), None)


def _halves(data: bytes) -> tuple[bytes, bytes]:
    data = data.lstrip(b"\r\n")
    blank = _BLANK.search(data)
    return (data[: blank.start()], data[blank.end() :]) if blank else (data, b"")


def _headers(head: bytes) -> dict[str, str]:
    """Name in small letters -> value on one line; of several the first."""
    found: dict[str, list[str]] = {}
    now: list[str] | None = None
    for line in re.split(rb"\r\n|\n|\r", head):
        try:
            text = line.decode()
        except UnicodeDecodeError:
            text = line.decode("cp1252", "replace")
        if text[:1] in (" ", "\t"):
            if now is not None:
                now.append(text.strip())
            continue
        name, colon, value = text.partition(":")
        name = name.strip().lower()
        now = None if not colon or name in found else found.setdefault(name, [value.strip()])
    return {name: " ".join(lines) for name, lines in found.items()}


def _words(value: str) -> str:
    """A header's encoded words as letters."""
    if "=?" not in value:
        return value
    try:
        pieces = email.header.decode_header(_ENCODED.sub(r"\1 ", value))
    except (email.errors.HeaderParseError, binascii.Error, ValueError):
        return value
    return "".join(piece if isinstance(piece, str) else _letters(piece, charset) for piece, charset in pieces)


def _letters(data: bytes, charset: object) -> str:
    name = str(charset[2] if isinstance(charset, tuple) else charset or "").strip(" \"'").lower()
    name = _WIDER.get(name, name)
    for tried in filter(None, (name, "utf-8")):
        try:
            return data.decode(tried)
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
    if not data.decode("utf-8", "ignore").isascii():  # it is UTF-8, with a broken letter
        return data.decode("utf-8", "replace")
    return data.decode("cp1252", "replace") if b"\x00" in data else decode(data, "")


def _content(headers: dict[str, str]) -> email.message.Message:
    message = email.message.Message()
    for name in ("content-type", "content-transfer-encoding", "content-disposition"):
        if value := headers.get(name):
            message[name] = re.sub(r"[\r\n]", " ", value)
    return message


def _attached(part: Part) -> bool:
    try:
        return part.content.get_content_disposition() == "attachment" or bool(part.content.get_filename())
    except (ValueError, LookupError, TypeError):
        return False


def _parts(head: bytes, body: bytes, depth: int, cut: bool) -> Iterator[Part]:
    content = _content(_headers(head))
    kind = content.get_content_type()
    try:
        boundary = content.get_boundary() if kind.startswith("multipart/") else None
    except (ValueError, LookupError, TypeError):
        boundary = None
    if not boundary or depth > _DEEP:
        yield Part(kind if not kind.startswith("multipart/") else "text/plain", body, content, cut)
        return
    marks = list(_marks(body, b"--" + boundary.encode("utf-8", "surrogateescape")))
    end = next((number for number, (_, _, closes) in enumerate(marks) if closes), None)
    for number, (_, start, _) in enumerate(marks if end is None else marks[:end]):
        last = number + 1 == len(marks)
        piece = body[start : len(body) if last else marks[number + 1][0]]
        inner, rest = (b"", piece.lstrip(b"\r\n")) if piece[:1] in (b"\n", b"\r") else _halves(piece)
        yield from _parts(inner, rest, depth + 1, last and end is None)


def _marks(body: bytes, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    """(end of what stands before, beginning of what follows, whether it is the last) of each line that parts a body."""
    at = body.find(mark)
    while at >= 0:
        after = at + len(mark)
        closes = body[after : after + 2] == b"--"
        after += 2 * closes
        if (at == 0 or body[at - 1] in b"\r\n") and body[after : after + 1] in (b"", b" ", b"\t", b"\r", b"\n"):
            before = at - (2 if body[at - 2 : at] == b"\r\n" else at > 0)
            line = body.find(b"\n", after)
            yield before, len(body) if line < 0 else line + 1, closes
        at = body.find(mark, after)


def _base64(data: bytes) -> bytes:
    letters = re.sub(rb"[^A-Za-z0-9+/]", b"", data)
    letters = letters[: len(letters) - (len(letters) % 4 == 1)]
    return binascii.a2b_base64(letters + b"=" * (-len(letters) % 4))


def _unflowed(text: str, delete_space: bool) -> str:
    """Lines that a mail program broke (RFC 3676) put together again; lines of a quotation stay one by one."""
    done: list[str] = []
    going_on = False
    for line in text.split("\n"):
        quoted = line.startswith(">")
        if not quoted and line.startswith(" "):
            line = line[1:]
        soft = line.endswith(" ") and line != "-- " and not quoted
        piece = line[:-1] if soft and delete_space else line
        if going_on and not quoted and line != "-- ":
            done[-1] += piece
        else:
            if going_on:
                done[-1] = done[-1].rstrip(" ")
            done.append(piece)
        going_on = soft
    return "\n".join(done)
