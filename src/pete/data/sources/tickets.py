"""Tickets of a help desk: what its people wrote to customers, each answer with the conversation before it."""

from collections.abc import Iterable, Iterator

from pete.data.sources.chat import Said, turns
from pete.data.sources.record import Record

CHANNEL = "support reply"


def ticket(comments: Iterable[Said], *, name: str, title: str) -> Iterator[Record]:
    """The comments of one ticket as records.

    What is dropped is no part of the conversation: a note, or what a machine wrote, lies between a question and its answer often.

    Args:
        comments: in the order of time; `own` is False for customers.
        name: the ticket's own, the same in every export.
        title: its subject.
    """
    said = list(comments)
    for comment in said:
        if comment.dropped:
            yield Record(
                text=comment.text, where=comment.where, id=comment.id, author=comment.author, own=comment.own, date=comment.date,
                thread=name, title=title, channel=CHANNEL, dropped=comment.dropped,
            )  # fmt: skip
    public = [comment for comment in said if not comment.dropped]
    yield from turns(public, chat=name, channel=CHANNEL, title=title, window=None, silence=None)
