"""Rows that llama.cpp computes together: they join and leave between two steps, and what a row held may serve the next one."""

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from pete.config import GenerateConfig
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
    ended: bool = False


@dataclass
class _Slot:
    """A place for a row in the context, and the tokens that are computed there."""

    held: list[int] = field(default_factory=list)
    row: _Row | None = None


class LlamaRows(Rows):
    """As many rows as the context has places for; the others wait until one is free.

    With `reuse`, a row begins behind what its prompt shares with an earlier one in the same place: the next turn of a conversation
    is read from its end. What was computed in other company may differ in the last bit, so an evaluation does without.
    """

    def __init__(self, context: Context, *, reuse: bool) -> None:
        self.context = context
        self._reuse = reuse
        self._slots = [_Slot() for _ in range(context.rows)]
        self._waiting: deque[_Row] = deque()
        self._joined = 0

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
        ended: list[tuple[int, int | None]] = []
        for slot in self._slots:
            if slot.row is not None and slot.row.ended:
                ended.append((slot.row.number, None))
                slot.row = None
        tokens, places, rows, wanted = [], [], [], []
        self._seat()
        active = [(number, slot) for number, slot in enumerate(self._slots) if slot.row is not None]
        for number, slot in active:
            assert slot.row is not None
            new = [*slot.row.prompt, *slot.row.said][len(slot.held) :]
            tokens += new
            places += range(len(slot.held), len(slot.held) + len(new))
            rows += [number] * len(new)
            wanted += [False] * (len(new) - 1) + [True]
            slot.held += new
        if not active:
            return ended
        logits = self.context.decode(tokens, places, rows, wanted)
        return ended + [
            (row.number, self._draw(row, values)) for (_, slot), values in zip(active, logits, strict=True) if (row := slot.row)
        ]

    def _draw(self, row: _Row, logits: np.ndarray) -> int:
        token = draw(logits, row.said, row.sampling, row.rng)
        row.said.append(token)
        room = min(row.sampling.max_new_tokens, self.context.length - len(row.prompt))
        row.ended = token in row.ends or len(row.said) >= room
        return token

    def _seat(self) -> None:
        """Give each waiting row the free place that holds most of its prompt, in the order in which they came."""
        while self._waiting and (free := [number for number, slot in enumerate(self._slots) if slot.row is None]):
            row = self._waiting.popleft()
            shared = [_common(self._slots[number].held, row.prompt[:-1]) if self._reuse else 0 for number in free]
            number = free[int(np.argmax(shared))]
            keep = max(shared)
            if not self.context.forget(number, keep):
                keep = 0
            slot = self._slots[number]
            slot.row, slot.held = row, row.prompt[:keep]


def _common(held: Sequence[int], prompt: Sequence[int]) -> int:
    """How many tokens two rows begin with alike."""
    for place, (one, other) in enumerate(zip(held, prompt, strict=False)):
        if one != other:
            return place
    return min(len(held), len(prompt))
