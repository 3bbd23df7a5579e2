"""Slack's export: a folder a channel, a file a day, and who is who beside them."""

import datetime
import html
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from pete.data.sources.chat import Said, in_time, turns
from pete.data.sources.dates import moment_of
from pete.data.sources.files import SourceFile
from pete.data.sources.json_file import dicts, head_of, json_of, string
from pete.data.sources.record import ImportOptions, Reader, Reason, Record, Unreadable

_DAY = re.compile(r"\d{4}-\d\d-\d\d\.json")
_SAID = ("", "thread_broadcast", "file_share", "me_message", "file_comment", "reply_broadcast")
"""Kinds of message that somebody wrote; all others are Slack's own."""
_LISTS = (
    "users.json",
    "channels.json",
    "groups.json",
    "dms.json",
    "mpims.json",
    "integration_logs.json",
    "canvases.json",
    "org_users.json",
)
_REFERENCE = re.compile(r"<([@#!])?([^<>|\s]+)(?:\|([^<>]*))?>")
_EMOJI = re.compile(r":([a-z0-9_+'-]+)(?:::skin-tone-\d)?:")


def _recognises(file: SourceFile) -> bool:
    head = head_of(file, ".json")
    return bool(_DAY.fullmatch(file.basename)) and head.startswith("[") and ('"ts"' in head or head[1:].strip() == "]")


def _companion(file: SourceFile) -> bool:
    return file.basename.lower() in _LISTS and file.beside("channels.json", "users.json") is not None


def _people(file: SourceFile) -> dict[str, tuple[str, ...]]:
    """Id -> names, as Slack shows them, and the address."""
    above = file.folder.rpartition("/")[0]
    found = file.source.by_name.get(f"{above}/users.json".lstrip("/").casefold())
    people = {}
    for user in dicts(json_of(found)) if found else []:
        profile = next(iter(dicts([user.get("profile")])), {})
        names = (profile.get("display_name"), profile.get("real_name"), user.get("real_name"), user.get("name"), profile.get("email"))
        people[string(user.get("id"))] = tuple(dict.fromkeys([name for name in map(string, names) if name] + [string(user.get("id"))]))
    return people


def _text(message: Mapping[str, Any], people: Mapping[str, tuple[str, ...]]) -> str:
    """What was written: Slack's own marks undone, the longer of its two forms."""
    text, blocks = string(message.get("text")), dicts(message.get("blocks"))
    drawn = {string(one.get("name")): sign for one in _elements(blocks) if one.get("type") == "emoji" and (sign := _emoji(one))}

    def reference(found: re.Match[str]) -> str:
        kind, what, label = found.groups()
        if kind == "@":
            return f"@{(people.get(what) or (label or what,))[0]}"
        if kind == "#":
            return f"#{label or what}"
        if kind == "!":
            return label or f"@{what.partition('^')[0]}"
        return label or what.removeprefix("mailto:")

    text = html.unescape(_REFERENCE.sub(reference, text))
    text = _EMOJI.sub(lambda found: drawn.get(found[1], found[0]), text)
    rich = "\n".join(filter(None, (_rich(block, people) for block in blocks if block.get("type") == "rich_text")))
    return rich if _letters(rich) > _letters(text) else text


def _emoji(element: dict[str, Any]) -> str:
    """The emoji that was typed; nothing where it is the workspace's own picture."""
    codes = [int(code, 16) for code in re.findall(r"[0-9a-f]+", string(element.get("unicode")).lower()[:80])]
    return "".join(map(chr, codes)) if all(0x20 < code < 0x110000 and not 0xD800 <= code < 0xE000 for code in codes) else ""


def _letters(text: str) -> int:
    return sum(character.isalnum() for character in text)


def _elements(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    stack = list(reversed(blocks))
    while stack:
        element = stack.pop()
        yield element
        stack += reversed(dicts(element.get("elements")))


def _rich(block: dict[str, Any], people: Mapping[str, tuple[str, ...]], depth: int = 0) -> str:
    """Text of a rich block."""
    if depth > 20:
        return ""
    lines = []
    for part in dicts(block.get("elements")):
        kind = part.get("type")
        if kind == "rich_text_list":
            lines.append("\n".join(f"- {_inline(item, people)}" for item in dicts(part.get("elements"))))
        elif kind == "rich_text":
            lines.append(_rich(part, people, depth + 1))
        else:
            text = _inline(part, people)
            lines.append("\n".join(f"> {line}" for line in text.split("\n")) if kind == "rich_text_quote" else text)
    return "\n".join(line.strip("\n") for line in lines)


def _inline(section: dict[str, Any], people: Mapping[str, tuple[str, ...]]) -> str:
    said = []
    for element in dicts(section.get("elements")):
        match element.get("type"):
            case "user":
                who = string(element.get("user_id"))
                said.append(f"@{(people.get(who) or (who,))[0]}")
            case "emoji":
                said.append(_emoji(element) or f":{string(element.get('name'))}:")
            case "link":
                said.append(string(element.get("text")) or string(element.get("url")))
            case "channel" | "broadcast" | "usergroup":
                said.append(f"@{string(element.get('range') or element.get('channel_id') or element.get('usergroup_id'))}")
            case _:
                said.append(string(element.get("text")))
    return "".join(said)


def _said(message: dict[str, Any], where: str, file: SourceFile, people: Mapping[str, tuple[str, ...]]) -> Said:
    user, subtype, ts = string(message.get("user")), string(message.get("subtype")), string(message.get("ts"))
    reason = None
    if message.get("bot_id") or subtype.startswith("bot_") or user == "USLACKBOT":
        reason = Reason.AUTOMATIC
    elif subtype == "tombstone":
        reason = Reason.REMOVED
    elif subtype not in _SAID:
        reason = Reason.SYSTEM
    text = _text(message, people)
    return Said(
        text=text, where=where, author=people.get(user) or ((user,) if user else ()), date=moment_of(ts), id=f"{file.folder} {ts}",
        dropped=reason,
    )  # fmt: skip


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    people, channel = _people(file), file.folder.rpartition("/")[2] or file.source.name
    found = json_of(file)
    if not isinstance(found, list):
        raise Unreadable(f"{file.label}: a day of Slack is a list of messages, and this is none")
    flow: list[Said] = []
    threads: dict[str, list[Said]] = defaultdict(list)
    known: dict[str, Said] = {}
    for number, message in enumerate(found, 1):
        where = f"{file.label}: message {number}"
        if not isinstance(message, dict):
            yield Record(text=str(message), where=where, channel="chat message", dropped=Reason.DAMAGED)
            continue
        said = _said(message, where, file, people)
        ts, thread = string(message.get("ts")), string(message.get("thread_ts"))
        known[ts] = said
        (threads[thread] if thread and thread != ts else flow).append(said)
    yield from turns(in_time(flow), chat=f"slack {channel}")
    for thread, answers in threads.items():
        first = known.get(thread) or _elsewhere(file, thread, people)
        yield from turns(in_time(answers), chat=f"slack {channel} {thread}", window=None, silence=None, context=[first] if first else [])


def _elsewhere(file: SourceFile, ts: str, people: Mapping[str, tuple[str, ...]]) -> Said | None:
    """The first message of a thread that began on another day."""
    moment = moment_of(ts)
    if moment is None:
        return None
    for days in (0, -1, 1):  # a file's day is that of the workspace, and its zone is written nowhere
        day = (moment + datetime.timedelta(days=days)).date().isoformat()
        other = file.beside(f"{day}.json")
        if other is None or other is file:
            continue
        try:
            found = next((message for message in dicts(json_of(other)) if string(message.get("ts")) == ts), None)
        except Unreadable:
            continue
        if found:
            return _said(found, other.label, other, people)
    return None


READER = Reader("slack", "Slack export", _recognises, _read, _companion)
"""Days of Slack channels."""
