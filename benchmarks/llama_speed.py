"""Speed of the llama engine beside the torch engine, transformers, and the memory's own speed, in one run.

    PYTHONPATH=src .venv/bin/python benchmarks/llama_speed.py [BASE] [--kinds q8_0 q4_0] [--tokens 100] [--peers] [--draft BASE]

BASE is a model folder, a hub id that is cached, or nothing: the embedded base. The floor of one row is every weight read once a
token at the speed memory gives here: the best of several sums over two gigabytes by as many threads as llama.cpp computes with.
Greedy, end mark ignored; the prompt has 100 tokens. --draft measures one row once more with a smaller base that guesses for it, in
the numbers of --draft-kind (those of the larger one unless given: the same base in smaller numbers is a draft too). Prints a table,
writes benchmarks/llama_speed.json.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from pete.config import Config, GenerateConfig, ModelConfig
from pete.engines import open_generator
from pete.engines.base_models.resolve import resolve_base
from pete.engines.gguf.write import write_gguf
from pete.engines.llama.engine import LlamaEngine
from pete.engines.llama.runtime import threads
from pete.engines.protocol import Generator

PROMPT = 100
ROWS = (1, 8)


def read_speed() -> float:
    """Bytes a second that sums over memory reach."""
    parts = [np.ones((2 << 30) // 4 // threads(), dtype=np.float32) for _ in range(threads())]
    best = 0.0
    with ThreadPoolExecutor(len(parts)) as pool:
        for _ in range(5):
            start = time.perf_counter()
            list(pool.map(np.add.reduce, parts))
            best = max(best, sum(part.nbytes for part in parts) / (time.perf_counter() - start))
    return best


def measure(stream: Callable[[int], object], repeats: int, counts: tuple[int, ...] = ROWS) -> dict[str, float]:
    """Tokens a second after the first, for each number of rows; and the seconds to the first token of one row."""
    found: dict[str, float] = {}
    for count in counts:
        speeds, firsts = [], []
        for _ in range(repeats):
            start = time.perf_counter()
            times = [time.perf_counter() for _ in stream(count)]  # type: ignore[attr-defined]
            firsts.append(times[count - 1] - start)
            speeds.append((len(times) - count) / (times[-1] - times[count - 1]))
        found[f"{count} rows"] = statistics.median(speeds)
        found |= {"first token": statistics.median(firsts)} if count == 1 else {}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("base", nargs="?")
    parser.add_argument("--kinds", nargs="+", default=["f16", "q8_0", "q4_0"])
    parser.add_argument("--tokens", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peers", action="store_true", help="the torch engine and transformers too")
    parser.add_argument("--draft", metavar="BASE", help="a base with the same tokens")
    parser.add_argument("--draft-kind")
    args = parser.parse_args()
    model = ModelConfig(base=args.base) if args.base else ModelConfig()
    base = resolve_base(model)
    greedy = GenerateConfig(temperature=0.0, repetition_penalty=1.0, max_new_tokens=args.tokens)
    prompt = np.random.default_rng(0).integers(1000, 40000, PROMPT).tolist()
    bandwidth, rows = read_speed(), {}

    def streams(engine: Generator) -> Callable[[int], object]:
        return lambda count: engine.stream([prompt] * count, greedy, ends=())

    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for kind in args.kinds:
            path = Path(folder) / f"{kind}.gguf"
            start = time.perf_counter()
            write_gguf(base, None, path, kind)
            written = time.perf_counter() - start
            engine = LlamaEngine.open_file(Config(), path)
            row = measure(streams(engine), args.repeats)
            row |= {"bytes": engine.weights.size, "floor": bandwidth / engine.weights.size, "written in": written}
            rows[f"llama, {kind}"] = row | {"of the floor": row["1 rows"] / row["floor"], "peak": engine.memory().peak / 2**20}
            del engine
            if args.draft:
                smaller = Path(folder) / f"draft-{kind}.gguf"
                write_gguf(resolve_base(ModelConfig(base=args.draft)), None, smaller, args.draft_kind or kind)
                engine = LlamaEngine.open_file(Config(), path, draft=smaller)
                row = measure(streams(engine), args.repeats, counts=(1,))
                proposed, accepted = engine.guessed
                rows[f"llama, {kind}, guessed"] = row | {"guesses drawn": accepted / max(proposed, 1)}
                del engine
            path.unlink()
        if args.peers:
            rows |= peers(model, streams, prompt, args)
    print(f"{base.name}, {os.cpu_count()} cores, {threads()} threads, {platform.machine()}; memory read at {bandwidth / 1e9:.1f} GB/s")
    names = ["1 rows", "8 rows", "first token", "floor", "of the floor", "written in", "peak", "guesses drawn"]
    print(f"{'':24}" + "".join(f"{name:>14}" for name in names))
    for name, row in rows.items():
        print(f"{name:24}" + "".join(f"{row[key]:14.2f}" if key in row else f"{'':14}" for key in names))
    document = {"base": base.name, "cores": os.cpu_count(), "tokens": args.tokens, "bandwidth": bandwidth, "rows": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(document, indent=2) + "\n")


def peers(model: ModelConfig, streams: Callable[[Generator], Callable[[int], object]], prompt: list[int], args: argparse.Namespace) -> dict:
    """The torch engine, and transformers' generate, on the same prompts."""
    import torch
    from transformers import AutoModelForCausalLM

    engine = open_generator(Config.model_validate({"generate": {"engine": "torch"}}))
    engine.load(model)
    rows = {f"torch engine, {engine.dtype}": measure(streams(engine), args.repeats)}
    theirs = AutoModelForCausalLM.from_pretrained(engine.base.folder, dtype=getattr(torch, engine.dtype)).eval()

    def generate(count: int) -> list[int]:
        with torch.inference_mode():
            start = torch.tensor([prompt] * count)
            theirs.generate(start, max_new_tokens=1, do_sample=False, pad_token_id=0)
            began = time.perf_counter()
            theirs.generate(start, max_new_tokens=args.tokens, min_new_tokens=args.tokens, do_sample=False, pad_token_id=0)
            took.append(args.tokens * count / (time.perf_counter() - began))
        return []

    row = {}
    for count in ROWS:
        took: list[float] = []
        for _ in range(args.repeats):
            generate(count)
        row[f"{count} rows"] = statistics.median(took)
    return rows | {f"transformers, {engine.dtype}": row}


if __name__ == "__main__":
    main()
