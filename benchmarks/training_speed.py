"""Training speed on the embedded base: our step beside peft's own layers, padded the usual way, and the matrix floor.

    PYTHONPATH=src .venv/bin/python benchmarks/training_speed.py [--steps 8] [--dropout 0.05]

Same rows, same LoRA, same AdamW, taken in turn A B C A B C ... so that a drifting machine drifts for all. Real tokens
only: padding counts for nobody. Prints one table, writes benchmarks/training_speed.json.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import time
from pathlib import Path

import numpy as np
import peft
import torch
from transformers import AutoModelForCausalLM

from pete.config import resolve
from pete.data.batch import Batch
from pete.engines.torch.engine import TorchEngine
from pete.train.prepare import prepare


class Peer:
    """transformers + peft as most trainers use them: right-padded rows, labels -100, loss over the whole batch."""

    def __init__(self, folder: Path, dropout: float, autocast: bool) -> None:
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="sdpa")
        settings = peft.LoraConfig(r=16, lora_alpha=32, lora_dropout=dropout, target_modules="all-linear", task_type="CAUSAL_LM")
        self.model = peft.get_peft_model(model, settings).train()
        self.optimizer = torch.optim.AdamW([p for p in self.model.parameters() if p.requires_grad], lr=1e-4, weight_decay=0.01)
        self.autocast = autocast

    def step(self, batch: Batch) -> float:
        rows, width = len(batch.lengths), max(batch.lengths)
        ids, labels, mask = np.zeros((rows, width), np.int64), np.full((rows, width), -100), np.zeros((rows, width), np.int64)
        start = 0
        for row, n in enumerate(batch.lengths):
            part = slice(start, start + n)
            ids[row, :n], mask[row, :n] = batch.ids[part], 1
            labels[row, :n] = np.where(batch.trained[part], batch.ids[part], -100)
            start += n
        with torch.autocast("cpu", torch.bfloat16, enabled=self.autocast):
            loss = self.model(input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask), labels=torch.from_numpy(labels)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return float(loss.detach())


def floor_seconds(tokens: int, trained: int, body: int, head: int) -> float:
    """Seconds the frozen matrices alone need: forward and input gradient, at this machine's best bfloat16 rate."""
    a, b = torch.ones(1024, 2048, dtype=torch.bfloat16), torch.ones(2048, 6144, dtype=torch.bfloat16)
    best = min(_time(lambda: torch.mm(a, b)) for _ in range(20))
    rate = 2 * 1024 * 2048 * 6144 / best
    return (tokens * body + trained * head) * 4 / rate


def _time(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--dropout", type=float, default=0.05)
    args = parser.parse_args()
    config = resolve("quickstart", None, ["model.dtype=bfloat16", "engine.device=cpu", f"lora.dropout={args.dropout}"]).config
    prepared = prepare(config)
    batches = [micro[0] for micro in itertools.islice(prepared.sequencer.steps_from(0), args.steps + 2)]
    ours = TorchEngine(config)
    ours.load(config.model)
    ours.add_lora(config.lora)
    ways = {
        "Pete": lambda batch: ours.train_step([batch], 1e-4),
        "transformers + peft": Peer(prepared.base.folder, args.dropout, autocast=False).step,
        "transformers + peft, autocast": Peer(prepared.base.folder, args.dropout, autocast=True).step,
    }
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for number, batch in enumerate(batches):
        for name, step in ways.items():
            seconds = _time(lambda step=step, batch=batch: step(batch))
            if number >= 2:  # warm-up
                speeds[name].append(len(batch.ids) / seconds)
    model = ours._model
    head = model.get_output_embeddings().weight.numel()
    body = sum(m.weight.numel() for name, m in model.named_modules() if name.endswith("base_layer"))
    tokens, trained = sum(len(b.ids) for b in batches[2:]), sum(int(b.trained.sum()) for b in batches[2:])
    limit = tokens / floor_seconds(tokens, trained, body, head)
    rows = {name: {"tok/s": statistics.median(values), "min": min(values), "max": max(values)} for name, values in speeds.items()}
    print(f"{os.cpu_count()} cores, {platform.machine()}, torch {torch.__version__}, dropout {args.dropout}, {args.steps} steps of 8 rows")
    print(f"{'':32}{'tok/s':>8}{'min':>8}{'max':>8}{'of floor':>10}{'Pete is':>9}")
    for name, row in rows.items():
        row["share of floor"], row["Pete / this"] = row["tok/s"] / limit, rows["Pete"]["tok/s"] / row["tok/s"]
        print(f"{name:32}{row['tok/s']:8.0f}{row['min']:8.0f}{row['max']:8.0f}{row['share of floor']:10.0%}{row['Pete / this']:8.2f}x")
    print(f"{'matrix floor':32}{limit:8.0f}")
    document = {"cores": os.cpu_count(), "dropout": args.dropout, "steps": args.steps, "floor tok/s": limit, "rows": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
