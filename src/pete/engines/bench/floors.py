"""What the hardware gives at the shapes in use: the frozen matrices' own products, and reading memory."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from pete.data.batch import Batch
from pete.engines.base_models.resolve import look_up_base
from pete.engines.bench.device import available, settle
from pete.engines.bench.job import Job
from pete.engines.bench.pace import Pace
from pete.engines.bench.reading import SIZE, TRIES, read_speed
from pete.engines.torch.device import gpus_here
from pete.engines.torch.policy import choose_device, choose_dtype, measured_matmul

STRETCH = 1 << 28
"""Bytes of memory that they go over: several times what caches hold."""
DRAWN = 1 << 20
"""Numbers that are drawn, and stand there again and again."""


@dataclass(frozen=True)
class Shape:
    """A base without its weights."""

    body: Counter[tuple[int, int]]
    """(in, out) of the body's matrices -> how many there are."""
    head: tuple[int, int]
    layers: int
    parameters: int

    @classmethod
    def of(cls, model: Any) -> "Shape":
        """That of a model of transformers, on whatever device."""
        head = model.get_output_embeddings()
        linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear | Conv1D) and m is not head]
        sizes = Counter((int(m.weight.shape[0]), int(m.weight.shape[1])) for m in linear if isinstance(m, Conv1D))
        sizes += Counter((int(m.weight.shape[1]), int(m.weight.shape[0])) for m in linear if not isinstance(m, Conv1D))
        layers = model.config.get_text_config().num_hidden_layers
        return cls(sizes, (head.weight.shape[1], head.weight.shape[0]), layers, sum(p.numel() for p in model.parameters()))


def floor(job: Job, pace: Pace) -> None:
    """Facts of device and base first; then {"read": true} for memory's speed, {"step": number, "seconds": least} for a step's products.

    The products are all that the frozen matrices have in that step, each matrix forward and back, one after the other as in training.
    They are taken from end to end, for some seconds at the least: the mean and not the best, for a processor's clock falls under
    a load that stays, and other work comes between, in every way's step as much as here. The best of a few short products is a speed
    that no step could keep up, or, where the few met a bad moment, one that a step may pass; both make ratios that say nothing.
    """
    config = job.config
    device = choose_device(config.engine.device, gpus_here()).value
    choice = choose_dtype(config.model.dtype, device, measured_matmul)
    settle(pace, device)
    settings = AutoConfig.from_pretrained(look_up_base(config.model).folder, local_files_only=True)
    with torch.device("meta"):
        shape = Shape.of(AutoModelForCausalLM.from_config(settings))
    steps = [products_of(shape, micro) for micro in job.steps]
    numbers = Numbers(max(max(p.rows, p.wide) * max(p.wide, p.out) for step in steps for p in step), choice.value, device)
    card = torch.cuda.get_device_name() if device == "cuda" else ""
    slow, used = (measured_matmul(device, dtype) for dtype in ("float32", choice.value))
    pace.ready(
        device=device, dtype=choice.value, dtype_reason=choice.reason, card=card, threads=torch.get_num_threads(),
        slower_in_float32=slow / used if slow and used else 1.0,
        parameters=shape.parameters, layers=shape.layers, width=shape.head[0], vocabulary=shape.head[1], available=available(device),
    )  # fmt: skip
    while (order := pace.wait()) is not None:
        if order.get("read"):
            speed = read_speed(torch.get_num_threads()) if device == "cpu" else device_read_speed(device, pace.finish)
            pace.done(speed=speed)
            continue
        step = steps[order["step"]]
        seconds = sustained(lambda step=step: [numbers.compute(product) for product in step], order["seconds"], pace.finish)
        tokens = sum(len(batch.ids) for batch in job.steps[order["step"]])
        pace.done(seconds=seconds, tokens=tokens, flops=sum(product.flops for product in step) / seconds)


@dataclass(frozen=True)
class Product:
    """[rows, wide] x [wide, out] and its gradient, [rows, out] x [out, wide], for each of `count` matrices."""

    rows: int
    wide: int
    out: int
    count: int

    @property
    def flops(self) -> float:
        """Operations, a multiplication and an addition being two."""
        return 4.0 * self.rows * self.wide * self.out * self.count


def products_of(shape: Shape, micro: Sequence[Batch]) -> list[Product]:
    """Those of a step's micro-batches; the head's are of trained tokens alone."""
    found = [Product(len(batch.ids), *size, count) for batch in micro for size, count in shape.body.items()]
    return found + [Product(int(batch.trained.sum()), *shape.head, 1) for batch in micro]


class Numbers:
    """A stretch of random numbers that no cache holds, and of which each matrix is another piece.

    One matrix of a small base, taken again and again, would stay in a cache; in training each comes from memory.
    """

    def __init__(self, least: int, dtype: str, device: str) -> None:
        drawn = torch.randn(DRAWN, dtype=getattr(torch, dtype), device=device)
        size = max(least, STRETCH // drawn.element_size())
        self._all = drawn.repeat(-(-size // DRAWN))
        self._at = 0

    def compute(self, product: Product) -> None:
        """Both directions of all its matrices."""
        x, y = (self._all[: product.rows * width].view(product.rows, width) for width in (product.wide, product.out))
        for _ in range(product.count):
            torch.nn.functional.linear(x, self._next(product.out, product.wide))
        for _ in range(product.count):
            torch.matmul(y, self._next(product.out, product.wide))

    def _next(self, out: int, wide: int) -> Tensor:
        if self._at + out * wide > len(self._all):
            self._at = 0
        self._at += out * wide
        return self._all[self._at - out * wide : self._at].view(out, wide)


def sustained(call: Callable[[], object], least: float, finish: Callable[[], None]) -> float:
    """Seconds of a call: the mean of as many, one after the other, as `least` seconds take, and of one at the least."""
    finish()
    start, calls = time.perf_counter(), 0
    while True:
        call()
        finish()
        calls += 1
        if (taken := time.perf_counter() - start) >= least:
            return taken / calls


def device_read_speed(device: str, finish: Callable[[], None]) -> float:
    """Bytes a second that a sum over a GPU's own memory reaches, the best of some as a processor's is."""
    values = torch.ones(SIZE // 4, device=device)
    taken = []
    for _ in range(TRIES):
        finish()
        start = time.perf_counter()
        values.sum()
        finish()
        taken.append(time.perf_counter() - start)
    return SIZE / min(taken)
