"""Conversations that a row holds whole, as turns: each answer is a text of its own, with what was said before it."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pete.data.examples import Message, Role
from pete.data.sources.record import Reason, Record

_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "prompter": "user", "customer": "user",
    "assistant": "assistant", "gpt": "assistant", "chatgpt": "assistant", "model": "assistant", "bot": "assistant", "ai": "assistant",
    "bing": "assistant", "bard": "assistant", "agent": "assistant",
}  # fmt: skip
_SPEAKERS = ("role", "from", "speaker", "author")
_CONTENTS = ("content", "value", "text", "parts")


@dataclass(frozen=True)
class Turn:
    """One turn, as far as a row can hold it."""

    role: Role | None
    """None is somebody a row has no turn for: a tool."""
    text: str
    whole: bool = True
    """Nothing was said but the text: no picture, no call of a tool."""
    learned: bool = True
    """False where the file says that this answer is not to be learned from (OpenAI's `weight: 0`)."""


def turns_in(value: object) -> list[Turn] | None:
    """The turns of a list of messages, whatever its keys are called; None where it is none. JSON in a cell of a table counts."""
    if isinstance(value, str) and value[:1] == "[":
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return None
    if not isinstance(value, list) or not value or not all(isinstance(turn, Mapping) for turn in value):
        return None
    speaker = next((key for key in _SPEAKERS if all(isinstance(turn.get(key), str) for turn in value)), None)
    return [_turn(turn, speaker) for turn in value] if speaker and any(key in value[0] for key in _CONTENTS) else None


def answers(turns: Sequence[Turn], record: Record) -> Iterator[Record]:
    """Each answer of a conversation as a record: `record` with its text, its number and what was said before.

    An answer that follows a tool's result or a picture is there with its reason: its row would not hold what it answers.
    """
    before: list[Message] = []
    whole, found = True, 0
    for number, joined in enumerate(_joined(turns)):
        whole &= joined.whole and joined.role is not None
        if joined.role == "assistant":
            found += 1
            reason = Reason.UNSEEN if not whole else Reason.UNWANTED if not joined.learned else None
            yield replace(
                record, text=joined.text, before=_answered(before), dropped=reason or (None if joined.text.strip() else Reason.EMPTY),
                where=f"{record.where}, turn {number + 1}", id=f"{record.id}/{found}" if record.id else "",
            )  # fmt: skip
        if joined.role is not None and joined.text.strip():
            before.append(Message(joined.role, joined.text))
    if not found:
        yield replace(record, text="", before=tuple(before), dropped=Reason.EMPTY)


def opening(turns: Sequence[Turn]) -> str:
    """A name for a conversation that has none, the same wherever it stands: by what was said first."""
    said = next((turn.text for turn in turns if turn.role == "user"), "")
    return hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]


def _turn(turn: Mapping[str, Any], speaker: str) -> Turn:
    text, whole = _said(next((turn[key] for key in _CONTENTS if turn.get(key) is not None), ""))
    called = turn.get("tool_calls") or turn.get("function_call")
    return Turn(_ROLES.get(turn[speaker].strip().lower()), text, whole and not called, turn.get("weight") not in (0, 0.0, False, "0"))


def _said(content: object) -> tuple[str, bool]:
    """Text of a message, in one piece or in parts, and whether that is all of it."""
    if isinstance(content, str):
        return content, True
    if not isinstance(content, list):
        return "", False
    texts = [part if isinstance(part, str) else part.get("text") if isinstance(part, Mapping) else None for part in content]
    return "\n".join(text for text in texts if isinstance(text, str)), all(isinstance(text, str) for text in texts)


def _joined(turns: Iterable[Turn]) -> Iterator[Turn]:
    """Turns of one speaker in a row as one."""
    last: Turn | None = None
    for turn in turns:
        if last and turn.role == last.role and turn.role is not None and turn.learned == last.learned:
            last = replace(last, text="\n\n".join(filter(None, (last.text, turn.text))), whole=last.whole and turn.whole)
        else:
            if last:
                yield last
            last = turn
    if last:
        yield last


def _answered(before: Sequence[Message]) -> tuple[Message, ...]:
    """What an answer answers: from what the user says first on, behind the system line; nothing where nobody has asked."""
    system = [message for message in before if message.role == "system"][:1]
    spoken = [message for message in before if message.role != "system"]
    asked = next((place for place, message in enumerate(spoken) if message.role == "user"), len(spoken))
    return (*system, *spoken[asked:]) if spoken[asked:] and spoken[-1].role == "user" else ()
