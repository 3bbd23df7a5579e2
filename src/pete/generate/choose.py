"""Rejection and best-of-n sampling: the first answer that keeps the rules, or the best of those drawn, with the rules it breaks."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pete.config import GenerateConfig
from pete.generate.extract import StopReason
from pete.generate.request_parsing import RequestType
from pete.generate.rules import Validator, Violation

Voice = Callable[[str], float]
"""How much a text sounds like the persona; higher is more."""

RESEED = 1_000_003
"""Seeds of a second and a third try lie this far from the first: nobody who counts seeds up by batches meets them."""


@dataclass(frozen=True)
class Answer:
    """One answer. Times are seconds since the whole batch was asked for; `batch` says how many shared them.

    An answer that was chosen among several counts the time and the tokens of all of them.
    """

    text: str
    raw: str
    """Every id decoded, special tokens shown: the model's whole output."""
    tokens: int
    stop: StopReason
    first_token_seconds: float
    seconds: float
    batch: int
    leaks_raw: int
    """Special tokens the model produced before its end."""
    leaks_clean: int
    """Special tokens or stop strings in `text`: must be 0."""
    flags: tuple[Violation, ...] = ()
    """The rules it breaks all the same."""
    attempts: int = 1
    """Answers drawn for this prompt, this one included."""
    tries: int = 1
    """Rounds in which they were drawn: 1, and one for each retry."""
    tokens_drawn: int = 0
    """Tokens of all of them."""

    @property
    def how(self) -> str:
        """In words: "2nd try", "best of 4", "after 3 tries" for one that is still flagged; nothing for one that was drawn once."""
        tries = f"after {self.tries} tries" if self.flags else "2nd try" if self.tries == 2 else "3rd try"
        best = f"best of {self.attempts}" if self.attempts > self.tries else ""
        return ", ".join(part for part in (best, tries if self.tries > 1 else "") if part)

    @property
    def tokens_per_second(self) -> float:
        """Decode speed: tokens after the first over the time after the first, all attempts counted."""
        decoding = self.seconds - self.first_token_seconds
        drawn = max(self.tokens, self.tokens_drawn)
        return (drawn - 1) / decoding if drawn > 1 and decoding > 0 else 0.0


@dataclass(frozen=True)
class Ranking:
    """What the answers of a batch are judged by."""

    validator: Validator
    prompts: Sequence[str]
    kinds: Sequence[RequestType]
    voice: Voice | None = None

    def check(self, row: int, answer: Answer) -> Answer:
        """The answer with its flags."""
        return replace(answer, flags=self.validator.check(answer.text, self.prompts[row], self.kinds[row], answer.stop))

    def rank(self, row: int, answer: Answer) -> tuple[float, ...]:
        """The lower the better: not empty, few broken rules, then the voice, or a usual length where no voice is given."""
        if self.voice is not None:
            taste = -self.voice(answer.text) if answer.text else 0.0
        else:
            usual = self.validator.typical_words(self.prompts[row], self.kinds[row])
            taste = abs(len(answer.text.split()) - usual) if usual is not None else 0.0
        return (float(not answer.text), len(answer.flags), taste)


def choose(draw: Callable[[Sequence[int], GenerateConfig], list[Answer]], judge: Ranking, sampling: GenerateConfig) -> list[Answer]:
    """Draw, judge, and draw again what broke a rule.

    Args:
        draw: answers for some rows of the batch, side by side. A row that comes twice is answered twice.
        judge: the rules.
        sampling: `best_of` answers are drawn a try; rows whose best one breaks a rule get up to `retries` more tries, with new seeds.
    """
    rows = list(range(len(judge.prompts)))
    drawn: list[list[Answer]] = [[] for _ in rows]
    began = time.perf_counter()
    for number in range(1 + sampling.retries):
        before = time.perf_counter() - began
        seed = (sampling.seed + number * RESEED) % 2**31
        # all first answers come first, so that a row's is the same whether others are drawn beside it or not
        batch = [row for _ in range(sampling.best_of) for row in rows]
        for row, answer in zip(batch, draw(batch, sampling.model_copy(update={"seed": seed})), strict=True):
            timed = replace(answer, first_token_seconds=answer.first_token_seconds + before, seconds=answer.seconds + before)
            drawn[row].append(judge.check(row, timed))
        rows = [row for row in rows if all(answer.flags for answer in drawn[row])]
        if not rows:
            break
    return [_best(judge, row, answers, len(answers) // sampling.best_of) for row, answers in enumerate(drawn)]


def _best(judge: Ranking, row: int, answers: Sequence[Answer], tries: int) -> Answer:
    best = answers[0] if len(answers) == 1 else min(answers, key=lambda answer: judge.rank(row, answer))
    return replace(
        best,
        first_token_seconds=answers[0].first_token_seconds,
        seconds=max(answer.seconds for answer in answers),
        attempts=len(answers),
        tries=tries,
        tokens_drawn=sum(answer.tokens for answer in answers),
    )
