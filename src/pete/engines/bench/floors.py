"""What the hardware gives at the shapes in use: the frozen matrices' own products, and reading memory."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from pete.engines.base_models.resolve import look_up_base
from pete.engines.bench.device import available, settle
from pete.engines.bench.job import Job
from pete.engines.bench.pace import Pace
from pete.engines.bench.reading import SIZE, read_speed
from pete.engines.torch.device import gpus_here
from pete.engines.torch.policy import choose_device, choose_dtype, measured_matmul

TRIES = 3


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
    """Facts of device and base first; then {"read": true} for memory's speed, anything else for the next step's products."""
    config = job.config
    device = choose_device(config.engine.device, gpus_here()).value
    choice = choose_dtype(config.model.dtype, device, measured_matmul)
    settle(pace, device)
    settings = AutoConfig.from_pretrained(look_up_base(config.model).folder, local_files_only=True)
    with torch.device("meta"):
        shape = Shape.of(AutoModelForCausalLM.from_config(settings))
    card = torch.cuda.get_device_name() if device == "cuda" else ""
    pace.ready(
        device=device, dtype=choice.value, dtype_reason=choice.reason, card=card, threads=torch.get_num_threads(),
        parameters=shape.parameters, layers=shape.layers, width=shape.head[0], vocabulary=shape.head[1], available=available(device),
    )  # fmt: skip
    steps = iter(job.steps)
    while (order := pace.wait()) is not None:
        if order.get("read"):
            speed = read_speed(torch.get_num_threads()) if device == "cpu" else device_read_speed(device, pace.finish)
            pace.done(speed=speed)
            continue
        micro = next(steps)
        products = [(len(batch.ids), *size, count) for batch in micro for size, count in shape.body.items()]
        products += [(int(batch.trained.sum()), *shape.head, 1) for batch in micro]
        seconds = sum(count * both_ways(rows, wide, out, choice.value, device, pace.finish) for rows, wide, out, count in products)
        work = sum(4.0 * rows * wide * out * count for rows, wide, out, count in products)
        pace.done(seconds=seconds, tokens=sum(len(batch.ids) for batch in micro), flops=work / seconds)


def both_ways(rows: int, wide: int, out: int, dtype: str, device: str, finish: Callable[[], None]) -> float:
    """Seconds of [rows, wide] x [wide, out] and of its gradient, [rows, out] x [out, wide]: the best of some."""
    kind = getattr(torch, dtype)
    weight, x, y = (torch.ones(shape, dtype=kind, device=device) for shape in ((out, wide), (rows, wide), (rows, out)))
    return _best(lambda: x @ weight.t(), finish) + _best(lambda: y @ weight, finish)


def device_read_speed(device: str, finish: Callable[[], None]) -> float:
    """Bytes a second that a sum over a GPU's own memory reaches."""
    values = torch.ones(SIZE // 4, device=device)
    return SIZE / _best(values.sum, finish)


def _best(call: Callable[[], object], finish: Callable[[], None]) -> float:
    taken = []
    for _ in range(TRIES):
        finish()
        start = time.perf_counter()
        call()
        finish()
        taken.append(time.perf_counter() - start)
    return min(taken)
