"""Rows that llama.cpp computes together: they join and leave between two steps, and what a row held may serve the next one."""

from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from pete.config import GenerateConfig
from pete.data.batch import common_beginning
from pete.engines.llama.draft import FIRST, Draft
from pete.engines.llama.runtime import Context
from pete.engines.protocol import Rows
from pete.engines.sampling import draw
from pete.errors import UserError


@dataclass
class _Row:
    """A prompt and its answer so far."""

    number: int
    prompt: list[int]
    sampling: GenerateConfig
    ends: frozenset[int]
    rng: np.random.Generator
    said: list[int] = field(default_factory=list)
    ready: deque[int] = field(default_factory=deque)
    """The last of what was said: drawn, and not given away yet."""
    ended: bool = False
    reach: int = FIRST
    """Guesses to make at its next step."""


@dataclass
class _Slot:
    """A place for a row in the context, and the tokens that are computed there."""

    held: list[int] = field(default_factory=list)
    row: _Row | None = None


class LlamaRows(Rows):
    """As many rows as the context has places for; the others wait until one is free.

    With `reuse`, a row begins behind what its prompt shares with an earlier one in the same place: the next turn of a conversation
    is read from its end. What was computed in other company may differ in the last bit, so an evaluation does without: it has what all
    of its prompts begin with read once (`begin_with`), by itself, and nothing else.

    A row that is the only one is guessed for (`draft.py`): a step may draw several of its tokens, of which each step gives one.
    """

    def __init__(self, context: Context, *, reuse: bool, draft: Callable[[], Draft | None] = lambda: None) -> None:
        """Empty places.

        Args:
            context: of the model that answers.
            reuse: see the class.
            draft: what guesses, opened when the first row is alone; None: nothing does.
        """
        self.context = context
        self._reuse, self._draft = reuse, draft
        self._slots = [_Slot() for _ in range(context.rows)]
        self._waiting: deque[_Row] = deque()
        self._joined = 0
        self._beginning: list[int] = []

    def begin_with(self, beginning: Sequence[int]) -> None:
        """Read what every prompt to come begins with, once for all places; nothing forgets it. No row may have a place yet.

        A model whose rows can only be emptied whole reads each prompt from its start all the same.
        """
        for number, slot in enumerate(self._slots):
            self.context.forget(number)
            slot.held = []
        self._beginning = list(beginning)
        if self._beginning:
            places = range(len(self._beginning))
            self.context.decode(self._beginning, places, [0] * len(places), [False] * len(places))
            for number in range(1, len(self._slots)):
                self.context.copy(0, number)
            for slot in self._slots:
                slot.held = list(self._beginning)

    @property
    def busy(self) -> bool:
        """Whether a row is there, or waits."""
        return bool(self._waiting) or any(slot.row is not None for slot in self._slots)

    def join(self, prompt: Sequence[int], sampling: GenerateConfig, ends: Collection[int]) -> int:
        """See the protocol."""
        return self.join_as(0, prompt, sampling, ends)

    def join_as(self, place: int, prompt: Sequence[int], sampling: GenerateConfig, ends: Collection[int]) -> int:
        """Add a row that draws as row `place` of `Generator.stream` would."""
        if len(prompt) >= self.context.length:
            raise UserError(
                f"This is {len(prompt)} tokens long, and there is room for {self.context.length}.", "ask with less, or begin anew"
            )
        self._joined += 1
        rng = np.random.default_rng([sampling.seed, place])
        self._waiting.append(_Row(self._joined, list(prompt), sampling, frozenset(ends), rng))
        return self._joined

    def leave(self, row: int) -> None:
        """See the protocol."""
        self._waiting = deque(waiting for waiting in self._waiting if waiting.number != row)
        for slot in self._slots:
            if slot.row is not None and slot.row.number == row:
                slot.row = None

    def step(self) -> list[tuple[int, int | None]]:
        """See the protocol."""
        given: list[tuple[int, int | None]] = []
        for slot in self._slots:
            if (row := slot.row) is not None and row.ended and not row.ready:
                given.append((row.number, None))
                slot.row = None
        self._seat()
        active = [(number, slot, slot.row) for number, slot in enumerate(self._slots) if slot.row is not None]
        tokens, places, rows, wanted, guessed = [], [], [], [], []
        for number, slot, row in active:
            if row.ready:
                continue
            new = [*row.prompt, *row.said][len(slot.held) :]
            guesses = self._guesses(row) if len(active) == 1 else []
            tokens += new + guesses
            places += range(len(slot.held), len(slot.held) + len(new) + len(guesses))
            rows += [number] * (len(new) + len(guesses))
            wanted += [False] * (len(new) - 1) + [True] * (1 + len(guesses))
            slot.held += new + guesses
            guessed.append((number, slot, row, guesses))
        logits = iter(self.context.decode(tokens, places, rows, wanted) if tokens else ())
        for number, slot, row, guesses in guessed:
            self._draw(number, slot, row, guesses, [next(logits) for _ in range(1 + len(guesses))])
        return given + [(row.number, row.ready.popleft()) for _, _, row in active]

    def _room(self, row: _Row) -> int:
        """Tokens that its answer may have."""
        return min(row.sampling.max_new_tokens, self.context.length - len(row.prompt))

    def _guesses(self, row: _Row) -> list[int]:
        """What may follow; nothing for the first token, which somebody waits for, and where there is no room for more than one."""
        draft = self._draft() if row.said else None
        if draft is None:
            return []
        ids = [*row.prompt, *row.said]
        count = min(row.reach, self._room(row) - len(row.said) - 1, draft.length - len(ids))
        return draft.guess(ids, row.said, row.sampling, row.ends, count) if count > 0 else []

    def _draw(self, number: int, slot: _Slot, row: _Row, guesses: list[int], logits: Sequence[np.ndarray]) -> None:
        """One token, and one more behind each guess that is what was drawn; of the others nothing stays."""
        right = 0
        for values in logits:
            token = draw(values, row.said, row.sampling, row.rng)
            row.said.append(token)
            row.ready.append(token)
            row.ended = token in row.ends or len(row.said) >= self._room(row)
            if row.ended or right == len(guesses) or token != guesses[right]:
                break
            right += 1
        if not guesses or (draft := self._draft()) is None:
            return
        row.reach = draft.heard(len(guesses), right)
        slot.held = slot.held[: len(slot.held) - len(guesses) + right]
        if not self.context.forget(number, len(slot.held)):  # it keeps no places: what was wrong cannot be taken back
            slot.held, self._draft = [], lambda: None

    def _seat(self) -> None:
        """Give each waiting row the free place that holds most of its prompt, in the order in which they came."""
        while self._waiting and (free := [number for number, slot in enumerate(self._slots) if slot.row is None]):
            row = self._waiting.popleft()
            shared = [self._shared(self._slots[number], row) for number in free]
            number = free[int(np.argmax(shared))]
            keep = max(shared)
            if not self.context.forget(number, keep):
                keep = 0
            slot = self._slots[number]
            slot.row, slot.held = row, row.prompt[:keep]

    def _shared(self, slot: _Slot, row: _Row) -> int:
        """Tokens of a row's prompt that a place holds, and it may begin behind; never all, for the last one foretells the first said."""
        held = slot.held if self._reuse else slot.held[: len(self._beginning)]
        return common_beginning([held, row.prompt[:-1]])
