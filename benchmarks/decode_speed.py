"""Decode speed of a tuned model: our stream beside transformers' generate on the same base, adapter and prompts.

    PYTHONPATH=src .venv/bin/python benchmarks/decode_speed.py RUN [--tokens 100] [--out FILE]

On the device of the run. Greedy, end mark ignored, so that both make the same number of tokens. Prints one table, writes
benchmarks/decode_speed.json.
"""

import argparse
import json
import os
import platform
import statistics
import time
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from pete.data.examples import load_prompts
from pete.data.render import Message
from pete.generate.stream import open_tuned
from pete.run import RunDir


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run")
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"), metavar="FILE")
    args = parser.parse_args()
    run = RunDir.find(args.run)
    tuned = open_tuned(run)
    sampling = tuned.config.generate.model_copy(update={"temperature": 0.0, "repetition_penalty": 1.0, "max_new_tokens": args.tokens})
    prompts = [tuned.renderer.prompt_ids([Message("user", p.prompt)]) for p in load_prompts(run.prompts_file)[:16]]
    base = AutoModelForCausalLM.from_pretrained(tuned.engine.base.folder, dtype=torch.bfloat16)
    device = tuned.engine.device
    theirs = PeftModel.from_pretrained(base, run.adapter).to(device).eval()

    def ours(count: int) -> int:
        return sum(1 for _ in tuned.engine.stream(prompts[:count], sampling, ends=()))

    def peer(count: int) -> int:
        width = max(map(len, prompts[:count]))
        ids = torch.tensor([[0] * (width - len(p)) + p for p in prompts[:count]], device=device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts[:count]], device=device)
        with torch.inference_mode():
            out = theirs.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=args.tokens, min_new_tokens=args.tokens, do_sample=False, pad_token_id=2
            )
        return out[:, width:].numel()

    rows: dict[str, dict[str, float]] = {}
    for count in (1, 16):
        for name, call in (("Pete", ours), ("transformers + peft", peer)):
            call(count)
            speeds = []
            for _ in range(args.repeats):
                start = time.perf_counter()
                made = call(count)
                speeds.append(made / (time.perf_counter() - start))
            rows[f"{name}, {count} at a time"] = {"tok/s": statistics.median(speeds), "min": min(speeds), "max": max(speeds)}
    where = torch.cuda.get_device_name() if device == "cuda" else f"{os.cpu_count()} cores, {platform.machine()}"
    print(f"{where}, {tuned.engine.base.name} in {tuned.engine.dtype}, {args.tokens} tokens, prompts included in the time")
    print(f"{'':36}{'tok/s':>8}{'min':>8}{'max':>8}")
    for name, row in rows.items():
        print(f"{name:36}{row['tok/s']:8.0f}{row['min']:8.0f}{row['max']:8.0f}")
    for count in (1, 16):
        ratio = rows[f"Pete, {count} at a time"]["tok/s"] / rows[f"transformers + peft, {count} at a time"]["tok/s"]
        print(f"Pete is {ratio:.2f}x at {count}")
    document = {"machine": where, "cores": os.cpu_count(), "tokens": args.tokens, "rows": rows}
    args.out.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
