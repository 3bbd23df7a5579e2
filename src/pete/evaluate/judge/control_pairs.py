"""Pairs whose winner is known, made from the texts at hand: whoever cannot tell these apart has no say about the others."""

import hashlib
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pete.data.examples import Example
from pete.data.text import sentences
from pete.evaluate.log import EvaluationLog

WANTED = 20
KINDS = ("shuffled", "looped", "other prompt")
SHORTEST = 15
"""Words below which a text is not wrecked enough."""


@dataclass(frozen=True)
class Text:
    """What was asked and what was written. `topic`: "" where nobody said."""

    prompt: str
    text: str
    topic: str = ""


@dataclass(frozen=True)
class PlantedPair:
    """A text and its wreck."""

    kind: str
    prompt: str
    better: str
    worse: str


def plant(log: EvaluationLog, unseen: Sequence[Example]) -> list[PlantedPair]:
    """Up to 20 pairs: the author's unseen texts against their wrecks; the tuned model's own where the author left too few.

    The wrecks are of equal length (shuffled, other prompt) or longer (looped), so that a liking for length finds no winner.
    """
    author = _in_an_order(Text(row.prompt, row.completion, row.topic) for row in unseen)
    own = _in_an_order(Text(s.prompt, s.text) for s in log.samples if s.model == "tuned" and not s.scores.get("degenerate.any"))
    quota = -(-WANTED // len(KINDS))
    wreckable = (author + own)[:quota] if len(author) < quota else author
    found: list[PlantedPair] = []
    for number, kind in enumerate(KINDS):
        texts = author if kind == "other prompt" else wreckable
        start = number * len(texts) // len(KINDS)  # each kind begins at another text
        made = (_pair(kind, text, author) for text in texts[start:] + texts[:start])
        found += [pair for pair, _ in zip((p for p in made if p is not None), range(min(quota, WANTED - len(found))), strict=False)]
    return found


def _pair(kind: str, text: Text, author: Sequence[Text]) -> PlantedPair | None:
    worse = {"shuffled": _shuffled, "looped": _looped}[kind](text.text) if kind != "other prompt" else _another(text, author)
    return PlantedPair(kind, text.prompt, text.text, worse) if worse and worse != text.text else None


def _shuffled(text: str) -> str:
    words = text.split()
    return " ".join(random.Random(text).sample(words, len(words)))


def _looped(text: str) -> str:
    first = sentences(text)[0]
    return " ".join([first] * max(3, 2 * len(text.split()) // len(first.split())))


def _another(text: Text, author: Sequence[Text]) -> str:
    """The answer to a prompt about something else that is nearest in length."""
    others = [o for o in author if o.prompt != text.prompt and (o.topic != text.topic or not text.topic)]
    length = len(text.text.split())
    return min(others, key=lambda o: (abs(len(o.text.split()) - length), o.text)).text if others else ""


def _in_an_order(texts: Iterator[Text]) -> list[Text]:
    """The texts that can be wrecked, in an order that has nothing to do with the file's, the same every time."""
    long = {t.text: t for t in texts if len(t.text.split()) >= SHORTEST and len(sentences(t.text)) > 1}
    return sorted(long.values(), key=lambda t: hashlib.sha256(f"{t.prompt}\n{t.text}".encode()).digest())
