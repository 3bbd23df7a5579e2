"""What a reader makes of a source: records, the person's words untouched, and the reason where something is not theirs."""

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from pete.data.examples import Message
from pete.data.sources.files import SourceFile


class Reason(StrEnum):
    """Why a record is dropped; the value is what the ledger says."""

    EMPTY = "no text"
    NO_WRITING = "no writing (a template, a menu, an attachment)"
    RESHARE = "reshared, without words of one's own"
    QUOTE = "somebody else's words, quoted"
    FORWARD = "forwarded"
    OTHER_AUTHOR = "another author"
    AUTOMATIC = "sent by a machine (auto-reply, newsletter, notification)"
    SYSTEM = "a system message"
    INTERNAL = "an internal note"
    UNPUBLISHED = "a draft, or not sent"
    REMOVED = "deleted or redacted at the source"
    SHORT = "too short"
    LONG = "too long to learn from in one piece, and without paragraphs to cut at"
    DUPLICATE = "the same text as another"
    KNOWN = "imported before"
    LANGUAGE = "in another language"
    MACHINE = "written by a machine"
    OUTSIDE_DATES = "outside the dates asked for"
    UNSEEN = "answers what a row cannot hold (a picture, a tool's result)"
    UNWANTED = "marked in the file as not to be learned from"
    DAMAGED = "cannot be read"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One text of a source: a post, a mail, a reply, a document."""

    text: str
    """As its author left it: line breaks, dashes, quotes and emoji stay. Only marks of the file format (HTML, MIME, escapes) are undone."""
    where: str
    """File and line, message or id: what a person needs to find it again ("Shares.csv:12", "Sent.mbox: message 3")."""
    id: str = ""
    """The source's own id, where it has one that stays the same from export to export."""
    author: tuple[str, ...] = ()
    """Names by which the source knows the author: address, display name, id; the one to show first."""
    own: bool | None = None
    """True or False where the format itself says whether the export's owner wrote it; None where `author` has to be asked."""
    date: datetime.datetime | None = None
    """With a time zone, where the source says when."""
    thread: str = ""
    """What belongs together (a thread, a document), by a name that stays the same from export to export."""
    before: tuple[Message, ...] = ()
    """The conversation that the text answers, as turns that end with what was said to the author (role "user")."""
    title: str = ""
    """Title or subject, where there is one."""
    headings: tuple[str, ...] = ()
    channel: str = ""
    """What kind of text it is, in words that fit "Write a ...": "LinkedIn post", "email", "blog post", "chat message", "comment"."""
    category: str = ""
    """Where the source itself says so (a column); else it is proposed later."""
    draft: str = ""
    """An earlier version of the text (tracked changes, a mail's draft, a suggestion): an edit pair, draft -> text."""
    mended: str = ""
    """What was done to the letters, where the file was provably decoded wrongly once ("caf\u00c3\u00a9 -> caf\u00e9"); else empty."""
    dropped: Reason | None = None
    """Set by the reader where it knows that this is nothing to learn from; such a record is counted, and can be shown."""


@dataclass(frozen=True)
class ImportOptions:
    """What only the person can say about a source."""

    columns: Mapping[str, str] = field(default_factory=dict)
    """`--map`: what a column means -> its name, or several as "subject+body"; the meanings are `foreign_formats.MEANINGS`."""
    day_first: bool | None = None
    """Dates such as 1/2/2024: day first or month first; None where nobody said."""


class Unreadable(Exception):
    """A file, or the rest of it, that cannot be read; the message says what is wrong and what to do."""


@dataclass(frozen=True)
class Reader:
    """One format. Adding one is one file with a `READER`, named in `pete.data.sources`."""

    name: str
    """Short, for `--json` and file names: "linkedin"."""
    title: str
    """For people: "LinkedIn export"."""
    recognises: Callable[[SourceFile], bool]
    """Whether a file is of this format, by its content (`head`) and what lies beside it, not by an exact name."""
    read: Callable[[SourceFile, ImportOptions], Iterator[Record]]
    """Its records, streaming. Raises Unreadable; what was yielded before stays."""
    companion: Callable[[SourceFile], bool] = lambda file: False
    """Whether a file belongs to this format and holds no text of its own (users.json beside messages): not in the ledger."""
