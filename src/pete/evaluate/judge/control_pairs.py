"""Control pairs: an answer against a corrupted copy of it, so that the winner is known and a judge can be examined with them."""

import hashlib
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from pete.data.examples import Example
from pete.data.text import sentences
from pete.evaluate.log import EvaluationLog

WANTED = 20
KINDS = ("shuffled", "looped", "other prompt")
SHORTEST = 15
"""Words below which a text is not corrupted enough."""


@dataclass(frozen=True)
class ControlText:
    """What was asked and what was written. `topic`: "" where nobody said."""

    prompt: str
    text: str
    topic: str = ""


@dataclass(frozen=True)
class ControlPair:
    """A text and its corruption."""

    kind: str
    prompt: str
    better: str
    worse: str


def control_pairs(log: EvaluationLog, unseen: Sequence[Example]) -> list[ControlPair]:
    """Up to 20 pairs: the author's unseen texts against corruptions; the tuned model's own where the author left too few.

    The corruptions are of equal length (shuffled, other prompt) or longer (looped), so that a liking for length finds no winner.
    """
    author = _in_an_order(ControlText(row.prompt, row.completion, row.topic) for row in unseen)
    own = _in_an_order(ControlText(s.prompt, s.text) for s in log.samples if s.model == "tuned" and not s.scores.get("degenerate.any"))
    quota = -(-WANTED // len(KINDS))
    enough = (author + own)[:quota] if len(author) < quota else author
    pairs: list[ControlPair] = []
    for number, kind in enumerate(KINDS):
        texts = author if kind == "other prompt" else enough
        start = number * len(texts) // len(KINDS)  # each kind begins at another text
        made = (ControlPair(kind, t.prompt, t.text, _corrupted(kind, t, author)) for t in texts[start:] + texts[:start])
        pairs += islice((pair for pair in made if pair.worse not in ("", pair.better)), min(quota, WANTED - len(pairs)))
    return pairs


def _corrupted(kind: str, text: ControlText, author: Sequence[ControlText]) -> str:
    words = text.text.split()
    if kind == "shuffled":
        return " ".join(random.Random(text.text).sample(words, len(words)))
    if kind == "looped":
        first = sentences(text.text)[0]
        return " ".join([first] * max(3, 2 * len(words) // len(first.split())))
    # the answer to a prompt about something else that is nearest in length
    others = [o for o in author if o.prompt != text.prompt and (o.topic != text.topic or not text.topic)]
    return min((o.text for o in others), key=lambda other: (abs(len(other.split()) - len(words)), other), default="")


def _in_an_order(texts: Iterable[ControlText]) -> list[ControlText]:
    """The texts that can be corrupted, in an order that has nothing to do with the file's, the same every time."""
    long = {t.text: t for t in texts if len(t.text.split()) >= SHORTEST and len(sentences(t.text)) > 1}
    return sorted(long.values(), key=lambda t: hashlib.sha256(f"{t.prompt}\n{t.text}".encode()).digest())
