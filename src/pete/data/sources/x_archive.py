"""The archive of X (Twitter): posts, long posts in full, and private messages; threads of one's own are one text."""

import datetime
import html
import re
from collections.abc import Iterator
from typing import Any

from pete.data.sources.chat import Said, in_time, turns
from pete.data.sources.dates import moment_of
from pete.data.sources.files import SourceFile
from pete.data.sources.json_file import dicts, head_of, json_of, string
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

_BEGINS = re.compile(r"window\.YTD\.(\w+)\.part\d+\s*=\s*")
_POSTS = ("tweet", "tweets", "community_tweet", "community_tweets")
_DELETED = ("deleted_tweets", "deleted_tweet")
_MESSAGES = ("direct_messages", "direct_message", "direct_messages_group", "direct_message_group")
_NAMES = re.compile(r"(?:@\w{1,20}\s+)+")
_CUT = re.compile(r"\s*(?:…|\.\.\.)?\s*(?:https://t\.co/\w+)?\s*$")
_LONG = 200
"""Letters from which on a post may be the beginning of a longer one."""
_ANSWERED = datetime.timedelta(days=1)


def _kind(file: SourceFile) -> str:
    found = _BEGINS.match(head_of(file, ".js"))
    return found[1].lower() if found else ""


def _recognises(file: SourceFile) -> bool:
    return _kind(file) in (*_POSTS, *_DELETED, *_MESSAGES)


def _items(file: SourceFile, *names: str) -> Iterator[dict[str, Any]]:
    """The objects of a file, out of the wrapper of one key that each may have."""
    for item in dicts(json_of(file, _BEGINS)):
        inner = next((item[name] for name in names if isinstance(item.get(name), dict)), item)
        yield inner


def _owner(file: SourceFile) -> tuple[tuple[str, ...], str]:
    """Names of the account, and its id."""
    account = file.beside("account.js")
    try:
        for item in _items(account, "account") if account else ():
            names = tuple(filter(None, (string(item.get("username")), string(item.get("accountDisplayName")))))
            return names, string(item.get("accountId"))
    except Unreadable:
        pass
    return (), ""


def _notes(file: SourceFile) -> dict[str, str]:
    """Id, or else the beginning, of a post -> the whole of it."""
    notes = {}
    for other in file.source.below(file.folder):
        if _kind(other) in ("note_tweet", "notetweet"):
            for note in _items(other, "noteTweet", "note_tweet"):
                results, core = note.get("noteTweetResults"), note.get("core")
                text = string((results if isinstance(results, dict) else core if isinstance(core, dict) else note).get("text"))
                if text:
                    key = string(note.get("tweetId"))
                    notes[key or html.unescape(text)[:_LONG]] = html.unescape(text)
    return notes


def _text(post: dict[str, Any], notes: dict[str, str]) -> str:
    """What was written: links as they were typed, no link to a picture, nobody's name put in front by X."""
    text = string(post.get("full_text")) or string(post.get("text"))
    entities, extended = post.get("entities"), post.get("extended_entities")
    cut = html.unescape(_CUT.sub("", text))
    note = notes.get(string(post.get("id_str"))) or (notes.get(cut[:_LONG]) if len(cut) >= _LONG else None)
    if note and note.startswith(cut[:_LONG]):
        text = note
    for holder in (entities, extended):
        for url in dicts(holder.get("urls")) if isinstance(holder, dict) else []:
            if short := string(url.get("url")):
                text = text.replace(short, string(url.get("expanded_url")) or short)
        for media in dicts(holder.get("media")) if isinstance(holder, dict) else []:
            if short := string(media.get("url")):
                text = text.replace(short, "")
    if post.get("in_reply_to_status_id_str") or post.get("in_reply_to_screen_name"):
        text = _NAMES.sub("", text, count=1) if _NAMES.match(text) else text
    return (text if note else html.unescape(text)).strip()


def _posts(file: SourceFile) -> Iterator[Record]:
    (names, _), notes = _owner(file), _notes(file)
    posts = list(_items(file, "tweet"))
    mine = {string(post.get("id_str")): post for post in posts}
    follows: dict[str, dict[str, Any]] = {}
    for post in sorted(posts, key=lambda post: string(post.get("id_str")).zfill(25)):
        above = string(post.get("in_reply_to_status_id_str"))
        if above in mine and above.zfill(25) < string(post.get("id_str")).zfill(25):
            follows.setdefault(above, post)
    continued = {string(post.get("id_str")) for post in follows.values()}
    for number, post in enumerate(posts, 1):
        key = string(post.get("id_str"))
        if key in continued:
            continue
        chain, seen = [post], {key}
        while (after := follows.get(string(chain[-1].get("id_str")))) and string(after.get("id_str")) not in seen:
            chain.append(after)
            seen.add(string(after.get("id_str")))
        text = "\n\n".join(filter(None, (_text(one, notes) for one in chain)))
        answer = bool(post.get("in_reply_to_status_id_str")) and string(post.get("in_reply_to_status_id_str")) not in mine
        reshared = string(post.get("full_text")).startswith("RT @")
        yield Record(
            text=text, where=f"{file.label}: post {number}", id=key, author=names, own=True, date=moment_of(string(post.get("created_at"))),
            thread=string(post.get("in_reply_to_status_id_str")) or key, channel="reply on X" if answer else "post on X",
            dropped=Reason.RESHARE if reshared else Reason.REMOVED if _kind(file) in _DELETED else None if text else Reason.EMPTY,
        )  # fmt: skip


def _messages(file: SourceFile) -> Iterator[Record]:
    names, me = _owner(file)
    for conversation in _items(file, "dmConversation"):
        chat = f"x {string(conversation.get('conversationId'))}"
        said = []
        for number, item in enumerate(dicts(conversation.get("messages")), 1):
            message = item.get("messageCreate")
            where = f"{file.label}: {chat}, message {number}"
            if not isinstance(message, dict):
                said.append(Said(text="", where=where, dropped=Reason.SYSTEM))
                continue
            who, text = string(message.get("senderId")), html.unescape(string(message.get("text")))
            for url in dicts(message.get("urls")):
                text = text.replace(string(url.get("url")) or "\0", string(url.get("expanded")))
            said.append(
                Said(
                    text=text, where=where, id=string(message.get("id")), author=(*names, who) if who == me and me else (who,),
                    own=who == me if me and who else None, date=moment_of(message.get("createdAt")),
                )
            )  # fmt: skip
        in_order = in_time(reversed(said))  # the newest stands first
        yield from turns(in_order, chat=chat, window=_ANSWERED)


def _companion(file: SourceFile) -> bool:
    return bool(_kind(file)) or (file.basename in ("manifest.js", "README.txt") and file.beside("account.js") is not None)


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    yield from _messages(file) if _kind(file) in _MESSAGES else _posts(file)


READER = Reader("x", "X archive", _recognises, _read, _companion)
"""Posts and private messages of an archive of X."""
