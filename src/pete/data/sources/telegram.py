"""Telegram Desktop's export as JSON (result.json): one chat, or all of them."""

import re
from collections.abc import Iterator
from typing import Any

from pete.data.sources.chat import Said, turns
from pete.data.sources.dates import moment_of
from pete.data.sources.files import SourceFile
from pete.data.sources.json_file import dicts, head_of, json_of, string
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

_KNOWN = re.compile(
    r'"type"\s*:\s*"(?:personal_chat|bot_chat|saved_messages|replies|verification_codes|(?:private|public)_(?:group|supergroup|channel))"'
    r'|"date_unixtime"\s*:.{0,400}"from_id"\s*:',
    re.DOTALL,
)
_ACCOUNT = re.compile(r'"(?:personal_information|chats|about)"\s*:')
_MINE = re.compile(r'"user_id"\s*:\s*\d+')


def _recognises(file: SourceFile) -> bool:
    head = head_of(file, ".json")
    return head.startswith("{") and (bool(_KNOWN.search(head)) or (len(_ACCOUNT.findall(head)) > 1 and bool(_MINE.search(head))))


def _text(message: dict[str, Any]) -> str:
    """Telegram gives a text as a string, or as a list of strings and marked pieces."""
    text = message.get("text")
    pieces = text if isinstance(text, list) else [text]
    return "".join(string(piece.get("text")) if isinstance(piece, dict) else string(piece) for piece in pieces)


def _said(message: dict[str, Any], where: str, chat: str, me: str) -> Said:
    who = string(message.get("from_id")) or string(message.get("actor_id"))
    reason = None
    if message.get("type") != "message":
        reason = Reason.SYSTEM
    elif message.get("forwarded_from") or message.get("forwarded_from_id"):
        reason = Reason.FORWARD
    elif message.get("via_bot"):
        reason = Reason.AUTOMATIC
    text, answers = _text(message), string(message.get("reply_to_message_id"))
    return Said(
        text=text, where=where, author=tuple(filter(None, (string(message.get("from")) or string(message.get("actor")), who))),
        date=moment_of(message.get("date_unixtime")) or moment_of(message.get("date")), id=f"{chat} {string(message.get('id'))}",
        own=who == me if me and who else None, answers=f"{chat} {answers}" if answers else "", dropped=reason,
    )  # fmt: skip


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    export = json_of(file)
    if not isinstance(export, dict):
        raise Unreadable(f"{file.label}: no export of Telegram: an object was expected")
    chats = [export] if "messages" in export else []
    for name in ("chats", "left_chats"):
        held = export.get(name)
        chats += dicts(held.get("list")) if isinstance(held, dict) else []
    owner = export.get("personal_information")
    me = f"user{string(owner.get('user_id'))}" if isinstance(owner, dict) and owner.get("user_id") else ""
    for chat in chats:
        key = f"telegram {string(chat.get('id')) or string(chat.get('name'))}"
        said, messages = [], chat.get("messages")
        for number, message in enumerate(messages if isinstance(messages, list) else [], 1):
            named = string(message.get("id")) if isinstance(message, dict) else number
            where = f"{file.label}: {string(chat.get('name')) or key}, message {named}"
            if isinstance(message, dict):
                said.append(_said(message, where, key, me))
            else:
                yield Record(text=str(message), where=where, channel="chat message", dropped=Reason.DAMAGED)
        yield from turns(said, chat=key)


READER = Reader("telegram", "Telegram export", _recognises, _read)
"""Chats of Telegram."""
