"""Instruction back-translation: several tries a text, and what is kept of them holds against all other prompts together."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from pete.data.text import same_prompt
from pete.engines.sentence import Embed
from pete.generate.pairs.filters import Objection, Refusal, objection
from pete.generate.pairs.question import ask_for_request, read_request
from pete.generate.pairs.writers import Writer

AT_ONCE = 512
"""Texts that are held against all prompts at once."""
OnProgress = Callable[[str, int, int], None]
"""(what, done, of)"""


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
class BackTranslation:
    """Prompts for bare texts, as far as it went: after `run`, or after it was broken off, `made` holds those that may be kept."""

    texts: Sequence[Bare]
    others: Sequence[str]
    """Prompts of the rows that are left as they are."""
    banned: Sequence[str]
    """Prompts of the evaluation, which no row may have."""
    embed: Embed
    made: dict[int, str] = field(default_factory=dict)
    """Number of a text -> its prompt."""
    refused: dict[int, Objection] = field(default_factory=dict)
    """What was wrong with the last try of a text that has none."""
    _last: dict[int, str] = field(default_factory=dict)
    """The last try of a text, where it was refused."""
    _there: Counter[str] = field(default_factory=Counter)
    """Prompts that stand somewhere already, as they are compared."""

    def __post_init__(self) -> None:
        """Know what is there."""
        self._there.update(map(same_prompt, (*self.others, *self.banned, *(text.prompt for text in self.texts))))

    def questions(self) -> list[str]:
        """Those of the first try."""
        return [ask_for_request(text.text, text.kind) for text in self.texts]

    def run(self, writer: Writer, tries: int, on_progress: OnProgress) -> None:
        """Ask for every text, and again for those whose prompt was refused."""
        for attempt in range(1, tries + 1):
            open_ = [number for number in range(len(self.texts)) if number not in self.made]
            if not open_:
                return
            questions = [ask_for_request(self.texts[n].text, self.texts[n].kind, self.refused.get(n), self._last.get(n, "")) for n in open_]
            what = "prompts" if attempt == 1 else f"prompts, try {attempt}"
            for done, (number, reply) in enumerate(zip(open_, writer.ask(questions, attempt), strict=True), 1):
                self._take(number, read_request(reply), attempt)
                on_progress(what, done, len(open_))
            self.settle()

    def settle(self) -> Mapping[int, str]:
        """Give up prompts until every one that is left is the first among all prompts for its text; those that are left."""
        while self.made:
            lost = self._outranked()
            if not lost:
                break
            for number in lost:
                self.refused[number] = Objection(Refusal.NOT_FIRST)
                self._last[number] = self.made[number]
                self._there.subtract([same_prompt(self.made.pop(number))])
        return self.made

    def counts(self) -> Counter[Refusal]:
        """The texts that keep their prompt by rule, by what was wrong with the last try."""
        return Counter(problem.refusal for number, problem in self.refused.items() if number not in self.made)

    def _take(self, number: int, prompt: str, attempt: int) -> None:
        text = self.texts[number]
        problem = objection(prompt, text.text, f"{text.kind}\n{text.prompt}")
        if problem is None and self._there[same_prompt(prompt)] > 0:
            problem = Objection(Refusal.TAKEN)
        if problem is None:
            self.made[number] = prompt
            self.refused.pop(number, None)
            self._there.update([same_prompt(prompt)])
        else:
            self.refused[number], self._last[number] = problem, prompt

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
