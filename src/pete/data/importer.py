"""The importer: records of every reader -> the author's own texts, each in pieces that can be learned from, and a ledger of the rest."""

import datetime
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pete.data.authors import Authors
from pete.data.examples import Message
from pete.data.language import in_another
from pete.data.ledger import FileLedger, Ledger
from pete.data.passages import Fullness, passages
from pete.data.sources import readers_of
from pete.data.sources.decode import mended
from pete.data.sources.files import DAMAGED, HEAD, Source, SourceFile
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable
from pete.data.text import fold, size, visible, words
from pete.errors import DataError
from pete.listener import Listener

_BREAKS_OFF = (Unreadable, DataError, UnicodeError, *DAMAGED)
"""What reading a damaged file raises; the rest of it is not read, and the ledger says so."""
_OTHERS = {
    b"PK": "a zip that is cut off or damaged: download it again, or unpack it and give the folder",
    b"%PDF": "a PDF, which keeps no paragraphs: save the original as .docx or text",
    b"{\\rtf": "rich text: save it as .docx or plain text",
    b"\xd0\xcf\x11\xe0": "an old Office file: save it as .docx",
    b"\x1f\x8b": "packed with gzip: unpack it first",
    b"Rar!": "a RAR archive: unpack it and give the folder",
    b"7z\xbc\xaf": "a 7z archive: unpack it and give the folder",
    b"SQLite format 3": "a database: export its texts as a table",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
}
"""How files begin that nobody reads."""
SAID = 50_000
"""Texts of a file after which it is said how far it is."""


@dataclass(frozen=True)
class Wishes:
    """What the person asks for."""

    authors: tuple[str, ...] = ()
    """Addresses, names or ids; nothing takes every text that may be the owner's."""
    min_words: int = 5
    language: str = ""
    """A name of `language.CODES`; nothing takes every language."""
    since: datetime.date | None = None
    until: datetime.date | None = None
    human_until: datetime.date | None = None
    """What was written later was written with a machine, the person says."""
    options: ImportOptions = field(default_factory=ImportOptions)


@dataclass(frozen=True)
class Kept:
    """A text that is learned from."""

    record: Record
    reader: str
    """The reader's name."""
    key: str
    """Stands for the text; the same in the next export."""
    pieces: tuple[str, ...]
    """The text, or the passages it was cut into."""
    conversation: tuple[Message, ...] = ()
    """What it answers, as much of it as there is room for."""


@dataclass
class Imported:
    """What became of the sources."""

    kept: list[Kept]
    ledger: Ledger
    authors: Authors
    undated: int = 0
    """Texts kept without a date, where a date decides."""
    with_system: int = 0
    """Texts kept whose conversation began with a system line of its own: rows have the persona's."""


class Importer:
    """One import."""

    def __init__(self, wishes: Wishes, known: Iterable[str], fullness: Fullness) -> None:
        """Nothing is read yet.

        Args:
            wishes: what the person asks for.
            known: keys of what was imported before.
            fullness: how full a text makes a row, 1 being all there is room for.
        """
        self._wishes, self._fullness = wishes, fullness
        self._known = frozenset(known)
        self._seen: set[str] = set()
        self._authors = Authors(wishes.authors)
        self._imported = Imported([], Ledger(), self._authors)

    def read(self, sources: Sequence[Source], listener: Listener) -> Imported:
        """Read everything; a file that breaks off costs the rest of itself, and the ledger says so."""
        ledger = self._imported.ledger
        files = [(source, file, reader) for source in sources for file, reader in readers_of(source, self._wishes.options)]
        for number, (_, file, reader) in enumerate(files, 1):
            if reader is None:
                ledger.passed_over.append((file.label, _unknown(file)))
            else:
                part = ledger.begin(file.label, reader.title)
                try:
                    for count, record in enumerate(reader.read(file, self._wishes.options), 1):
                        self._take(part, reader, record)
                        if count % SAID == 0:
                            listener.message(f"{file.label}: {count:,} texts so far")
                except _BREAKS_OFF as error:
                    part.problem = error.message if isinstance(error, DataError) else str(error) or type(error).__name__
            listener.progress("reading", number, len(files))
        for source in sources:
            ledger.passed_over += [(f"{source.name}/{name}", why) for name, why in source.passed_over]
        return self._imported

    def _take(self, part: FileLedger, reader: Reader, raw: Record) -> None:
        """Keep a record or drop it; one line of the ledger either way."""
        record = tidied(raw)
        keys = [text_key(record.text), *([f"{reader.name}:{record.id}"] if record.id else [])]
        conversation = turns_before(record.before)
        pieces: list[str] = []
        reason = self._reason(record, keys)
        if reason is None:
            conversation, pieces = self._fitted(conversation, record.text)
            reason = None if pieces else Reason.LONG
        if reason is not None:
            self._imported.ledger.drop(part, record, reason)
            return
        self._seen.update(keys)
        dated = self._wishes.human_until is not None
        self._imported.undated += dated and record.date is None
        self._imported.with_system += any(turn.role == "system" for turn in record.before)
        self._imported.ledger.keep(part, record, len(pieces))
        self._imported.kept.append(Kept(record, reader.name, keys[0], tuple(pieces), conversation))

    def _reason(self, record: Record, keys: Sequence[str]) -> Reason | None:
        wishes = self._wishes
        if record.dropped is not None:
            return record.dropped
        if not visible(record.text):
            return Reason.EMPTY
        if not self._authors.wrote(record):
            return Reason.OTHER_AUTHOR
        day = record.date.date() if record.date else None
        if (wishes.since or wishes.until) and not (day and (wishes.since or day) <= day <= (wishes.until or day)):
            return Reason.OUTSIDE_DATES
        if wishes.human_until and day and day > wishes.human_until:
            return Reason.MACHINE
        if not self._known.isdisjoint(keys):
            return Reason.KNOWN
        if not self._seen.isdisjoint(keys):
            return Reason.DUPLICATE
        if len(record.text.split()) < wishes.min_words and size(words(record.text)) < wishes.min_words:
            return Reason.SHORT
        if wishes.language and in_another(record.text, wishes.language):
            return Reason.LANGUAGE
        return None

    def _fitted(self, conversation: tuple[Message, ...], text: str) -> tuple[tuple[Message, ...], list[str]]:
        """A conversation and what answers it, as there is room for them: old turns make room for half of a row at least."""
        if self._fullness(_joined(conversation, text), 1.0) <= 1:
            return conversation, [text]
        while conversation and self._fullness(_joined(conversation)) > 0.5:
            conversation = _later(conversation)
        left = 1 - (self._fullness(_joined(conversation)) if conversation else 0.0)
        return conversation, passages(text, lambda text, within=0.0: self._fullness(text, within * left) / left)


def _unknown(file: SourceFile) -> str:
    """What a file is that no reader takes, and the way to get one that is read, where there is one."""
    if not file.size:
        return "empty"
    try:
        with file.open() as stream:
            head = stream.read(HEAD)
        return next((words for begin, words in _OTHERS.items() if head.startswith(begin)), "no format that is known")
    except _BREAKS_OFF as error:
        return f"cannot be opened: {error}"


def _joined(conversation: Sequence[Message], *texts: str) -> str:
    return "\n".join([*(turn.content for turn in conversation), *texts])


def _later(conversation: tuple[Message, ...]) -> tuple[Message, ...]:
    """The conversation without its oldest exchange; a single long message without its second half."""
    first, *later = conversation
    if later:
        return turns_before(later)
    half = first.content[: len(first.content) // 2]
    return (Message("user", half.rpartition("\n")[0].strip() or half.rpartition(" ")[0].strip() or half),)


def text_key(text: str) -> str:
    """Stands for a text, however its lines are broken and its quotation marks are drawn."""
    return hashlib.sha256(" ".join(fold(text).casefold().split()).encode()).hexdigest()[:16]


def turns_before(messages: Sequence[Message]) -> tuple[Message, ...]:
    """A conversation as a row can hold it: user and assistant in turn, from what the user said first to what is answered."""
    turns: list[Message] = []
    for message in messages:
        if not visible(message.content) or (message.role != "user" and not turns):
            continue
        if turns and turns[-1].role == message.role:
            turns[-1] = Message(message.role, f"{turns[-1].content}\n\n{message.content}")
        elif message.role != "system":
            turns.append(message)
    while turns and turns[-1].role != "user":
        turns.pop()
    return tuple(turns)


def tidied(record: Record) -> Record:
    """The record with line ends as lines, halves of letters as what they are, and letters put right that were provably decoded wrongly."""
    done: list[str] = []

    def tidy(text: str) -> str:
        text, what = mended(_whole(text.replace("\r\n", "\n").replace("\r", "\n")))
        done.extend([what] if what else [])
        return text.strip()

    changed: dict[str, Any] = {name: tidy(old) for name in ("text", "draft") if (old := getattr(record, name))}
    if record.before:
        changed["before"] = tuple(Message(turn.role, tidy(turn.content)) for turn in record.before)
    if record.title or record.headings:
        changed |= {"title": " ".join(tidy(record.title).split()), "headings": tuple(map(tidy, record.headings))}
    if done and not record.mended:
        changed["mended"] = "; ".join(done)
    return replace(record, **changed) if any(getattr(record, name) != new for name, new in changed.items()) else record


def _whole(text: str) -> str:
    """Text without lone surrogates, which no file can hold: two halves of an emoji become one, a single half becomes U+FFFD."""
    try:
        text.encode()
        return text
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
