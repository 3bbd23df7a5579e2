"""Rows made from training rows: which, how many, and where they come from. Their answers are the author's, byte for byte."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from pete.data.augment.noise import noisy
from pete.data.augment.paraphrase import paraphrases
from pete.data.augment.windows import windows
from pete.data.examples import Example
from pete.data.import_rows import INCOMING
from pete.data.text import same_prompt

Kind = Literal["paraphrase", "windows", "noise"]
KINDS: tuple[Kind, ...] = ("paraphrase", "windows", "noise")
FILE = "augmented.jsonl"
"""Below examples/."""


class Passed(StrEnum):
    """Why nothing was made of a row; the value is what the report says."""

    CONVERSATION = "a conversation: its earlier turns belong to the answer"
    INCOMING = "its prompt is a message that somebody wrote: it stays as it is (--kind noise is for those)"
    NO_MESSAGE = "its prompt is no message that somebody wrote, as far as is known (--category NAME says so)"
    NO_REQUEST = "its prompt begins with no plain request"
    SHORT = "too short, or without paragraphs to cut at"
    UNCHANGED = "nothing to change in it"
    REFUSED = "what came back changed the request"
    CAPPED = "beyond as many as were asked for"


@dataclass
class Making:
    """What was made, and of which rows nothing."""

    rows: list[Example] = field(default_factory=list)
    passed: Counter[tuple[Kind, Passed]] = field(default_factory=Counter)
    there: int = 0
    """Rows of an earlier time that this one would have made again."""


@dataclass(frozen=True)
class Other:
    """Another prompt, or another part, for a row."""

    prompt: str
    completion: str
    how: str
    """Behind the kind in the row's origin: "by rule", "url:HOST MODEL", "lower case, slips"."""


def make(
    kind: Kind,
    training: Sequence[Example],
    there: Sequence[Example],
    banned: Sequence[str],
    per_row: int,
    most: int,
    named: bool,
    others: Callable[[Example], list[Other] | None],
) -> Making:
    """Rows of one kind.

    Args:
        kind: which.
        training: the author's rows that are trained on.
        there: every row of the persona.
        banned: prompts of the evaluation.
        per_row: how many of a row, at most.
        most: how many in all, those that are there counted.
        named: the person named the rows' categories: their prompts are messages, wherever they came from.
        others: what can be made of a row (see `by_rule`); None where nobody was asked, for there would be more than `most`.
    """
    making = Making()
    ids = {row.id for row in there}
    prompts = {same_prompt(prompt) for prompt in (*banned, *(row.prompt for row in there))}
    made_before = Counter(row.augmented_from for row in there if kind_of(row) == kind)
    count = made_before.total()
    for row in sorted(training, key=lambda row: hashlib.sha256(f"{kind}\0{row.key}".encode()).digest()):
        if (why := unfit(kind, row, named)) is not None:
            making.passed[kind, why] += 1
            continue
        made = 0
        old = made_before[row.key]
        if old >= per_row:
            making.there += old
            continue
        found = others(row) if count < most else None
        if found is None:
            making.passed[kind, Passed.CAPPED] += 1
            continue
        for other in found:
            if old + made >= per_row or count >= most:
                break
            key = f"{row.key}-{kind}-{hashlib.sha256(f'{other.prompt}{other.completion}'.encode()).hexdigest()[:6]}"
            if key in ids or same_prompt(other.prompt) in prompts or other.completion not in row.completion:
                continue
            prompts.add(same_prompt(other.prompt))
            making.rows.append(_row(row, kind, key, other))
            made, count = made + 1, count + 1
        if not made:
            making.passed[kind, _nothing(kind)] += 1
    return making


def by_rule(kind: Kind) -> Callable[[Example], list[Other]]:
    """What can be made of a row without a model."""

    def others(row: Example) -> list[Other]:
        if kind == "windows":
            return [Other(part.prompt(row.prompt), part.text, part.place) for part in windows(row.completion)]
        if kind == "noise":
            tried = [noisy(row.prompt, f"{row.key} {number}") for number in range(8)]
            return [Other(text, row.completion, ", ".join(names)) for text, names in filter(None, tried)]
        found = paraphrases(row.prompt)
        start = int(hashlib.sha256(row.key.encode()).hexdigest(), 16) % max(1, len(found))
        return [Other(prompt, row.completion, "by rule") for prompt in (*found[start:], *found[:start])]

    return others


def unfit(kind: Kind, row: Example, named: bool) -> Passed | None:
    """Why a row is not for this kind at all."""
    if row.messages and kind != "noise":
        return Passed.CONVERSATION
    if kind == "paraphrase" and row.origin == INCOMING:
        return Passed.INCOMING
    if kind == "noise" and row.origin != INCOMING and not named:
        return Passed.NO_MESSAGE
    return None


def kind_of(row: Example) -> str:
    """The kind of an augmented row; "" for the author's, and for drafts."""
    return row.origin.partition(":")[0] if row.augmented_from and row.task == "write" else ""


def _nothing(kind: Kind) -> Passed:
    return {"paraphrase": Passed.NO_REQUEST, "windows": Passed.SHORT, "noise": Passed.UNCHANGED}[kind]


def _row(row: Example, kind: Kind, key: str, other: Other) -> Example:
    common: dict[str, Any] = {"id": key, "category": row.category, "format": row.format, "topic": row.topic, "source": row.source}
    common |= {"origin": f"{kind}: {other.how}", "augmented_from": row.key, "date": row.date, "train": row.train}
    if row.messages:
        asked = max(number for number, turn in enumerate(row.messages) if turn.role == "user")
        turns = [{"role": t.role, "content": other.prompt if n == asked else t.content} for n, t in enumerate(row.messages)]
        return Example.model_validate(common | {"messages": turns})
    return Example.model_validate(common | {"prompt": other.prompt, "completion": other.completion})


def records(rows: Sequence[Example]) -> Iterator[dict[str, Any]]:
    """Rows as they stand in the file."""
    for row in rows:
        record = row.record()
        record.pop("source", None)
        yield record
