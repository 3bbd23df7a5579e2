"""Rows of an import: each text with what it answers, or with a prompt by rule; edit pairs; topics that hold a thread together."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pete.data.bare_prompts import Bare, bare_prompt
from pete.data.checks.prompts import standing
from pete.data.examples import Example, Message
from pete.data.importer import Kept
from pete.data.key_terms import KeyTerms
from pete.data.language import language_of

HELD_OUT = 20
"""Prompts of a category that an evaluation asks."""
_PART = re.compile(r"-[0-9a-f]{16}-\d+$")
INCOMING, RULE = "incoming message", "rule"
"""How a prompt was made."""


def topic_of(kept: Kept) -> str:
    """What holds together the texts of a thread, or the passages of one text."""
    return f"{kept.reader}:{kept.record.thread or kept.record.id or kept.key}"


def rows_of(kept: Sequence[Kept], categories: Sequence[str], bare_before: int = 0) -> list[Example]:
    """Rows of the texts, in their order.

    Args:
        kept: the texts.
        categories: of each text.
        bare_before: rows that have a prompt by rule already; the forms go on from there.
    """
    terms = KeyTerms(text.record.text for text in kept if not text.conversation)
    rows: list[Example] = []
    for text, category in zip(kept, categories, strict=True):
        for part, piece in enumerate(text.pieces, 1):
            row = _row(text, category, part, piece)
            if row is None:
                row = _bare_row(text, category, part, piece, terms, bare_before)
                bare_before += 1
            rows.append(row)
    return rows


def _common(text: Kept, category: str, part: int) -> dict[str, Any]:
    record = text.record
    return {
        "id": f"{text.reader}-{text.key}" + (f"-{part}" if len(text.pieces) > 1 else ""),
        "category": category,
        "format": record.channel,
        "topic": topic_of(text),
        "date": record.date.isoformat() if record.date else "",
        "found": record.where,
    }


def _row(text: Kept, category: str, part: int, piece: str) -> Example | None:
    """The row of a text that answers somebody: its first passage does."""
    if not text.conversation or part > 1:
        return None
    if len(text.conversation) == 1:
        said: dict[str, Any] = {"prompt": text.conversation[0].content, "completion": piece}
    else:
        said = {"messages": (*text.conversation, Message("assistant", piece)), "train": "last"}
    return Example.model_validate(_common(text, category, part) | said | {"origin": INCOMING})


def _bare_row(text: Kept, category: str, part: int, piece: str, terms: KeyTerms, number: int) -> Example:
    record = text.record
    bare = Bare(
        text=piece, kind=record.channel, title=record.title, headings=record.headings if len(text.pieces) == 1 else (),
        terms=tuple(terms.of(piece)), part=(part, len(text.pieces)), language=language_of(piece),
    )  # fmt: skip
    return Example(**_common(text, category, part), origin=RULE, prompt=bare_prompt(bare, number), completion=piece)


def questions_of(rows: Sequence[Example], most: int = HELD_OUT) -> list[dict[str, str]]:
    """Prompts for the evaluation, with the author's own answers: up to `most` a category, of rows that are never trained on.

    One a topic, and none that is understood only in its conversation, is a part of something longer, or stands in training too.
    """
    found: list[dict[str, str]] = []
    asked: set[str] = set()
    counts: Counter[str] = Counter()
    whole = [row for row in rows if row.split == "test" and not row.messages and not _PART.search(row.id)]
    same, nearly = standing([row.prompt for row in whole], rows)
    for number, row in enumerate(whole):
        if number not in {**same, **nearly} and row.topic not in asked and counts[row.category] < most:
            asked.add(row.topic)
            counts[row.category] += 1
            question = {"id": f"{row.category}-{counts[row.category]:02}", "category": row.category, "format": row.format,
                        "topic": row.topic, "prompt": row.prompt, "reference": row.completion}  # fmt: skip
            found.append({key: value for key, value in question.items() if value})
    return found


def edits_of(kept: Iterable[Kept]) -> Iterator[dict[str, str]]:
    """Edit pairs: an earlier version of a text, and what its author made of it."""
    for text in kept:
        record = text.record
        if record.draft and record.draft != record.text:
            pair = {
                "id": f"{text.reader}-{text.key}",
                "draft": record.draft,
                "final": record.text,
                "date": record.date.isoformat() if record.date else "",
                "topic": topic_of(text),
                "source": record.where,
            }
            yield {key: value for key, value in pair.items() if value}
