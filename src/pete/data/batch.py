"""Batches without padding: examples lie end to end, and attention never crosses a border.

The order is a pure function of the seed and the position, so the data cursor of a checkpoint is one number: the step.
"""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pete.config import Config
from pete.data.render import Rendered
from pete.errors import ConfigError

PAIRS = 512
"""Attention's scores that a scored batch may have for each token it may hold."""


@dataclass(frozen=True)
class Batch:
    """Examples end to end: ids (int32, [n]), trained (bool, [n]), and the length of each example (sums to n)."""

    ids: np.ndarray
    trained: np.ndarray
    lengths: tuple[int, ...]

    @classmethod
    def of(cls, rows: Sequence[Rendered]) -> "Batch":
        """Lay rows end to end."""
        return cls(
            np.concatenate([row.ids for row in rows]),
            np.concatenate([row.trained for row in rows]),
            tuple(len(row) for row in rows),
        )

    @functools.cached_property
    def shared(self) -> int:
        """Tokens that every row begins with: a system prompt, as a rule. 0 where there is one row."""
        return common_beginning(np.split(self.ids, np.cumsum(self.lengths)[:-1]))


def common_beginning(rows: Sequence[Sequence[int] | np.ndarray]) -> int:
    """Tokens that all rows begin with; 0 where there is one row."""
    if len(rows) < 2:
        return 0
    shortest = min(map(len, rows))
    alike = (np.stack([row[:shortest] for row in rows]) == rows[0][:shortest]).all(axis=0)
    return shortest if alike.all() else int(alike.argmin())


class Sequencer:
    """Which rows make which step."""

    def __init__(self, rows: Sequence[Rendered], config: Config, texts: int = 0) -> None:
        """Get ready to lay rows out.

        Args:
            rows: of training.
            config: says how many at once, and how long.
            texts: what `train.epochs` counts passes over, where it is less than the rows: a text to write and to rewrite is one.

        Raises:
            ConfigError: the warm-up would be the whole training.
        """
        self.rows, self.texts = rows, texts or len(rows)
        self.seed = config.train.seed
        self.micro_batch = config.train.rows_together
        self.accumulation = config.train.accumulation
        self.capacity = config.data.max_length if config.data.packing else 0
        per_step = self.micro_batch * self.accumulation
        if config.train.steps is not None:
            self.steps = config.train.steps
        else:
            assert config.train.epochs is not None
            passes = config.train.epochs * self.texts / max(1, len(rows))
            self.steps = max(1, math.ceil(passes * len(self._epoch(0)) / per_step))
            if config.optim.warmup_steps >= self.steps:
                raise ConfigError(
                    f"optim.warmup_steps = {config.optim.warmup_steps} leaves nothing of the {self.steps} steps that "
                    f"train.epochs = {config.train.epochs:g} makes of {self.texts} texts.",
                    "lower optim.warmup_steps or raise train.epochs",
                )

    def steps_from(self, first: int) -> Iterator[list[Batch]]:
        """The micro-batches of each step, from `first` (0-based) to the last."""
        micro = self._micro_batches(first)
        for _ in range(first, self.steps):
            yield [Batch.of(next(micro)) for _ in range(self.accumulation)]

    def micro_batches(self, first: int = 0) -> Iterator[list[Rendered]]:
        """The rows of every micro-batch from step `first` (0-based) to the last, in order."""
        return itertools.islice(self._micro_batches(first), (self.steps - first) * self.accumulation)

    def _micro_batches(self, first: int) -> Iterator[list[Rendered]]:
        """The rows of each micro-batch from step `first` on, without end."""
        packs = itertools.chain.from_iterable(map(self._epoch, itertools.count()))
        packs = itertools.islice(packs, first * self.accumulation * self.micro_batch, None)
        while True:
            yield [self.rows[i] for pack in itertools.islice(packs, self.micro_batch) for i in pack]

    def _epoch(self, epoch: int) -> list[list[int]]:
        """One pass over the rows in this epoch's order; with packing, several rows to a pack (first fit)."""
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.rows))
        if not self.capacity:
            return [[int(i)] for i in order]
        packs: list[list[int]] = []
        room: list[int] = []
        for i in map(int, order):
            need = len(self.rows[i])
            slot = next((s for s, left in enumerate(room) if left >= need), None)
            if slot is None:
                packs.append([i])
                room.append(self.capacity - need)
            else:
                packs[slot].append(i)
                room[slot] -= need
        return packs


def pairs(lengths: Sequence[int]) -> int:
    """Scores that attention holds at once for rows of these lengths, a head and layer: a rectangle as wide as the longest row."""
    return len(lengths) * max(lengths, default=0) ** 2


def in_batches(rows: Sequence[Rendered], tokens: int = 2048) -> Iterator[Batch]:
    """Rows in order, as many to a batch as fit into `tokens` and into `tokens * PAIRS` of attention (at least one): for scoring."""
    held: list[Rendered] = []
    for row in rows:
        lengths = [*map(len, held), len(row)]
        if held and (sum(lengths) > tokens or pairs(lengths) > tokens * PAIRS):
            yield Batch.of(held)
            held = []
        held.append(row)
    if held:
        yield Batch.of(held)
