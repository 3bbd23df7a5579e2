"""Several tries a text: what holds is kept, and what does not is asked for again with the reason."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from pete.generate.pairs.writers import Writer

OnProgress = Callable[[str, int, int], None]
"""(what, done, of)"""


@dataclass(frozen=True)
class Objection:
    """Why something that a model wrote is not kept, with what a writer must know to do better."""

    refusal: StrEnum
    detail: str = ""

    def in_words(self) -> str:
        """As a writer and a summary say it."""
        return f"{self.refusal}: {self.detail}" if self.detail else str(self.refusal)


@dataclass
class Tries(ABC):
    """What a writer makes of some texts, as far as it went: after `run`, or after it was broken off, `made` holds what may be kept."""

    noun: ClassVar[str]
    """What is written: "prompts"."""
    made: dict[int, str] = field(default_factory=dict, kw_only=True)
    """Number of a text -> what was written for it."""
    refused: dict[int, Objection] = field(default_factory=dict, kw_only=True)
    """What was wrong with the last try of a text that has nothing."""
    last: dict[int, str] = field(default_factory=dict, kw_only=True)
    """That try."""

    @abstractmethod
    def __len__(self) -> int:
        """How many are asked for."""

    @abstractmethod
    def question(self, number: int) -> str:
        """What the writer is asked for a text; after a refusal, with what was wrong."""

    @abstractmethod
    def read(self, reply: str) -> str:
        """What was written, without what a model says around it."""

    @abstractmethod
    def problem(self, number: int, said: str) -> Objection | None:
        """What is wrong with it; None where it is kept. Called once for each try, in order."""

    def questions(self) -> list[str]:
        """Those of the first try."""
        return [self.question(number) for number in range(len(self))]

    def run(self, writer: Writer, tries: int, on_progress: OnProgress) -> None:
        """Ask for every text, and again for those whose try was refused."""
        for attempt in range(1, tries + 1):
            open_ = [number for number in range(len(self)) if number not in self.made]
            if not open_:
                return
            questions = [self.question(number) for number in open_]
            what = self.noun if attempt == 1 else f"{self.noun}, try {attempt}"
            for done, (number, reply) in enumerate(zip(open_, writer.ask(questions, attempt), strict=True), 1):
                self._take(number, self.read(reply))
                on_progress(what, done, len(open_))
            self.settle()

    def settle(self) -> Mapping[int, str]:
        """What may be kept once all that was made is held against each other."""
        return self.made

    def counts(self) -> Counter[StrEnum]:
        """The texts that have nothing, by what was wrong with the last try."""
        return Counter(problem.refusal for number, problem in self.refused.items() if number not in self.made)

    def _take(self, number: int, said: str) -> None:
        problem = self.problem(number, said)
        if problem is None:
            self.made[number] = said
            self.refused.pop(number, None)
        else:
            self.refused[number], self.last[number] = problem, said
