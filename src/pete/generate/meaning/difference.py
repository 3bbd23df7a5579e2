"""What a comparison of a draft and its rewrite found."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["figure", "date", "name", "link", "quotation", "negation", "roles", "sentence", "clause"]
Way = Literal["lost", "added", "changed"]
Place = tuple[int, int]
"""Characters from the first to the one behind the last."""

FACTS: tuple[Kind, ...] = ("figure", "date", "name", "link", "quotation")
"""What can be kept to the letter."""


@dataclass(frozen=True)
class Difference:
    """One thing in which a rewrite says something else than its draft."""

    kind: Kind
    way: Way
    words: str
    """For people: 'the draft says "Tuesday", the rewrite "Wednesday"'."""
    draft: Place | None
    """Where in the draft; None for what was added."""
    rewrite: Place | None
    """Where in the rewrite; None for what was lost."""


@dataclass(frozen=True)
class Aligned:
    """A sentence of the draft and the sentence of the rewrite that says it; a sentence may stand in several pairs."""

    draft: Place
    rewrite: Place
    cosine: float


@dataclass(frozen=True)
class Sentence:
    """A sentence of the rewrite."""

    start: int
    end: int
    stands_for: tuple[Place, ...]
    """The sentences of the draft that it says, in their order; each belongs to one sentence of the rewrite, the one nearest to it.

    None: it only adds to what others say, and may be left out.
    """
    may_stand: bool
    """Whether nothing is against it: no difference lies in it or in what it stands for."""
    unchanged: bool
    """Whether it is a sentence of the draft, word for word."""


@dataclass(frozen=True)
class Meaning:
    """How a rewrite stands to its draft."""

    differences: tuple[Difference, ...]
    sentences: tuple[Sentence, ...]
    """Those of the rewrite, from first to last."""
    missing: tuple[Place, ...]
    """Sentences of the draft that no sentence of the rewrite says."""
    aligned: tuple[Aligned, ...]
    facts: int
    """Figures, dates, names, links and quoted words of the draft."""

    @property
    def unchanged_share(self) -> float:
        """Share of the rewrite's sentences that were left as they were; 0 for a rewrite without any."""
        return sum(sentence.unchanged for sentence in self.sentences) / max(1, len(self.sentences))

    @property
    def facts_kept(self) -> float:
        """Share of the draft's facts that the rewrite has; 1 where there are none."""
        return 1 - sum(d.kind in FACTS and d.way != "added" for d in self.differences) / self.facts if self.facts else 1.0

    @property
    def same(self) -> bool:
        """Whether nothing was found that differs."""
        return not self.differences

    def of(self, *kinds: Kind) -> tuple[Difference, ...]:
        """The differences of some kinds."""
        return tuple(d for d in self.differences if d.kind in kinds)
