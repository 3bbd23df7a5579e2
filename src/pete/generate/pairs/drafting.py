"""Drafts of the author's texts: several tries each, and what is kept says what its text says and is nearer to it than to any other."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from pete.data.text import same_prompt
from pete.engines.sentence import Embed
from pete.generate.pairs.draft_filters import Flaw, draft_objection
from pete.generate.pairs.draft_kinds import ask_for_draft, read_draft
from pete.generate.pairs.tries import Objection, Tries

LEVEL = 1e-4
"""Cosine by which another text has to be nearer: the same text may stand twice."""


@dataclass(frozen=True)
class Wanted:
    """One draft that is asked for."""

    text: str
    kind: str
    """Of `KINDS`."""
    what: str = ""
    """"LinkedIn post", where it is known."""
    there: tuple[str, ...] = ()
    """Drafts of the text that are there."""
    asked: bool = False
    """The text is an answer that the evaluation has; its row, where there is one, has drafts of its own."""


@dataclass
class Drafting(Tries):
    """Drafts of texts."""

    noun: ClassVar[str] = "drafts"
    wanted: Sequence[Wanted]
    embed: Embed
    fits: Callable[[str, str], bool]
    """Whether a draft and its text are a row that can be trained on."""
    _of: dict[tuple[str, bool], set[str]] = field(default_factory=lambda: defaultdict(set))
    """A text, as a row or as an answer -> its drafts, as they are compared."""
    _vectors: np.ndarray | None = None
    _row: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Know what is there."""
        for one in self.wanted:
            self._of[one.text, one.asked].update(map(same_prompt, one.there))
            self._row.setdefault(one.text, len(self._row))

    def __len__(self) -> int:
        """How many drafts."""
        return len(self.wanted)

    def question(self, number: int) -> str:
        """See `Tries`."""
        one = self.wanted[number]
        return ask_for_draft(one.text, one.what, one.kind, self.refused.get(number), self.last.get(number, ""))

    def read(self, reply: str) -> str:
        """See `Tries`."""
        return read_draft(reply)

    def problem(self, number: int, said: str) -> Objection | None:
        """See `Tries`."""
        one = self.wanted[number]
        text, there = one.text, self._of[one.text, one.asked]
        if (problem := draft_objection(said, text, self.embed, one.kind)) is not None:
            return problem
        if same_prompt(said) in there:
            return Objection(Flaw.SAME)
        if not self.fits(said, text):
            return Objection(Flaw.LONG)
        if self._nearer(said, text):
            return Objection(Flaw.FURTHER)
        there.add(same_prompt(said))
        return None

    def _nearer(self, draft: str, text: str) -> bool:
        """Whether a draft is nearer to another text than to its own."""
        if self._vectors is None:
            self._vectors = self.embed(list(self._row))
        near = self._vectors @ self.embed([draft])[0]
        return bool(near.max() > near[self._row[text]] + LEVEL)
