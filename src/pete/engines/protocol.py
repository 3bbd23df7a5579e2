"""The engine protocol: a Generator loads, scores and generates; a Trainer is a Generator that also trains.

An engine inherits from one of the two, states the facts that differ from the defaults, and defines what is abstract.
`logits` is there because an adapter is proven by logits, not by shapes; `stream` takes several prompts at once because
answering sixteen together costs little more than answering one; `estimate` because only an engine knows what its own step keeps.
"""

import json
from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pete.config import GenerateConfig, LoraConfig, ModelConfig
from pete.data.batch import Batch
from pete.errors import WorkError


class RankLost(WorkError):
    """One of the processes that train together is gone; what was saved before is good."""


@dataclass(frozen=True)
class LossSum:
    """Summed negative log-likelihood of the trained tokens, for each example of a batch, in nats."""

    nats: tuple[float, ...]
    tokens: tuple[int, ...]

    @classmethod
    def of(cls, batch: Batch, losses: np.ndarray) -> "LossSum":
        """The sums of losses [trained tokens of the batch, in order]."""
        count = len(batch.lengths)
        example = np.repeat(np.arange(count), batch.lengths)[batch.trained]
        nats, tokens = np.bincount(example, losses, count), np.bincount(example, minlength=count)
        return cls(tuple(map(float, nats)), tuple(map(int, tokens)))


@dataclass(frozen=True)
class StepResult:
    """One optimizer update: summed nats over trained tokens, and the gradient's norm before clipping."""

    nats: float
    tokens: int
    grad_norm: float


@dataclass(frozen=True)
class MemoryUse:
    """Bytes: on the device that matters, now and at the highest point so far, and in the process's main memory now."""

    current: int
    peak: int
    resident: int


@dataclass(frozen=True)
class Forecast:
    """What training will take here: bytes by part at the highest point, bytes to be had, real tokens a second (NaN: not timed)."""

    parts: Mapping[str, int]
    available: int
    tokens_per_second: float
    """Of one device."""
    side_by_side: int = 1
    """Devices of that speed that compute a step's micro-batches."""

    @property
    def memory(self) -> int:
        """Bytes at the highest point."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Base:
    """A base model on disk. `fingerprint` says which weights these are; an adapter remembers it."""

    name: str
    folder: Path
    revision: str
    fingerprint: str
    context: int
    missing: int = 0
    """Bytes of weights that are not on this machine yet; config and tokenizer are."""
    made_here: bool = False
    """Made by Pete itself: transformers knows nothing of it, and it has no weights on disk."""

    @property
    def shape(self) -> dict[str, Any]:
        """Its config.json."""
        return json.loads((self.folder / "config.json").read_bytes())


class Rows(Protocol):
    """Rows that decode together; each joins when it likes and leaves when it likes. For one thread at a time."""

    @abstractmethod
    def join(self, prompt: Sequence[int], sampling: GenerateConfig, ends: Collection[int]) -> int:
        """Add a row that draws as row 0 of `Generator.stream` would; returns its number, which no other row ever gets.

        Raises:
            UserError: the prompt is longer than there are places for a row.
        """

    @abstractmethod
    def step(self) -> list[tuple[int, int | None]]:
        """The next token of every row that does not wait, as (row, token); None in its place when the row has ended, and is gone."""

    @abstractmethod
    def leave(self, row: int) -> None:
        """Take a row out, ended or not; one that is gone already may leave again."""


class Generator(Protocol):
    """What answers: facts, one switch, six verbs."""

    name: str
    device: str = "cpu"
    dtype: str = "float32"
    dtype_reason: str = ""
    parameters: int = 0
    """Parameters of the base model."""
    base: Base
    adapter_active: bool = True
    """Switch: False answers and scores as the base would, on the same weights in memory."""
    queues: bool = False
    """Any number of prompts may be streamed together: rows wait until there is room for them."""
    packages: tuple[str, ...] = ("numpy",)
    """What computes: another version of one of these may compute other bits."""

    @property
    def guessed(self) -> tuple[int, int]:
        """Tokens that a smaller model has guessed so far, and those of them that were drawn."""
        return 0, 0

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Version by package, of those that are installed."""
        found = {}
        for name in cls.packages:
            try:
                found[name] = version(name)
            except PackageNotFoundError:
                continue
        return found

    @abstractmethod
    def load(self, model: ModelConfig, adapter: Path | None = None) -> None:
        """Load a base, and an adapter folder on top. A folder that `save(with_optimizer=True)` wrote goes on training exactly.

        Raises:
            BaseModelError, AdapterError: what cannot be found, trusted or fitted.
        """

    @abstractmethod
    def loss(self, batch: Batch) -> LossSum:
        """Negative log-likelihood of the trained tokens; the caller divides."""

    def losses(self, batches: Sequence[Batch]) -> list[LossSum]:
        """`loss` of each; several devices share them out."""
        return [self.loss(batch) for batch in batches]

    @abstractmethod
    def logits(self, ids: Sequence[int]) -> np.ndarray:
        """Next-token logits after `ids`: float32 [vocabulary]."""

    @abstractmethod
    def stream(
        self, prompts: Sequence[Sequence[int]], sampling: GenerateConfig, ends: Collection[int], done: set[int] | None = None
    ) -> Iterator[tuple[int, int]]:
        """(row, token) pairs as they are drawn, end included; a row ends at any id of `ends`, at max_new_tokens, or once in `done`.

        Row r draws from its own generator, seeded with (sampling.seed, r). The repetition penalty looks at the answer only.
        """

    def rows(self, most: int = 1) -> Rows:
        """Rows that join and leave, none to begin with, up to `most` at once; others wait. An engine that can batch them has its own."""
        from pete.engines.rows import RowsInTurns

        return RowsInTurns(self, most)

    @abstractmethod
    def memory(self) -> MemoryUse:
        """Bytes used on the device that matters."""


class Trainer(Generator, Protocol):
    """What trains, and answers too."""

    devices: int = 1
    """That train together."""

    @abstractmethod
    def estimate(
        self, base: Base, model: ModelConfig, lora: LoraConfig, *, largest: Batch, typical: Batch | None, scored: Batch | None
    ) -> Forecast:
        """What training this base would take; works without its weights, and before `load`.

        Args:
            base: whose folder holds at least config.json.
            model: the dtype asked for.
            lora: the adapter.
            largest: the largest micro-batch.
            typical: an average one, which is timed where the largest fits; None asks for the memory alone.
            scored: the largest batch that will be scored, if any is.

        Raises:
            BaseModelError, ConfigError: the shape cannot be built, or a target names no layer.
        """

    @abstractmethod
    def add_lora(self, lora: LoraConfig) -> int:
        """Put a fresh adapter on the base; returns its trainable parameters."""

    @abstractmethod
    def train_step(self, micro: Sequence[Batch], lr: float) -> StepResult:
        """ONE optimizer update. The gradient is that of summed loss over summed trained tokens of all micro-batches."""

    @abstractmethod
    def save(self, folder: Path, *, with_optimizer: bool) -> None:
        """Write the adapter in PEFT's format; with the optimizer and whatever else going on exactly takes."""
