"""What a training will take, found by taking its largest step without computing it, and by timing a step of its base.

Memory: the model is built on torch's meta device, where tensors have shapes and no contents; one real step (our kernels,
peft's layers, autograd's saved tensors, recomputation if asked for) runs through it while a dispatch mode counts which
storages are alive. Nothing has to be kept in step with the kernels: what the step keeps is what is counted.

Time: a typical micro-batch is done for real with random weights by the base's first layer, then by its first few, and the
difference is what a layer costs on this machine.
"""

import time
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from pete.config import Config
from pete.engines.devices import on_this_machine, world

TIMED, ENOUGH = 2, 1.0
"""Micro-batches after the first, which pays for kernels; seconds of them after which no other is asked."""
BEYOND_CACHE = 128 << 20
"""Bytes of weights that the few layers hold at least: two of a small base stay in the processor's cache and look a fifth faster
than they are among thirty."""


BESIDE = {"cpu": ("heap", 0.4), "cuda": ("allocator", 0.45)}
"""Of the activations, what is kept beside them because rows change their length from step to step: by the C library's heap on a CPU,
by PyTorch's own allocator on a CUDA card (docs/log.md has every run that they were held against)."""


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


def step_bytes(
    weights: Sequence[torch.Tensor], adapter: Sequence[torch.Tensor], train: Callable[[], object], score: Callable[[], object] | None
) -> dict[str, int]:
    """Bytes by part at the highest point of training.

    Args:
        weights: of the whole model, adapter included, on the meta device.
        adapter: those that are trained.
        train: computes the gradients of the largest micro-batch.
        score: computes the losses of the largest scored batch; None where none is scored.

    Returns:
        "weights", "adapter" (float32, with its gradient and AdamW's two moments), "activations" (the larger of a
        training step and a scoring).
    """
    adapter_bytes = sum(map(_bytes, adapter))
    with LiveBytes(weights) as live:
        train()
    highest = live.peak - adapter_bytes  # the gradients are counted with the adapter
    if score is not None:
        with torch.inference_mode(), LiveBytes(weights) as scoring:
            score()
        highest = max(highest, scoring.peak)
    return {"weights": sum(map(_bytes, weights)) - adapter_bytes, "adapter": 4 * adapter_bytes, "activations": highest}


def kept_beside(device: str, activations: int) -> dict[str, int]:
    """Bytes that this device's memory manager keeps besides what is alive, by its name; empty where none was measured."""
    if device not in BESIDE:
        return {}
    name, share = BESIDE[device]
    return {name: int(activations * share)}


def sharing(config: Config, device: str) -> int:
    """How many devices share the memory that can be had: on a CPU all of this machine, elsewhere each has its own."""
    return on_this_machine(config.train.devices) if device == "cpu" else 1


def side_by_side(config: Config, device: str) -> int:
    """How many devices compute beside each other as fast as the one that is timed; processes that share its cores count as one."""
    return 1 if device == "cpu" and not world() else config.train.devices


def _bytes(tensor: torch.Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def seconds_a_step(of_layers: Callable[[int], float], layers: int, weights: int) -> float:
    """Seconds of a step of a base of so many layers and bytes, from those of a model with some or all of its layers."""
    few = max(2, -(-BEYOND_CACHE * layers // weights))
    if few >= layers:
        return of_layers(layers)
    first, some = of_layers(1), of_layers(few)
    return first + max(some - first, 0.0) / (few - 1) * (layers - 1)


def timed(step: Callable[[], object]) -> float:
    """Seconds of one step, averaged."""
    step()
    taken: list[float] = []
    while len(taken) < TIMED and sum(taken) < ENOUGH:
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    return sum(taken) / len(taken)
