"""Weights into safetensors, tensor by tensor: the header is known before the first number is, so no model is ever in memory whole."""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pete.engines.base_models.checks import INDEX
from pete.engines.base_models.merge import MergedWeights
from pete.errors import WorkError

BYTES = {"F32": 4, "F16": 2, "BF16": 2}
"""Kinds of numbers that are written -> bytes of one."""


def write_merged(weights: MergedWeights, folder: Path, on_done: Callable[[int, int], None] = lambda done, of: None) -> None:
    """Write every weight into files of the base's names, each as the base keeps it; an index where there are several.

    Args:
        weights: what is written.
        folder: where to.
        on_done: told how many tensors of how many are written.

    Raises:
        WorkError: a merged weight is beyond what the base's kind of number can hold.
    """
    names = weights.names()
    files = sorted({weights.file(name) for name in names})
    done = 0
    for file in files:
        inside = [name for name in names if weights.file(name) == file]
        with (folder / file).open("wb") as out:
            out.write(header([(name, weights.dtype(name), weights.shape(name)) for name in inside]))
            for name in inside:
                out.write(encoded(weights.tensor(name), weights.dtype(name), name))
                on_done(done := done + 1, len(names))
    if len(files) > 1:
        index = {"metadata": {"total_size": size_of(weights)}, "weight_map": {name: weights.file(name) for name in names}}
        (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")


def size_of(weights: MergedWeights) -> int:
    """Bytes of all weights as the base keeps them."""
    return sum(math.prod(weights.shape(name)) * BYTES[weights.dtype(name)] for name in weights.names())


def header(tensors: Sequence[tuple[str, str, Sequence[int]]]) -> bytes:
    """What stands before the numbers of a safetensors file.

    Args:
        tensors: (name, kind of number, shape), in the order in which they will be written.
    """
    entries: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    at = 0
    for name, kind, shape in tensors:
        size = math.prod(shape) * BYTES[kind]
        entries[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # the numbers begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text


def encoded(values: np.ndarray, kind: str, name: str) -> bytes:
    """Float32 numbers as a kind of number, little-endian, rounded to the nearest.

    Raises:
        WorkError: a finite number that the kind cannot hold.
    """
    values = np.ascontiguousarray(values, dtype="<f4")
    if kind == "F32":
        return values.tobytes()
    if kind == "F16":
        with np.errstate(over="ignore"):
            made = values.astype("<f2")
        if not np.isfinite(made).all():
            raise WorkError(
                f"{name}: merged, it reaches {np.abs(values).max():.4g}, beyond what the base's float16 can hold.",
                "export the adapter instead: --to adapter",
            )
        return made.tobytes()
    bits = values.view("<u4")  # bfloat16: the upper half, rounded to the nearest, ties to even
    return ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) >> 16).astype("<u2").tobytes()
