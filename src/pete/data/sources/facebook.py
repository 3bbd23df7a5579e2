"""Facebook's and Instagram's exports as JSON: chats, posts and captions. Meta writes each byte of a letter as a letter of its own."""

import re
from collections.abc import Iterator
from typing import Any

from pete.data.sources.chat import Said, in_time, turns
from pete.data.sources.dates import moment_of
from pete.data.sources.files import SourceFile
from pete.data.sources.json_file import dicts, head_of, json_of, string
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

_CHAT = re.compile(
    r'"participants"\s*:\s*\[|"sender_name"\s*:\s*".{0,2000}"timestamp_ms"\s*:|"messages"\s*:\s*\[\s*\{\s*"sender_name"', re.DOTALL
)
_POSTS = re.compile(r'"data"\s*:\s*\[\s*(?:\{[^{}]{0,200}\},?\s*)*\{\s*"(?:post|update_timestamp)"\s*:')
_CAPTIONS = re.compile(
    r'"media"\s*:\s*\[\s*\{\s*"uri"\s*:\s*"(?:media|your_instagram_activity)/|"creation_timestamp"\s*:\s*\d+,\s*"media_metadata"'
)
_SHOWN = re.compile(
    r"(?:You|.{1,60}) (?:sent (?:an? |the )?(?:attachment|photo|video|GIF|sticker|voice message|link|location|live location).{0,40}"
    r"|(?:reacted|liked|changed|set|named|added|removed|left|joined|started|missed|created|pinned|unsent|called) .{1,120})",
    re.IGNORECASE,
)
"""What Meta writes where there is no text."""
_ALONE = re.compile(r"(?:Reacted \S{1,12} to your message|Liked a message|This poll is no longer available\.)")


def _recognises(file: SourceFile) -> bool:
    head = head_of(file, ".json")
    return head[:1] in ("{", "[") and bool(_CHAT.search(head) or _POSTS.search(head) or _CAPTIONS.search(head))


def letters(text: str) -> str:
    """A text of Meta's as it was written. One that is no such text stays."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _chat(file: SourceFile, export: dict[str, Any]) -> Iterator[Record]:
    title = letters(string(export.get("title")))
    key = f"meta {string(export.get('thread_path')) or title or file.folder}"
    said = []
    for number, message in enumerate(export["messages"], 1):
        where = f"{file.label}: message {number}"
        if not isinstance(message, dict):
            yield Record(text=str(message), where=where, channel="chat message", dropped=Reason.DAMAGED)
            continue
        text, name = letters(string(message.get("content"))), letters(string(message.get("sender_name")))
        reason = None
        if message.get("is_unsent"):
            reason = Reason.REMOVED
        elif (message.get("type") or "Generic") not in ("Generic", "Share") or _system(text, name, message):
            reason = Reason.SYSTEM
        said.append(
            Said(text=text, where=where, author=(name,) if name else (), date=moment_of(message.get("timestamp_ms")), dropped=reason)
        )
    in_order = in_time(reversed(said))  # the newest stands first
    yield from turns(in_order, chat=key)


def _system(text: str, name: str, message: dict[str, Any]) -> bool:
    """Whether a text is Meta's: a sentence about its sender."""
    if _ALONE.fullmatch(text.strip()):
        return True
    if not _SHOWN.fullmatch(text.strip()):
        return False
    return text.startswith(("You ", f"{name} ")) and (
        bool(message.get("share") or message.get("call_duration") is not None) or text.endswith(".")
    )


def _posts(file: SourceFile, export: Any) -> Iterator[Record]:
    posts = dicts(export)
    if isinstance(export, dict):
        posts = next((dicts(value) for value in export.values() if isinstance(value, list)), [export])
    for number, post in enumerate(posts, 1):
        media = dicts(post.get("media"))
        texts = [string(item.get("post")) for item in dicts(post.get("data")) if item.get("post")]
        captions = [string(item.get("title")) for item in (post, *media) if string(item.get("title")) and (media or "uri" in post)]
        instagram = not texts and "data" not in post
        text = letters("\n\n".join(texts or (captions[:1] if instagram else [])))
        moment = post.get("timestamp") or post.get("creation_timestamp") or (media[0].get("creation_timestamp") if media else None)
        yield Record(
            text=text, where=f"{file.label}: post {number}", own=True, date=moment_of(moment),
            channel="Instagram caption" if instagram else "Facebook post", dropped=None if text.strip() else Reason.EMPTY,
        )  # fmt: skip


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    export = json_of(file)
    if isinstance(export, dict) and isinstance(export.get("messages"), list):
        yield from _chat(file, export)
    elif isinstance(export, list | dict):
        yield from _posts(file, export)
    else:
        raise Unreadable(f"{file.label}: neither a chat nor posts of Facebook or Instagram")


READER = Reader("facebook", "Facebook or Instagram export", _recognises, _read)
"""Chats, posts and captions that Meta exports."""
