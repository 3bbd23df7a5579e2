"""Trainers with loops of their own: they wait inside a callback, at the end of each step, until they are told to go on."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import peft
import torch
from transformers import DataCollatorWithFlattening, Trainer, TrainerCallback, TrainingArguments

from pete.engines.bench.device import load, lora, padded_attention, save, settle, varlen
from pete.engines.bench.job import Job, rows_of
from pete.engines.bench.pace import Pace
from pete.engines.bench.training import IGNORED, padded


class Waiting(TrainerCallback):
    """Ready when training begins; answers each step when its loss is logged, and holds the trainer there."""

    def __init__(self, job: Job, pace: Pace) -> None:
        self._pace = pace
        self._tokens = [sum(len(batch.ids) for batch in micro) for micro in job.steps]

    def on_train_begin(self, args: Any, state: Any, control: Any, **given: Any) -> None:
        """Everything is loaded."""
        trainable = [parameter for parameter in given["model"].parameters() if parameter.requires_grad]
        self._pace.ready(trainable=sum(parameter.numel() for parameter in trainable))
        if self._pace.wait() is None:
            raise RuntimeError("no step was asked for")

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **given: Any) -> None:
        """A step has ended."""
        if not logs or "loss" not in logs:  # the summary at the end
            return
        self._pace.done(tokens=self._tokens[state.global_step - 1], loss=logs["loss"])
        if self._pace.wait() is None:
            control.should_training_stop = True


def trainer(job: Job, pace: Pace) -> None:
    """The Trainer of transformers."""
    settle(pace, job.config.engine.device)
    flat = varlen(job.config.engine.device)
    model: Any = peft.get_peft_model(load(job, attention=_attention(job)), lora(job))
    rows: Any = [{"input_ids": ids, "trained": trained} for ids, trained in _rows(job)]
    collator: Any = _flattened if flat else lambda some: padded([(row["input_ids"], row["trained"]) for row in some])
    made = Trainer(model, TrainingArguments(**_arguments(job)), data_collator=collator, train_dataset=rows, callbacks=[Waiting(job, pace)])
    made.train()
    save(model, job, "trainer")


def sft(job: Job, pace: Pace) -> None:
    """TRL's SFTTrainer; without padding where FlashAttention is, as it asks for it."""
    from datasets import Dataset
    from trl.trainer.sft_config import SFTConfig
    from trl.trainer.sft_trainer import SFTTrainer

    settle(pace, job.config.engine.device)
    flat = varlen(job.config.engine.device)
    rows = [{"input_ids": ids.tolist(), "labels": _labels(ids, trained).tolist()} for ids, trained in _rows(job)]
    args = SFTConfig(
        **_arguments(job), gradient_checkpointing=False, max_length=None, padding_free=flat, dataset_kwargs={"skip_prepare_dataset": True}
    )
    model = load(job, attention=_attention(job))
    made = SFTTrainer(model, args, train_dataset=Dataset.from_list(rows), peft_config=lora(job), callbacks=[Waiting(job, pace)])
    made.train()
    save(made.model, job, "trl")


def _attention(job: Job) -> str:
    config = job.config
    return "flash_attention_2" if varlen(config.engine.device) else padded_attention(config.engine.device, config.model.dtype)


def _rows(job: Job) -> list[tuple[np.ndarray, np.ndarray]]:
    return [row for micro in job.steps for batch in micro for row in rows_of(batch)]


def _labels(ids: np.ndarray, trained: np.ndarray) -> np.ndarray:
    return np.where(trained, ids, IGNORED)


def _flattened(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    features = [{"input_ids": row["input_ids"].tolist(), "labels": _labels(row["input_ids"], row["trained"]).tolist()} for row in rows]
    return DataCollatorWithFlattening(return_flash_attn_kwargs=True)(features)


def _arguments(job: Job) -> dict[str, Any]:
    """The same settings for both; rows in their order, which are sorted by length already."""
    config = job.config
    return {
        "output_dir": str(job.folder / "trainer"), "per_device_train_batch_size": config.train.rows_together,
        "gradient_accumulation_steps": config.train.accumulation, "max_steps": len(job.steps), "seed": config.train.seed,
        "learning_rate": config.optim.learning_rate, "lr_scheduler_type": "constant", "weight_decay": config.optim.weight_decay,
        "max_grad_norm": config.optim.clip_norm, "bf16": config.model.dtype == "bfloat16", "use_cpu": config.engine.device == "cpu",
        "train_sampling_strategy": "sequential", "remove_unused_columns": False, "dataloader_pin_memory": torch.cuda.is_available(),
        "logging_steps": 1, "report_to": "none", "save_strategy": "no", "disable_tqdm": True,
    }  # fmt: skip
