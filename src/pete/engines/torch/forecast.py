"""What a training will take, found by taking its largest step without computing it, and by timing a step of its base.

Memory: the model is built on torch's meta device, where tensors have shapes and no contents; one real step (our kernels,
peft's layers, autograd's saved tensors, recomputation if asked for) runs through it while a dispatch mode counts which
storages are alive. Nothing has to be kept in step with the kernels: what the step keeps is what is counted.

Time: a typical micro-batch is done for real with random weights: by the whole base where it is small, else by its first
layer, then by its first two, and the difference is what a layer costs on this machine.
"""

import time
import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pete.data.batch import Batch

if TYPE_CHECKING:
    from pete.engines.torch.engine import TorchEngine

TIMED = 2
"""Micro-batches after the first, which pays for kernels."""
WHOLE = 10**9
"""Bytes of weights up to which the whole base is timed. Two layers of a small one stay in the processor's cache and look a fifth
faster than they are among thirty; two of a big one do not."""

OpenShape = Callable[[str, int | None], "TorchEngine"]
"""(device, layers or all) -> an engine with the base's shape and an adapter, its weights random or of no content."""


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of storages that operations made and nobody has let go of yet."""

    def __init__(self, known: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.now = 0
        self.peak = 0
        self._seen = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and note what it made."""
        out = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor) and leaf.device.type == "meta":
                self._note(leaf.untyped_storage())
        return out

    def _note(self, storage: torch.UntypedStorage) -> None:
        key = storage._cdata
        if key in self._seen:
            return
        size = storage.nbytes()
        self._seen.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._forget, key, size)

    def _forget(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.now -= size


def step_bytes(open_shape: OpenShape, train: Sequence[int], valid: Sequence[int]) -> dict[str, int]:
    """Bytes by part at the highest point of training.

    Args:
        open_shape: makes an engine without weights.
        train: lengths of the rows of the largest micro-batch.
        valid: lengths of the rows of the largest scored batch; empty for none.

    Returns:
        "weights", "adapter" (float32, with its gradient and AdamW's two moments), "activations" (the larger of a
        training step and a scoring).
    """
    engine = open_shape("meta", None)
    weights = list(engine._model.parameters())
    adapter = list(engine._trainable().values())
    held = sum(p.numel() * p.element_size() for p in weights) - sum(p.numel() * p.element_size() for p in adapter)
    engine._peft.train()
    with LiveBytes(weights) as live:
        engine._losses(_blank(train))[0].sum().backward()
    highest = live.peak - sum(p.numel() * p.element_size() for p in adapter)  # the gradients are counted with the adapter
    if valid:
        engine._model.eval()
        with torch.inference_mode(), LiveBytes(weights) as scoring:
            engine._losses(_blank(valid))
        highest = max(highest, scoring.peak)
    return {"weights": held, "adapter": 4 * sum(p.numel() * 4 for p in adapter), "activations": highest}


def tokens_a_second(open_shape: OpenShape, device: str, layers: int, weights: int, typical: Sequence[int]) -> float:
    """Training speed in real tokens a second, for micro-batches like `typical` (row lengths) and a base of so many bytes."""
    tokens = sum(typical)
    if weights <= WHOLE:
        return tokens / _seconds(open_shape, device, layers, typical)
    one, two = (_seconds(open_shape, device, count, typical) for count in (1, 2))
    return tokens / (one + max(two - one, 0.0) * (layers - 1))


def _seconds(open_shape: OpenShape, device: str, layers: int, typical: Sequence[int]) -> float:
    """One step of a micro-batch with so many layers, averaged."""
    engine, batch = open_shape(device, layers), _blank(typical)
    engine.train_step([batch], 0.0)
    start = time.perf_counter()
    for _ in range(TIMED):
        engine.train_step([batch], 0.0)
    seconds = (time.perf_counter() - start) / TIMED
    engine._release()  # the real weights come next, and need the room
    return seconds


def _blank(lengths: Sequence[int]) -> Batch:
    """A batch of these lengths; half of each row is answer, as in most data."""
    trained = np.concatenate([np.arange(n) >= n // 2 for n in lengths])
    return Batch(np.ones(len(trained), dtype=np.int32), trained, tuple(lengths))
