"""What every way is given, as two files in a folder: the configuration, and the same rows in the same order."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pete.config import Config
from pete.data.batch import Batch

SETTINGS, ROWS = "job.json", "rows.npz"


@dataclass(frozen=True)
class Job:
    """One comparison on one device."""

    folder: Path
    """Holds the job; each way that trains leaves its adapter in a folder of its name here."""
    config: Config
    steps: Sequence[Sequence[Batch]]
    """The micro-batches of each step."""
    valid: Sequence[Batch]
    """Rows that every adapter is scored on."""
    prompts: Sequence[Sequence[int]]
    """As long as each other."""
    answer: int
    """Tokens of an answer."""
    adapter: str = ""
    """The way whose adapter is decoded with."""

    def adapter_of(self, way: str) -> Path:
        """The folder of an adapter, there once that way has ended."""
        return self.folder / "adapters" / way

    def write(self) -> None:
        """Put it where the ways read it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        settings = {"config": self.config.model_dump(mode="json"), "accumulation": len(self.steps[0]), "answer": self.answer,
                    "prompts": [list(map(int, prompt)) for prompt in self.prompts], "adapter": self.adapter}  # fmt: skip
        (self.folder / SETTINGS).write_text(json.dumps(settings), encoding="utf-8")
        flat = {"train": [batch for micro in self.steps for batch in micro], "valid": list(self.valid)}
        arrays = {f"{name}.{key}": value for name, batches in flat.items() for key, value in _arrays(batches).items()}
        np.savez(self.folder / ROWS, **arrays)  # type: ignore[arg-type]

    @classmethod
    def read(cls, folder: Path) -> "Job":
        """The job of a folder."""
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        with np.load(folder / ROWS, allow_pickle=False) as file:
            train, valid = (list(_batches(file, name)) for name in ("train", "valid"))
        size = settings["accumulation"]
        steps = [train[at : at + size] for at in range(0, len(train), size)]
        config = Config.model_validate(settings["config"])
        return cls(folder, config, steps, valid, settings["prompts"], settings["answer"], settings["adapter"])


def _arrays(batches: Sequence[Batch]) -> dict[str, np.ndarray]:
    return {
        "ids": np.concatenate([batch.ids for batch in batches]).astype(np.int32),
        "trained": np.concatenate([batch.trained for batch in batches]),
        "lengths": np.array([length for batch in batches for length in batch.lengths]),
        "rows": np.array([len(batch.lengths) for batch in batches]),
    }


def _batches(file: Any, name: str) -> Iterator[Batch]:
    ids, trained, lengths, rows = (file[f"{name}.{key}"] for key in ("ids", "trained", "lengths", "rows"))
    for of_batch in np.split(lengths, np.cumsum(rows)[:-1]):
        size = int(of_batch.sum())
        yield Batch(ids[:size], trained[:size], tuple(map(int, of_batch)))
        ids, trained = ids[size:], trained[size:]


def rows_of(batch: Batch) -> list[tuple[np.ndarray, np.ndarray]]:
    """(ids, trained) of each row."""
    borders = np.cumsum(batch.lengths)[:-1]
    return list(zip(np.split(batch.ids, borders), np.split(batch.trained, borders), strict=True))
