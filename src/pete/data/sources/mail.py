"""Mail: what people sent, with the mail they answer as its prompt. mbox, eml, Gmail's Takeout, Apple Mail, Maildir.

Who the author is, is not decided here: "Sent" has another name in each language, and in Takeout all labels lie in one file.
"""

import difflib
import re
import tempfile
import weakref
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pete.data.examples import Message
from pete.data.sources.files import Source, SourceFile
from pete.data.sources.html_text import tree_of
from pete.data.sources.mail_box import Raw, holds_mail, raw_mails
from pete.data.sources.mail_message import Mail
from pete.data.sources.mail_quote import MARKS, Parts, answered, marked, split
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

_DRAFTS = re.compile(
    r"(?:^|/)(?:\[(?:gmail|google mail)\][./])?(?:drafts?|entw[uü]rfe?|brouillons?|borradore?s?|bozze"
    r"|bozza|rascunhos?|concepten|utkast|kladder"
    r"|luonnokset|wersje robocze|kopie robocze|szkice|koncepty|piszkozatok|schițe|taslaklar|черновики|чернетки|下書き|草稿|임시보관함)"
    r"(?:\.mbox|\.sbd|\.mbx)?(?:/|$)",
    re.IGNORECASE,
)
"""A box of drafts, in the language of the program: a folder, a file or a label of Gmail's."""
_ROBOT = re.compile(
    r"^(?:no[-_.]?reply|do[-_.]?not[-_.]?reply|noreply[-_.+].*|mailer-daemon|postmaster|bounces?|notifications?|newsletter)(?:[+@]|$)",
    re.IGNORECASE,
)
_NO_TEXT = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}
_HEAD = 1 << 18
"""Bytes of a mail that is looked up: its text, not its attachments."""
_UNMARKED = 60
"""Letters of a line of the answered mail that stand in an answer without a mark of quotation."""
_ALIKE, _EQUAL = 0.4, 0.999
"""Share of words that a draft and the mail sent have in common: less is another mail, more is no change."""


@dataclass(frozen=True)
class _Text:
    parts: Parts
    answered: str
    cut: bool


def _text(mail: Mail) -> _Text:
    part = mail.shown()
    if part is None:
        return _Text(Parts(""), "", any(one.cut for one in mail.parts))
    text, taken = marked(tree_of(part.text)) if part.type == "text/html" else (part.text, [])
    parts = split(text, taken)
    return _Text(parts, answered(parts, taken), part.cut)


class _Neighbours:
    """The mails of a source that others answer, and its drafts, found by one look at all headers and kept on disk, not in memory."""

    def __init__(self, source: Source) -> None:
        self._kept = tempfile.SpooledTemporaryFile(max_size=16 << 20)  # noqa: SIM115  (closed with the source)
        weakref.finalize(self, self._kept.close)
        self._where: dict[str, tuple[int, int]] = {}
        self._drafts: dict[str, list[tuple[int, int]]] = defaultdict(list)
        answered = {mail.answers for _, _, mail in self._heads(source) if mail.answers}
        for file, raw, mail in self._heads(source):
            drafted = _is_draft(file, raw, mail)
            if drafted or (mail.id in answered and mail.id not in self._where):
                at = (self._kept.tell(), len(data := raw.data[:_HEAD]))
                self._kept.write(data)
                if drafted:
                    for key in _keys(mail):
                        self._drafts[key].append(at)
                else:
                    self._where[mail.id] = at

    def parent(self, mail: Mail) -> Mail | None:
        """The mail that one answers."""
        at = self._where.get(mail.answers)
        return self._mail(at) if at else None

    def draft(self, mail: Mail, own: str) -> str:
        """The words of an earlier version of a mail, from the drafts; empty where there is none."""
        found = []
        for at in dict.fromkeys(at for key in _keys(mail) for at in self._drafts.get(key, ())):
            draft = self._mail(at)
            if draft.sender[:1] != mail.sender[:1] or (draft.date and mail.date and draft.date > mail.date):
                continue
            text = _text(draft).parts.own
            alike = difflib.SequenceMatcher(None, text.split(), own.split(), autojunk=False).ratio()
            if _ALIKE < alike < _EQUAL:
                found.append((alike, text))
        return max(found, default=(0.0, ""))[1]

    @staticmethod
    def _heads(source: Source) -> Iterator[tuple[SourceFile, Raw, Mail]]:
        for file in source.files:
            if file.size and holds_mail(file):
                try:
                    for raw in raw_mails(file):
                        yield file, raw, Mail(raw.data)
                except Unreadable:  # said when the file itself is read
                    continue

    def _mail(self, at: tuple[int, int]) -> Mail:
        self._kept.seek(at[0])
        return Mail(self._kept.read(at[1]))


_known: "weakref.WeakKeyDictionary[Source, _Neighbours]" = weakref.WeakKeyDictionary()


def _neighbours(source: Source) -> _Neighbours:
    if source not in _known:
        _known[source] = _Neighbours(source)
    return _known[source]


def _keys(mail: Mail) -> Iterator[str]:
    """What a draft and the mail sent of it have in common, whichever program wrote them."""
    for name in ("x-gm-thrid", "message-id", "in-reply-to", "x-universally-unique-identifier"):
        if value := mail.raw(name).strip():
            yield f"{name} {value}"
    if mail.subject and mail.raw("to"):
        yield f"to {mail.raw('to').lower()} {mail.subject.lower()}"


def _is_draft(file: SourceFile, raw: Raw, mail: Mail) -> bool:
    return raw.drafted or bool(_DRAFTS.search(file.name)) or any(map(_DRAFTS.search, mail.labels)) or bool(mail.raw("x-mozilla-draft-info"))


def _automatic(mail: Mail) -> bool:
    """Whether a machine sent it: auto-replies, bounces, newsletters, notifications, calendars."""
    if mail.raw("auto-submitted").lower().split(";")[0].strip() not in ("", "no"):
        return True
    if mail.raw("precedence").lower().strip() in ("bulk", "auto_reply", "auto-reply", "junk") or "text/calendar" in mail.types:
        return True
    if "multipart/report" in mail.types or any(mail.raw(name) for name in ("x-autoreply", "x-autorespond", "x-failed-recipients")):
        return True
    if mail.raw("list-unsubscribe") and not mail.raw("list-post"):  # a newsletter; what one writes to a discussion is one's own
        return True
    return bool(mail.sender and _ROBOT.match(mail.sender[0]))


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    neighbours = _neighbours(file.source)
    for raw in raw_mails(file):
        yield _record(file, raw, neighbours)


def _record(file: SourceFile, raw: Raw, neighbours: _Neighbours) -> Record:
    mail = Mail(raw.data)
    text = _text(mail)
    own, reason = text.parts.own, None
    if _is_draft(file, raw, mail):
        reason = Reason.UNPUBLISHED
    elif _automatic(mail):
        reason = Reason.AUTOMATIC
    elif mail.types & _NO_TEXT or (raw.last and text.cut):
        reason = Reason.DAMAGED
    elif not own.strip():
        reason = Reason.FORWARD if text.parts.forwarded else Reason.QUOTE if text.parts.quoted else Reason.EMPTY
    before, draft = text.answered, ""
    if reason is None:
        parent = neighbours.parent(mail)
        to_oneself = parent.sender[:1] == mail.sender[:1] if parent else bool(mail.sender and mail.sender[0] in text.parts.above.lower())
        if parent is not None and not text.parts.quoted:
            said = _text(parent).parts.own
            before = before or said
            if any(len(line) >= _UNMARKED and line.strip() in own for line in said.split("\n")):
                reason = Reason.QUOTE  # the answered mail stands in it, and nothing says where
        before = "" if to_oneself else before
        draft = neighbours.draft(mail, own) if reason is None else ""
    return Record(
        text=own if reason is None or own.strip() else _whole(text.parts), where=raw.where, id=mail.id, author=mail.sender, date=mail.date,
        thread=mail.thread, before=(Message("user", before),) if before.strip() else (), title=mail.subject, channel="email", draft=draft,
        dropped=reason,
    )  # fmt: skip


def _whole(parts: Parts) -> str:
    return MARKS.sub("[...]", "\n\n".join(filter(None, (parts.own, parts.quoted, parts.forwarded, parts.signature))))


READER = Reader("mail", "mail", holds_mail, _read)
"""Mails in mbox, eml, emlx and Maildir."""
