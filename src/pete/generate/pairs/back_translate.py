"""Instruction back-translation: several tries a text, and what is kept of them holds against all other prompts together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from pete.data.text import same_prompt
from pete.engines.sentence import Embed
from pete.generate.pairs.filters import Refusal, objection
from pete.generate.pairs.question import ask_for_request, read_request
from pete.generate.pairs.tries import Objection, Tries

AT_ONCE = 512
"""Texts that are held against all prompts at once."""


@dataclass(frozen=True)
class Bare:
    """A text whose prompt was made by rule."""

    text: str
    prompt: str
    """By rule."""
    topic: str
    kind: str = ""
    """"LinkedIn post", where it is known."""


@dataclass
class BackTranslation(Tries):
    """Prompts for bare texts."""

    noun: ClassVar[str] = "prompts"
    texts: Sequence[Bare]
    others: Sequence[str]
    """Prompts of the rows that are left as they are."""
    banned: Sequence[str]
    """Prompts of the evaluation, which no row may have."""
    embed: Embed
    _there: Counter[str] = field(default_factory=Counter)
    """Prompts that stand somewhere already, as they are compared."""

    def __post_init__(self) -> None:
        """Know what is there."""
        self._there.update(map(same_prompt, (*self.others, *self.banned, *(text.prompt for text in self.texts))))

    def __len__(self) -> int:
        """How many texts."""
        return len(self.texts)

    def question(self, number: int) -> str:
        """See `Tries`."""
        text = self.texts[number]
        return ask_for_request(text.text, text.kind, self.refused.get(number), self.last.get(number, ""))

    def read(self, reply: str) -> str:
        """See `Tries`."""
        return read_request(reply)

    def problem(self, number: int, said: str) -> Objection | None:
        """See `Tries`."""
        text = self.texts[number]
        problem = objection(said, text.text, f"{text.kind}\n{text.prompt}")
        if problem is None and self._there[same_prompt(said)] > 0:
            problem = Objection(Refusal.TAKEN)
        if problem is None:
            self._there.update([same_prompt(said)])
        return problem

    def settle(self) -> Mapping[int, str]:
        """Give up prompts until every one that is left is the first among all prompts for its text; those that are left."""
        while self.made:
            lost = self._outranked()
            if not lost:
                break
            for number in lost:
                self.refused[number] = Objection(Refusal.NOT_FIRST)
                self.last[number] = self.made[number]
                self._there.subtract([same_prompt(self.made.pop(number))])
        return self.made

    def _outranked(self) -> list[int]:
        """The texts for which another prompt is as near as theirs, or nearer.

        Prompts by rule of the same topic do not count: they name the same title, and it is theirs to give way.
        """
        vectors = self.embed([text.text for text in self.texts])
        rival = [self.made.get(number, text.prompt) for number, text in enumerate(self.texts)]
        prompts = self.embed([*rival, *self.others])
        topics = np.array([text.topic or f"\0{number}" for number, text in enumerate(self.texts)])
        by_rule = np.array([number not in self.made for number in range(len(self.texts))])
        lost: list[int] = []
        numbers = np.array(sorted(self.made))
        for first in range(0, len(numbers), AT_ONCE):
            part = numbers[first : first + AT_ONCE]
            near = vectors[part] @ prompts.T
            own = near[np.arange(len(part)), part].copy()
            near[np.arange(len(part)), part] = -np.inf
            near[:, : len(self.texts)][(topics[part][:, None] == topics[None, :]) & by_rule[None, :]] = -np.inf
            lost += part[near.max(axis=1, initial=-np.inf) >= own].tolist()
        return lost
