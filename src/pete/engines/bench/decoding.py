"""Ways to answer: one order is one answer to each of so many prompts, greedy, all of the same length."""

import time
from collections.abc import Callable
from typing import Any

import peft
import torch
from transformers.generation.streamers import BaseStreamer

from pete.config import GenerateConfig
from pete.engines.base_models.resolve import resolve_base
from pete.engines.bench.job import Job
from pete.engines.bench.pace import Pace
from pete.engines.protocol import Generator


class Times(BaseStreamer):
    """When each token came; the prompt is pushed first."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def put(self, value: Any) -> None:
        """Called by generate."""
        self.seen.append(time.perf_counter())

    def end(self) -> None:
        """Called by generate."""


def generate(job: Job, pace: Pace) -> None:
    """The generate of transformers, on the merged model."""
    from pete.engines.bench.device import load, settle

    device = job.config.engine.device
    settle(pace, device)
    tuned: Any = peft.PeftModel.from_pretrained(load(job), str(job.adapter_of(job.adapter)))
    model: Any = tuned.merge_and_unload().eval()
    model.generation_config = type(model.generation_config)()  # the base's own may sample

    def answer(rows: int) -> list[float]:
        ids = torch.tensor(job.prompts[:rows], device=device)
        times = Times()
        with torch.inference_mode():
            model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=job.answer, min_new_tokens=job.answer,
                do_sample=False, pad_token_id=0, streamer=times,
            )  # fmt: skip
        return [moment for moment in times.seen[1:] for _ in range(rows)]

    read = sum(p.numel() * p.element_size() for p in model.parameters()) - _looked_up(model)
    _answer(pace, answer, read)


def torch_engine(job: Job, pace: Pace) -> None:
    """Our torch engine."""
    from pete.engines.bench.device import settle
    from pete.engines.torch.engine import TorchEngine

    engine = TorchEngine(job.config)
    settle(pace, engine.device)
    engine.load(job.config.model, job.adapter_of(job.adapter))
    model = engine._model
    read = sum(p.numel() * p.element_size() for p in model.parameters()) - _looked_up(model)
    _answer(pace, _streaming(job, engine), read)


def llama_engine(job: Job, pace: Pace) -> None:
    """Our llama engine, on a GGUF of the tuned model."""
    from pete.engines.gguf.write import write_gguf
    from pete.engines.llama.engine import LlamaEngine

    path = job.folder / "tuned.gguf"
    write_gguf(resolve_base(job.config.model), job.adapter_of(job.adapter), path, job.config.engine.llama.kind)
    engine = LlamaEngine.open_file(job.config, path)
    _answer(pace, _streaming(job, engine), engine.weights.size)


def _looked_up(model: Any) -> int:
    """Bytes of embeddings of which a token reads one row; where the head is tied to them, all are read."""
    embeddings, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    return 0 if head is embeddings else embeddings.numel() * embeddings.element_size()


def _streaming(job: Job, engine: Generator) -> Callable[[int], list[float]]:
    greedy = GenerateConfig.model_validate({"temperature": 0.0, "repetition_penalty": 1.0, "max_new_tokens": job.answer})
    return lambda rows: [time.perf_counter() for _ in engine.stream(job.prompts[:rows], greedy, ends=())]


def _answer(pace: Pace, answer: Callable[[int], list[float]], read: int) -> None:
    """Orders {"rows": N} until there are none; `answer` says when each token came, `read` is the bytes of weights a token needs."""
    pace.ready(read=read)
    while (order := pace.wait()) is not None:
        rows = order["rows"]
        began = time.perf_counter()
        times = answer(rows)
        pace.done(first=times[rows - 1] - began, seconds=times[-1] - times[rows - 1], tokens=len(times) - rows)
