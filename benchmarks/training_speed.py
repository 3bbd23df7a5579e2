"""Training speed: our step beside peft's own layers, padded the usual way, TRL's trainer where it is installed, and the matrix floor.

    PYTHONPATH=src .venv/bin/python benchmarks/training_speed.py [--steps 8] [--dropout 0.05]
    PYTHONPATH=src .venv/bin/python benchmarks/training_speed.py --base FOLDER --device cuda --rows 8 64 --steps 30 --out FILE

Same rows, same LoRA, same AdamW, taken in turn A B C A B C ... so that a drifting machine drifts for all; TRL's trainer keeps its
own loop, and goes last. Real tokens only: padding counts for nobody. Prints one table, writes benchmarks/training_speed.json.
"""

import argparse
import importlib.util
import itertools
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import peft
import torch
from transformers import AutoModelForCausalLM, TrainerCallback

from pete.config import EMBEDDED_BASE, resolve
from pete.data.batch import Batch
from pete.engines.torch.engine import TorchEngine
from pete.train.prepare import prepare

WARM_UP = 2


def settings(dropout: float) -> peft.LoraConfig:
    return peft.LoraConfig(r=16, lora_alpha=32, lora_dropout=dropout, target_modules="all-linear", task_type="CAUSAL_LM")


class Peer:
    """transformers + peft as most trainers use them: right-padded rows, labels -100, loss over the whole batch."""

    def __init__(self, folder: Path, dropout: float, device: str, autocast: bool) -> None:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="sdpa").to(device)
        self.model = peft.get_peft_model(model, settings(dropout)).train()
        self.optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=1e-4, weight_decay=0.01)
        self.device, self.autocast = device, autocast

    def step(self, batch: Batch) -> float:
        rows, width = len(batch.lengths), max(batch.lengths)
        ids, labels, mask = np.zeros((rows, width), np.int64), np.full((rows, width), -100), np.zeros((rows, width), np.int64)
        for row, (its_ids, its_labels) in enumerate(rows_of(batch)):
            n = len(its_ids)
            ids[row, :n], labels[row, :n], mask[row, :n] = its_ids, its_labels, 1
        inputs = {"input_ids": ids, "attention_mask": mask, "labels": labels}
        with torch.autocast(self.device, torch.bfloat16, enabled=self.autocast):
            loss = self.model(**{name: torch.from_numpy(value).to(self.device) for name, value in inputs.items()}).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(loss.detach())


def rows_of(batch: Batch) -> list[tuple[np.ndarray, np.ndarray]]:
    """(ids, labels) of each row; -100 where nothing is trained."""
    ends = list(itertools.accumulate(batch.lengths))
    labels = np.where(batch.trained, batch.ids, -100)
    return [(batch.ids[end - n : end], labels[end - n : end]) for end, n in zip(ends, batch.lengths, strict=True)]


def trl_speeds(folder: Path, batches: list[Batch], dropout: float, device: str) -> list[float]:
    """Tokens a second of each step of TRL's SFTTrainer on the same rows in the same order, its loop included, the warm-up left out."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    class Clock(TrainerCallback):
        def __init__(self) -> None:
            self.ends: list[float] = []

        def on_step_end(self, *_: Any, **__: Any) -> None:
            synchronize(device)
            self.ends.append(time.perf_counter())

    clock = Clock()
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="sdpa")
    rows = [{"input_ids": ids.tolist(), "labels": labels.tolist()} for batch in batches for ids, labels in rows_of(batch)]
    with tempfile.TemporaryDirectory() as out:
        args = SFTConfig(
            output_dir=out, per_device_train_batch_size=len(batches[0].lengths), max_steps=len(batches), learning_rate=1e-4,
            weight_decay=0.01, bf16=True, gradient_checkpointing=False, train_sampling_strategy="sequential", max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True}, report_to="none", save_strategy="no", logging_strategy="no",
            disable_tqdm=True, use_cpu=device == "cpu",
        )  # fmt: skip
        SFTTrainer(model, args, train_dataset=Dataset.from_list(rows), peft_config=settings(dropout), callbacks=[clock]).train()
    tokens = [len(batch.ids) for batch in batches]
    taken = [end - start for start, end in itertools.pairwise(clock.ends)]
    return [n / seconds for n, seconds in zip(tokens[1:], taken, strict=True)][WARM_UP - 1 :]


def floor_seconds(tokens: int, trained: int, body: int, head: int, device: str) -> float:
    """Seconds the frozen matrices alone need: forward and input gradient, at this machine's best bfloat16 rate."""
    a, b = (torch.ones(*shape, dtype=torch.bfloat16, device=device) for shape in ((1024, 2048), (2048, 6144)))
    best = min(seconds(lambda: torch.mm(a, b), device) for _ in range(20))
    rate = 2 * 1024 * 2048 * 6144 / best
    return (tokens * body + trained * head) * 4 / rate


def synchronize(device: str) -> None:
    if device != "cpu":
        torch.accelerator.synchronize()


def seconds(call: Any, device: str) -> float:
    synchronize(device)
    start = time.perf_counter()
    call()
    synchronize(device)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default=EMBEDDED_BASE, help="folder or name; the embedded base unless given")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--rows", type=int, nargs="+", default=[8], help="a step; several make a table each")
    parser.add_argument("--dropout", type=float, default=0.05)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"), metavar="FILE")
    args = parser.parse_args()
    documents = [measured(args.base, args.device, args.steps, args.dropout, rows) for rows in args.rows]
    args.out.write_text(json.dumps(documents[0] if len(documents) == 1 else documents, indent=2) + "\n")


def measured(base: str, device: str, steps: int, dropout: float, rows_a_step: int) -> dict[str, Any]:
    """One table, printed, and as a document."""
    given = {"model.base": base, "model.dtype": "bfloat16", "engine.device": device, "lora.dropout": dropout,
             "train.micro_batch": rows_a_step, "train.steps": 2 * (steps + WARM_UP), "optim.warmup_steps": 0}  # fmt: skip
    config = resolve("quickstart", None, [f"{name}={value}" for name, value in given.items()]).config
    prepared = prepare(config)
    whole = (micro[0] for micro in prepared.sequencer.steps_from(0) if len(micro[0].lengths) == rows_a_step)  # an epoch's last is smaller
    batches = list(itertools.islice(whole, steps + WARM_UP))
    ours = TorchEngine(config)
    ours.load(config.model)
    ours.add_lora(config.lora)
    folder = prepared.base.folder
    ways = {
        "Pete": lambda batch: ours.train_step([batch], 1e-4),
        "transformers + peft": Peer(folder, dropout, device, autocast=False).step,
        "transformers + peft, autocast": Peer(folder, dropout, device, autocast=True).step,
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number, batch in enumerate(batches):
        for name, step in ways.items():
            taken = seconds(lambda step=step, batch=batch: step(batch), device)
            if number >= WARM_UP:
                speeds[name].append(len(batch.ids) / taken)
    if importlib.util.find_spec("datasets") and importlib.util.find_spec("trl"):  # trl alone is here for its chat templates
        speeds["TRL's SFTTrainer"] = trl_speeds(folder, batches, dropout, device)
    model = ours._model
    head = model.get_output_embeddings().weight.numel()
    body = sum(m.weight.numel() for name, m in model.named_modules() if name.endswith("base_layer"))
    tokens, trained = sum(len(b.ids) for b in batches[WARM_UP:]), sum(int(b.trained.sum()) for b in batches[WARM_UP:])
    limit = tokens / floor_seconds(tokens, trained, body, head, device)
    rows = {name: {"tok/s": statistics.median(values), "min": min(values), "max": max(values)} for name, values in speeds.items()}
    where = torch.cuda.get_device_name() if device == "cuda" else f"{os.cpu_count()} cores, {platform.machine()}"
    print(f"{where}, torch {torch.__version__}, {prepared.base.name}, dropout {dropout}, {steps} steps of {rows_a_step} rows")
    print(f"{'':32}{'tok/s':>8}{'min':>8}{'max':>8}{'of floor':>10}{'Pete is':>9}")
    for name, row in rows.items():
        row["share of floor"], row["Pete / this"] = row["tok/s"] / limit, rows["Pete"]["tok/s"] / row["tok/s"]
        print(f"{name:32}{row['tok/s']:8.0f}{row['min']:8.0f}{row['max']:8.0f}{row['share of floor']:10.0%}{row['Pete / this']:8.2f}x")
    print(f"{'matrix floor':32}{limit:8.0f}", flush=True)
    return {"machine": where, "cores": os.cpu_count(), "dropout": dropout, "steps": steps, "rows a step": rows_a_step,
            "floor tok/s": limit, "rows": rows}  # fmt: skip


if __name__ == "__main__":
    main()
