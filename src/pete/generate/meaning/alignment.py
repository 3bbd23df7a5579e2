"""Alignment: which sentence of a rewrite says which sentence of its draft, and which says, or is said by, none."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pete.data.text import words
from pete.engines.sentence import Embed
from pete.generate.meaning.parts import Part, content, parts_of

WORDS_WEIGH = 0.3
"""What all words of a part found in the other text add to its cosine."""
TELLING, LONG = 3, 7
"""Words that say something, or words at all, of a part that is judged: "Thank you" and "At weekends, yes" are said by anybody."""


@dataclass(frozen=True)
class Side:
    """One of the two texts in parts."""

    text: str
    sentences: Sequence[Part]
    clauses: Sequence[Part]

    @classmethod
    def of(cls, text: str) -> "Side":
        """A text in its parts."""
        return cls(text, *parts_of(text))

    def vectors(self, embed: Embed) -> np.ndarray:
        """Of all that a part of the other text may be held against: sentences, clauses, and two or three sentences in a row.

        The vectors are means over tokens, so that the sum of two points near to where both together do, and costs nothing.
        """
        said = embed([sentence.text for sentence in self.sentences])
        rows = [said, embed([clause.text for clause in self.clauses])] if self.clauses else [said]
        for count in (2, 3):
            runs = [said[i : i + count].sum(axis=0) for i in range(len(said) - count + 1)]
            rows += [np.stack([run / max(float(np.linalg.norm(run)), 1e-9) for run in runs])] if runs else []
        return np.concatenate(rows)


@dataclass(frozen=True)
class Alignment:
    """Two texts beside each other."""

    draft: Side
    rewrite: Side
    cosines: np.ndarray
    """[sentences of the draft, sentences of the rewrite]."""
    embed: Embed

    @classmethod
    def of(cls, draft: str, rewrite: str, embed: Embed) -> "Alignment":
        """Align two texts."""
        a, b = Side.of(draft), Side.of(rewrite)
        return cls(a, b, embed([s.text for s in a.sentences]) @ embed([s.text for s in b.sentences]).T, embed)

    def support(self, parts: Sequence[Part], other: Side) -> np.ndarray:
        """How well each part is said by the other text: the best cosine, and more for words of its own that stand there too."""
        if not parts or not other.sentences:
            return np.zeros(len(parts))
        best = (self.embed([part.text for part in parts]) @ other.vectors(self.embed).T).max(axis=1)
        there = set(content(other.text))
        return np.array([cosine + WORDS_WEIGH * _covered(part, there) for part, cosine in zip(parts, best, strict=True)])

    def nearest(self) -> list[int]:
        """For each sentence of the draft the number of the rewrite's that is nearest to it."""
        return [int(row.argmax()) for row in self.cosines] if self.rewrite.sentences else []


def is_telling(part: Part) -> bool:
    """Whether a part says enough to be looked for."""
    return len(content(part.text)) >= TELLING or len(words(part.text)) >= LONG


def _covered(part: Part, there: set[str]) -> float:
    own = content(part.text)
    return sum(word in there for word in own) / len(own) if own else 1.0
