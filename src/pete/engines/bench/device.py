"""The device a way computes on: waiting for it, its memory, and a peer's model with its adapter on it."""

from typing import Any

import peft
import psutil
import torch
from transformers import AutoModelForCausalLM
from transformers.utils.import_utils import is_flash_attn_2_available

from pete.engines.base_models.resolve import resolve_base
from pete.engines.bench.job import Job
from pete.engines.bench.pace import Pace, peak_resident


def settle(pace: Pace, device: str) -> None:
    """Make the clock wait for a device, and look at that device's memory."""
    if device == "cuda":
        pace.finish, pace.peak = torch.cuda.synchronize, torch.cuda.max_memory_reserved
    elif device == "mps":
        seen = [0]

        def peak() -> int:  # mps keeps no record of its highest point
            seen[0] = max(seen[0], torch.mps.driver_allocated_memory())
            return seen[0]

        pace.finish, pace.peak = torch.mps.synchronize, peak
    else:
        pace.peak = peak_resident


def available(device: str) -> int:
    """Bytes to be had."""
    if device == "cuda":
        return torch.cuda.mem_get_info()[0]
    return torch.mps.recommended_max_memory() if device == "mps" else psutil.virtual_memory().available


def varlen(device: str) -> bool:
    """Whether transformers has an attention that takes rows end to end here: FlashAttention, on CUDA."""
    return device == "cuda" and is_flash_attn_2_available()


def padded_attention(device: str, dtype: str) -> str:
    """The attention of transformers that is fastest with padded rows: eager on a processor in bfloat16, else sdpa (docs/performance.md)."""
    return "eager" if device == "cpu" and dtype == "bfloat16" else "sdpa"


def load(job: Job, dtype: str | None = None, attention: str = "sdpa") -> Any:
    """The base as transformers loads it, on the job's device."""
    config = job.config
    model: Any = AutoModelForCausalLM.from_pretrained(
        resolve_base(config.model).folder,
        dtype=getattr(torch, dtype or config.model.dtype),
        attn_implementation=attention,
        local_files_only=True,
        use_safetensors=True,
    )
    return model.to(config.engine.device)


def lora(job: Job) -> peft.LoraConfig:
    """The job's adapter as peft takes it."""
    given = job.config.lora
    targets: Any = "all-linear" if given.targets == ("all-linear",) else list(given.targets)
    torch.manual_seed(job.config.train.seed)
    return peft.LoraConfig(
        r=given.rank, lora_alpha=int(given.alpha), lora_dropout=given.dropout, target_modules=targets, bias="none", task_type="CAUSAL_LM"
    )


def save(model: Any, job: Job, way: str) -> None:
    """Write a peft model's adapter where the scoring looks for it."""
    for settings in model.peft_config.values():
        settings.base_model_name_or_path = resolve_base(job.config.model).name
    model.save_pretrained(job.adapter_of(way), save_embedding_layers=False)  # else it asks the hub for the base's config
