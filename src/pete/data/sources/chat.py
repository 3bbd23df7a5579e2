"""Chats as texts one can learn from: a person's messages in a row are one turn, and what was said just before is its prompt.

Nothing here asks who the export's owner is: each turn is told from its own author's side, and the importer takes those it wants.
"""

import datetime
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pete.data.examples import Message
from pete.data.sources.record import Reason, Record

JOIN = datetime.timedelta(minutes=2)
"""Messages of one sender this near together are one turn."""
WINDOW = datetime.timedelta(minutes=5)
"""A turn this soon after another's answers it."""
SILENCE = datetime.timedelta(hours=6)
"""After this long another conversation begins: a thread of its own."""
TURNS = 6
"""Turns before an answer that are its prompt, at most."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """One message of a chat, as its format has it."""

    text: str
    where: str
    author: tuple[str, ...] = ()
    date: datetime.datetime | None = None
    id: str = ""
    own: bool | None = None
    answers: str = ""
    """Id of the message that it says it answers."""
    dropped: Reason | None = None


@dataclass
class _Turn:
    messages: list[Said]
    before: list["_Turn"]

    @property
    def who(self) -> tuple[str, ...]:
        return self.messages[0].author

    @property
    def text(self) -> str:
        return "\n".join(message.text for message in self.messages)


def in_time(messages: Iterable[Said]) -> list[Said]:
    """Messages in the order of time, those without a date first."""
    return sorted(messages, key=lambda message: message.date or datetime.datetime.min.replace(tzinfo=datetime.UTC))


def turns(
    messages: Iterable[Said],
    *,
    chat: str,
    channel: str = "chat message",
    title: str = "",
    window: datetime.timedelta | None = WINDOW,
    silence: datetime.timedelta | None = SILENCE,
    context: Sequence[Said] = (),
) -> Iterator[Record]:
    """The turns of one chat, in the order of time, and every message that is none with its reason.

    Args:
        messages: in the order of time.
        chat: a name of the chat that stays the same from export to export.
        channel: as in a record.
        title: as in a record.
        window: how soon an answer comes; None where every message answers the one before.
        silence: how long a pause begins another thread; None where the chat is one.
        context: what was said before, and is given elsewhere.
    """
    recent: deque[_Turn] = deque((_Turn([message], []) for message in context if message.text.strip()), maxlen=TURNS)
    by_id = {message.id: message for message in context if message.id}
    run: _Turn | None = None
    last: datetime.datetime | None = None
    thread = chat

    def record(turn: _Turn) -> Record:
        first = turn.messages[0]
        return Record(
            text=turn.text, where=first.where, id=first.id, author=first.author, own=first.own, date=first.date, thread=thread,
            before=_before(turn, by_id), title=title, channel=channel,
        )  # fmt: skip

    for message in messages:
        dropped = message.dropped or (None if message.text.strip() else Reason.EMPTY)
        if silence and message.date and (last is None or message.date - last > silence) and dropped != Reason.SYSTEM:
            if run:
                yield record(run)
            run, thread = None, f"{chat} {message.date.isoformat(timespec='seconds')}"
            recent.clear()
        if dropped:
            if dropped != Reason.SYSTEM and (run is None or message.author != run.who):  # a picture, say: what comes next may answer that
                if run:
                    yield record(run)
                run = None
                recent.clear()
            yield Record(
                text=message.text, where=message.where, id=message.id, author=message.author, own=message.own, date=message.date,
                thread=thread, title=title, channel=channel, dropped=dropped,
            )  # fmt: skip
            last = last if dropped == Reason.SYSTEM else message.date or last
            continue
        if run and message.author == run.who and not message.answers and _near(run.messages[-1].date, message.date, JOIN):
            run.messages.append(message)
        else:
            if run:
                yield record(run)
                recent.append(run)
            earlier = list(recent) if recent and _near(recent[-1].messages[-1].date, message.date, window) else []
            if not earlier:
                recent.clear()
            run = _Turn([message], earlier)
        if message.id:
            by_id[message.id] = message
        last = message.date or last
    if run:
        yield record(run)


def _near(before: datetime.datetime | None, after: datetime.datetime | None, window: datetime.timedelta | None) -> bool:
    return window is None or (before is not None and after is not None and after - before <= window)


def _before(turn: _Turn, by_id: dict[str, Said]) -> tuple[Message, ...]:
    """What a turn answers: the message it names, else the turns just before it; it ends with somebody else's."""
    if answered := turn.messages[0].answers:
        named = by_id.get(answered)
        return (Message("user", named.text),) if named and named.author != turn.who else ()
    earlier = turn.before
    if earlier and earlier[-1].who == turn.who:  # an afterthought answers nobody
        return ()
    several = len({other.who for other in earlier if other.who != turn.who}) > 1
    found: list[Message] = []
    for other in earlier:
        role = "assistant" if other.who == turn.who else "user"
        text = f"{other.who[0]}: {other.text}" if several and role == "user" and other.who else other.text
        if found and found[-1].role == role:
            found[-1] = replace(found[-1], content=f"{found[-1].content}\n{text}")
        elif found or role == "user":
            found.append(Message(role, text))
    return tuple(found)
