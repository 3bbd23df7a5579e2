"""The blind test: which answers a person prefers who does not know whose they are, and when that is clear.

Pairs come from an evaluation's log, so no model is needed. A and B are thrown for each pair by itself; somebody who
sees no difference, or always takes A, is therefore a fair coin, whatever the answers are like.
"""

import hashlib
import json
import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError, computed_field

from pete.errors import DataError
from pete.evaluate.log import MODELS, EvaluationLog, Model, Sample, pairs, read_log
from pete.run import RunDir, write_atomic
from pete.terminal import scrub

VERSION = 1
PAIRS = 20
"""About five minutes."""
Choice = Literal["a", "b", "=", "s"]
"""The answer shown as A, the one shown as B, a tie, or skipped."""

_CLEAR = math.log(20)  # 1 / 0.05


@dataclass(frozen=True)
class Pair:
    """One prompt and two answers, ready to be shown."""

    prompt_id: str
    number: int
    prompt: str
    a: str
    b: str
    a_is: Model


# --- pairs -----------------------------------------------------------------------------------------------------------


def open_evaluation(run: RunDir) -> tuple[Path, EvaluationLog]:
    """The newest evaluation.

    Raises:
        DataError: there is none yet, or it is damaged.
    """
    path = run.newest_evaluation()
    if path is None:
        raise DataError(f"{run.folder} has no evaluation yet, and a blind test shows its answers.", f"pete evaluate {run.cli_argument}")
    return path, read_log(path)


def pairs_of(log: EvaluationLog, seed: str, name: str = "the evaluation") -> list[Pair]:
    """Each prompt once, categories in turn, in an order and with sides that the seed throws; a shorter test is a prefix of it.

    One of a prompt's samples is taken, base and tuned with the same number; pairs that are alike or half empty are left out.

    Raises:
        DataError: a model's answers are missing, or no pair has two different ones; `name` is what the message calls the log.
    """
    missing = [model for model in MODELS if not any(sample.model == model for sample in log.samples)]
    if missing:
        raise DataError(f"{name} holds no answer of {' and '.join(missing)}; a blind test needs base and tuned.", "pete evaluate RUN")
    by_prompt: dict[str, list[tuple[Sample, Sample]]] = {}
    for base, tuned in pairs(log):
        if _shown(base) and _shown(tuned) and _shown(base).split() != _shown(tuned).split():
            by_prompt.setdefault(tuned.prompt_id, []).append((base, tuned))
    categories: dict[str, list[Pair]] = {}
    for answers in by_prompt.values():
        categories.setdefault(answers[0][0].category, []).append(_pair(answers, seed))
    if not categories:
        raise DataError(f"In {name} no prompt has two different answers: there is nothing to choose between.", "pete evaluate RUN")
    # (how many of its category came before it, a throw): one of each category, then the next of each
    turns = [
        (turn, _thrown(seed, "turn", turn, category), pair)
        for category, members in categories.items()
        for turn, pair in enumerate(sorted(members, key=lambda pair: _thrown(seed, "order", pair.prompt_id)))
    ]
    return [pair for *_, pair in sorted(turns, key=lambda turn: turn[:2])]


def hash_of(log: EvaluationLog) -> str:
    """SHA-256 of the prompts and answers; scoring them again does not change it."""
    rows = sorted((s.prompt_id, s.model, s.number, s.category, s.prompt, s.text) for s in log.samples)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def new_seed() -> str:
    """A seed that nobody can foresee: the sides must not be guessed from the last test."""
    return secrets.token_hex(8)


def _shown(sample: Sample) -> str:
    return scrub(sample.text).strip()


def _pair(answers: Sequence[tuple[Sample, Sample]], seed: str) -> Pair:
    base, tuned = min(answers, key=lambda both: _thrown(seed, "sample", both[0].prompt_id, both[0].number))
    a, b = (tuned, base) if int(_thrown(seed, "side", base.prompt_id), 16) % 2 else (base, tuned)
    return Pair(base.prompt_id, base.number, scrub(base.prompt).strip(), _shown(a), _shown(b), a.model)


def _thrown(seed: str, *what: object) -> str:
    # not the random module: a page made under one Python must be read under another, in whatever order the log stands
    return hashlib.sha256(json.dumps([seed, *what]).encode()).hexdigest()


# --- when it is clear ------------------------------------------------------------------------------------------------


def evidence(wins: int, losses: int, share: float = 0.5) -> float:
    """Log of how much better the decided pairs fit "some other share" than `share`; 0 before the first pair.

    The other shares are weighted by Beta(1/2, 1/2). Under `share` its exponential is a martingale, so the chance that it
    ever reaches 20 is at most 1 in 20, however often one looks and whenever one stops (Ville 1939; Robbins 1970; Howard,
    Ramdas, McAuliffe & Sekhon 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences").
    """
    fit = _log_beta(wins + 0.5, losses + 0.5) - _log_beta(0.5, 0.5)
    return fit - (wins * math.log(share) if wins else 0.0) - (losses * math.log1p(-share) if losses else 0.0)


def is_clear(wins: int, losses: int) -> bool:
    """Whether a fair coin is excluded, and a test may stop: 7 of 7, 11 of 12, 14 of 16, 17 of 20."""
    return evidence(wins, losses) >= _CLEAR


def interval(wins: int, losses: int) -> tuple[float, float]:
    """The shares that are not excluded: a 95% confidence sequence, wider than an interval for a number of pairs fixed before."""
    middle = wins / (wins + losses) if wins + losses else 0.5
    low = _border(wins, losses, middle, 0.0) if wins else 0.0
    high = _border(wins, losses, middle, 1.0) if losses else 1.0
    return low, high


def wins_needed(most: int) -> list[int]:
    """For 0, 1, ... `most` decided pairs, how many one side must have won for it to be clear; one more than all where none is enough."""
    return [next((wins for wins in range(n // 2 + 1, n + 1) if is_clear(wins, n - wins)), n + 1) for n in range(most + 1)]


def _border(wins: int, losses: int, inside: float, outside: float) -> float:
    for _ in range(50):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if evidence(wins, losses, middle) >= _CLEAR else (middle, outside)
    return outside


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


# --- the record ------------------------------------------------------------------------------------------------------


class Judged(BaseModel):
    """One pair, and what was chosen."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    prompt_id: str
    number: int
    a: Model
    choice: Choice

    @property
    def winner(self) -> Model | None:
        """Whose answer was chosen; None for a tie and a skipped pair."""
        if self.choice not in ("a", "b"):
            return None
        return self.a if self.choice == "a" else "base" if self.a == "tuned" else "tuned"


class BlindTest(BaseModel):
    """One person's test: evaluations/blind-<date>.json. Counts are of the tuned model, and are made from the pairs."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    version: int = VERSION
    created: str = Field(default_factory=lambda: time.strftime("%Y-%m-%dT%H:%M:%S%z"))
    run: str
    evaluation: str
    answers: str
    """SHA-256 of the answers it was made of."""
    seed: str
    how: Literal["terminal", "page"] = "terminal"
    session: str = Field(default="", validation_alias=AliasChoices("session", "sitting"))
    """Which session at a page this is: one file may be given to several people. Older files call it a sitting."""
    pairs: tuple[Judged, ...] = ()

    @computed_field
    @property
    def wins(self) -> int:
        """Pairs in which the tuned model's answer was chosen."""
        return sum(pair.winner == "tuned" for pair in self.pairs)

    @computed_field
    @property
    def losses(self) -> int:
        """Pairs in which the base's answer was chosen."""
        return sum(pair.winner == "base" for pair in self.pairs)

    @computed_field
    @property
    def ties(self) -> int:
        """Pairs in which neither was better."""
        return sum(pair.choice == "=" for pair in self.pairs)

    @computed_field
    @property
    def skipped(self) -> int:
        """Pairs on which nothing was said."""
        return sum(pair.choice == "s" for pair in self.pairs)

    @computed_field
    @property
    def win_rate(self) -> float | None:
        """Wins over decided pairs; None when there is none."""
        return self.wins / (self.wins + self.losses) if self.wins + self.losses else None

    @computed_field
    @property
    def interval(self) -> tuple[float, float]:
        """95%, of the win rate; holds whenever the person stopped."""
        return interval(self.wins, self.losses)

    @computed_field
    @property
    def preferred(self) -> Model | None:
        """The model that is clearly preferred; None while it could be chance."""
        if not is_clear(self.wins, self.losses):
            return None
        return "tuned" if self.wins > self.losses else "base"

    def judge(self, pair: Pair, choice: Choice) -> "BlindTest":
        """The test with one more pair."""
        judged = Judged(prompt_id=pair.prompt_id, number=pair.number, a=pair.a_is, choice=choice)
        return self.model_copy(update={"pairs": (*self.pairs, judged)})

    def write(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_atomic(path, self.model_dump_json(indent=1) + "\n")


def new_file(run: RunDir) -> Path:
    """A name that no earlier test has."""
    date, number = time.strftime("blind-%Y%m%d-%H%M%S"), 1
    while (path := run.evaluation_file(date if number == 1 else f"{date}-{number}")).exists():
        number += 1
    return path


def blind_tests(run: RunDir) -> dict[Path, BlindTest]:
    """Every test of a run that can be read, oldest first."""
    tests = {}
    for path in sorted(run.evaluations.glob("blind-*.json"), key=lambda path: path.stat().st_mtime):
        try:
            test = BlindTest.model_validate_json(path.read_text(encoding="utf-8"))
        except (OSError, ValidationError):  # somebody else's, or damaged: not ours to go on with
            continue
        if test.version <= VERSION:
            tests[path] = test
    return tests


def unfinished(run: RunDir, log: EvaluationLog, most: int) -> tuple[Path, BlindTest] | None:
    """The newest test of these answers that was left at the terminal before it was clear, with pairs left out of `most`."""
    for path, test in reversed(blind_tests(run).items()):
        if test.how == "terminal" and test.answers == hash_of(log) and test.preferred is None:
            left = len(pairs_of(log, test.seed)[:most]) - len(test.pairs)
            return (path, test) if left > 0 else None
    return None
