"""What another engine has to compute: logits of base and tuned model after some rows, by the engine that trained them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from pete.engines.protocol import Generator

FILE = "reference.safetensors"
"""Its name in an adapter's folder."""
ROWS, LONGEST = 4, 256
"""How many rows it takes, and how many tokens of each."""
NEAR = 0.05
"""Divergence of a row up to which two engines compute the same model."""


@dataclass(frozen=True)
class Gap:
    """How far an engine is from the reference, as Kullback-Leibler divergence in nats."""

    largest: float
    """Of all rows of both models."""
    tuned: float
    """Mean over the rows of the tuned model."""
    change: float
    """The same between the reference's own tuned model and base: what the adapter does."""
    agreement: float
    """Share of rows with the same first token."""

    @property
    def near(self) -> bool:
        """Whether it is the same model, and the adapter's work is seen through the difference. NaN is not."""
        return self.largest <= NEAR and self.tuned <= self.change / 2


@dataclass(frozen=True)
class Reference:
    """Next-token logits after `rows`, float32 [rows, vocabulary], of both models."""

    rows: Sequence[Sequence[int]]
    tuned: np.ndarray
    base: np.ndarray

    @classmethod
    def of(cls, engine: Generator, rows: Iterable[Sequence[int]]) -> "Reference":
        """What an engine computes for the first of these; its adapter is on afterwards."""
        return cls._computed(engine, [list(map(int, row[:LONGEST])) for row in rows][:ROWS])

    @classmethod
    def _computed(cls, engine: Generator, rows: Sequence[Sequence[int]]) -> "Reference":
        tuned = np.stack([engine.logits(row) for row in rows])
        engine.adapter_active = False
        base = np.stack([engine.logits(row) for row in rows])
        engine.adapter_active = True
        return cls(rows, tuned.astype(np.float32), base.astype(np.float32))

    def write(self, folder: Path) -> None:
        """Put it into an adapter's folder."""
        rows = {f"row.{place}": np.array(row, dtype=np.int32) for place, row in enumerate(self.rows)}
        save_file({**rows, "tuned": self.tuned, "base": self.base}, folder / FILE)

    @classmethod
    def read(cls, folder: Path) -> "Reference | None":
        """The one in an adapter's folder; None where there is none, or it is damaged."""
        try:
            found = load_file(folder / FILE)
            return cls([found[f"row.{place}"].tolist() for place in range(len(found["tuned"]))], found["tuned"], found["base"])
        except (OSError, SafetensorError, KeyError):
            return None

    def gap(self, engine: Generator) -> Gap:
        """How far an engine is from it; words beyond the reference's vocabulary are padding."""
        other, words = self._computed(engine, self.rows), self.tuned.shape[1]
        if other.tuned.shape[1] < words:
            return Gap(np.inf, np.inf, 0.0, 0.0)
        tuned, base = divergence(self.tuned, other.tuned[:, :words]), divergence(self.base, other.base[:, :words])
        same = [ours.argmax(-1) == theirs.argmax(-1) for ours, theirs in ((self.tuned, other.tuned), (self.base, other.base))]
        return Gap(
            largest=float(np.maximum(tuned, base).max()),
            tuned=float(tuned.mean()),
            change=float(divergence(self.tuned, self.base).mean()),
            agreement=float(np.mean(same)),
        )


def divergence(true: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Kullback-Leibler divergence of what two rows of logits [n, vocabulary] foresee, in nats: float64 [n]."""
    log_true, log_other = (_log_shares(logits.astype(np.float64)) for logits in (true, other))
    return (np.exp(log_true) * (log_true - log_other)).sum(-1)


def _log_shares(logits: np.ndarray) -> np.ndarray:
    logits = logits - logits.max(-1, keepdims=True)
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))
