"""Kinds of numbers and smaller bases that guess: speed of the llama engine beside the memory's own, in one run.

    PYTHONPATH=src .venv/bin/python benchmarks/llama_speed.py [BASE] [--kinds q8_0 q4_0] [--tokens 100] [--draft BASE]

BASE is a model folder, a hub id that is cached, or nothing: the embedded base. The floor of one row is every weight read once a
token at the speed memory gives here: the best of several sums over half a gigabyte by as many threads as llama.cpp computes with.
Greedy, end mark ignored; the prompt has 100 tokens. --draft measures one row once more with a smaller base that guesses for it, in
the numbers of --draft-kind (those of the larger one unless given: the same base in smaller numbers is a draft too). Prints a table,
writes benchmarks/llama_speed.json. The torch engine and transformers beside it: pete bench.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pete.config import Config, GenerateConfig, ModelConfig
from pete.engines.base_models.resolve import resolve_base
from pete.engines.bench.reading import read_speed
from pete.engines.gguf.write import write_gguf
from pete.engines.llama.engine import LlamaEngine
from pete.engines.llama.runtime import threads
from pete.engines.protocol import Generator

PROMPT = 100
ROWS = (1, 8)


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
    parser.add_argument("--draft", metavar="BASE", help="a base with the same tokens")
    parser.add_argument("--draft-kind")
    args = parser.parse_args()
    model = ModelConfig(base=args.base) if args.base else ModelConfig()
    base = resolve_base(model)
    greedy = GenerateConfig(temperature=0.0, repetition_penalty=1.0, max_new_tokens=args.tokens)
    prompt = np.random.default_rng(0).integers(1000, 40000, PROMPT).tolist()
    bandwidth, rows = read_speed(threads()), {}

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
    print(f"{base.name}, {os.cpu_count()} cores, {threads()} threads, {platform.machine()}; memory read at {bandwidth / 1e9:.1f} GB/s")
    names = ["1 rows", "8 rows", "first token", "floor", "of the floor", "written in", "peak", "guesses drawn"]
    print(f"{'':24}" + "".join(f"{name:>14}" for name in names))
    for name, row in rows.items():
        print(f"{name:24}" + "".join(f"{row[key]:14.2f}" if key in row else f"{'':14}" for key in names))
    document = {"base": base.name, "cores": os.cpu_count(), "tokens": args.tokens, "bandwidth": bandwidth, "rows": rows}
    Path(__file__).with_suffix(".json").write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
