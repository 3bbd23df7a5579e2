"""Ways to train that need no trainer of somebody else's: ours, and transformers + peft in a plain loop; and the score of an adapter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
from torch import Tensor

from pete.config import Config
from pete.engines.base_models.resolve import look_up_base
from pete.engines.bench import PADDED
from pete.engines.bench.device import load, lora, padded_attention, save, settle
from pete.engines.bench.job import Job, rows_of
from pete.engines.bench.pace import Pace
from pete.engines.torch.engine import TorchEngine

Row = tuple[np.ndarray, np.ndarray]
IGNORED = -100
"""A label that carries no loss."""


def ours(job: Job, pace: Pace) -> None:
    """The torch engine."""
    config = job.config
    engine = TorchEngine(config)
    settle(pace, engine.device)
    engine.load(config.model)
    trainable = engine.add_lora(config.lora)
    pace.ready(trainable=trainable)
    for micro in job.steps:
        if pace.wait() is None:
            break
        result = engine.train_step(micro, config.optim.learning_rate)
        pace.done(tokens=sum(len(batch.ids) for batch in micro), loss=result.nats / result.tokens)
    engine.save(job.adapter_of("ours"), with_optimizer=False)


def report(job: Job, pace: Pace) -> None:
    """The report's: float32, one row at a time, padded to 512, loss on every token, the mean of the rows' means."""
    context = look_up_base(job.config.model).context
    width = min(context, max(PADDED, *(length for micro in job.steps for batch in micro for length in batch.lengths)))
    micros = [[[(ids, np.ones_like(trained))] for batch in micro for ids, trained in rows_of(batch)] for micro in job.steps]
    _loop(job, pace, "report", micros, "float32", width)


def loop(job: Job, pace: Pace) -> None:
    """The same libraries at their best without a trainer: short padding, loss where it belongs, autocast in bfloat16."""
    _loop(job, pace, "loop", [[rows_of(batch) for batch in micro] for micro in job.steps], job.config.model.dtype, 0)


def _loop(job: Job, pace: Pace, way: str, steps: Sequence[Sequence[Sequence[Row]]], dtype: str, width: int) -> None:
    config, device = job.config, job.config.engine.device
    settle(pace, device)
    model: Any = peft.get_peft_model(load(job, dtype, padded_attention(device, dtype)), lora(job)).train()
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=config.optim.learning_rate, weight_decay=config.optim.weight_decay)
    pace.ready(trainable=sum(parameter.numel() for parameter in trainable))
    for micro in steps:
        if pace.wait() is None:
            break
        learned = [sum(int(trained[1:].sum()) for _, trained in rows) for rows in micro]
        shares = [1 / len(micro)] * len(micro) if width else [part / sum(learned) for part in learned]
        total = 0.0
        for rows, share in zip(micro, shares, strict=True):
            inputs = {name: value.to(device) for name, value in padded(rows, width).items()}
            with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=dtype == "bfloat16"):
                loss = model(**inputs, use_cache=False).loss * share
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(trainable, config.optim.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        pace.done(tokens=sum(len(ids) for rows in micro for ids, _ in rows), loss=total)
    save(model, job, way)


def padded(rows: Sequence[Row], width: int = 0) -> dict[str, Tensor]:
    """Rows as most trainers lay them out: int64 [rows, width], padding to the right, labels -100 where nothing is trained.

    Args:
        rows: (ids, trained) of each.
        width: to pad to; 0 is the longest row.
    """
    shape = len(rows), width or max(len(ids) for ids, _ in rows)
    found = {"input_ids": np.zeros(shape, np.int64), "attention_mask": np.zeros(shape, np.int64), "labels": np.full(shape, IGNORED)}
    for place, (ids, trained) in enumerate(rows):
        found["input_ids"][place, : len(ids)], found["attention_mask"][place, : len(ids)] = ids, 1
        found["labels"][place, : len(ids)] = np.where(trained, ids, IGNORED)
    return {name: torch.from_numpy(value) for name, value in found.items()}


def score(job: Job, pace: Pace) -> None:
    """Held-out nats a token of adapters, one an order ({"adapter": way}; nothing is the base), all by the same code in the same dtype."""
    config: Config = job.config
    engine = TorchEngine(config)
    settle(pace, engine.device)
    pace.ready()
    while (order := pace.wait()) is not None:
        adapter: Path | None = job.adapter_of(order["adapter"]) if order["adapter"] else None
        engine.load(config.model, adapter)
        sums = [engine.loss(batch) for batch in job.valid]
        pace.done(loss=sum(sum(one.nats) for one in sums) / sum(sum(one.tokens) for one in sums))
