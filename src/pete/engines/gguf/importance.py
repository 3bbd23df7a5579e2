"""Which columns of a matrix matter: by how large what they are multiplied with is, on the user's own text.

A quantiser that knows it rounds the others more.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pete.engines.llama.runtime import Context, Weights


def importance_of(path: Path, rows: Sequence[Sequence[int]]) -> dict[str, np.ndarray]:
    """Mean square of what each column of each matrix is multiplied with: float32 [columns], by the file's tensor names.

    Args:
        path: a GGUF of the model in full precision (f32, f16 or bf16).
        rows: token ids of texts; about ten thousand tokens are enough.
    """
    sums: dict[str, np.ndarray] = {}
    seen: dict[str, int] = {}

    def add(name: str, values: np.ndarray) -> None:
        sums[name] = sums.get(name, 0.0) + np.einsum("tc,tc->c", values, values, dtype=np.float64)
        seen[name] = seen.get(name, 0) + len(values)

    weights = Weights(path, gpu=False)
    context = Context(weights, rows=1, length=min(weights.context, max(map(len, rows))), watch=add)
    try:
        for row in rows:
            kept = list(row[: context.length])
            context.decode(kept, range(len(kept)), [0] * len(kept), [True] * len(kept))
            context.forget(0)
    finally:
        context.close()
        weights.close()
    return {name: (total / seen[name]).astype(np.float32) for name, total in sums.items()}
