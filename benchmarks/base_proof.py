"""What it costs to prove a base, and what a micro-batch of unequal rows takes.

    PYTHONPATH=src .venv/bin/python benchmarks/base_proof.py proof [BASE]       seconds: text, shape, weights; and what is remembered
    PYTHONPATH=src .venv/bin/python benchmarks/base_proof.py batch 400 30 30    memory planned and taken by a micro-batch of such rows

One process each, alone on the machine: the second reads its highest point from the system.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from pete.config import Config, resolve
from pete.data.batch import Batch
from pete.data.render import Renderer
from pete.engines import open_trainer, set_environment
from pete.engines.base_models.resolve import look_up_base
from pete.engines.base_models.text_proof import prove_text
from pete.persona import load_persona

MB = 2**20


def main(what: str, *rest: str) -> None:
    if what == "proof":
        proof(resolve("quickstart", None, [f"model.base={base}" for base in rest[:1]]).config)
    else:
        batch(resolve("quickstart", None, ["model.dtype=float32", "engine.device=cpu"]).config, [int(length) for length in rest])


def proof(config: Config) -> None:
    set_environment(config)
    base = look_up_base(config.model)
    engine = timed("imports of torch, transformers and peft", lambda: open_trainer(config))
    from pete.engines.torch import engine as torch_engine
    from pete.engines.torch import proof as proofs

    place = Path(tempfile.mkdtemp())
    timed("shape", lambda: proofs.prove_shape(torch_engine.TorchEngine(config), base, "float32", place))
    torch_engine.prove = lambda engine: None  # timed by itself below
    timed("load", lambda: engine.load(config.model))
    timed("weights", lambda: proofs.prove(engine, place))
    timed("weights, remembered", lambda: proofs.prove(engine, place))
    voice = load_persona("pete-connor")
    renderer = Renderer(base.folder, template=voice.template, system=voice.system, context=base.context)
    timed("text", lambda: prove_text(base, renderer, place))
    timed("text, remembered", lambda: prove_text(base, renderer, place))
    print(f"highest point {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def timed(what: str, work: Callable):
    start = time.perf_counter()
    made = work()
    print(f"{what}: {time.perf_counter() - start:.2f} s")
    return made


def batch(config: Config, lengths: list[int]) -> None:
    engine = open_trainer(config)
    ids = np.random.default_rng(0).integers(10, 1000, sum(lengths)).astype(np.int32)
    largest = Batch(ids, np.concatenate([np.arange(length) >= length // 2 for length in lengths]), tuple(lengths))
    forecast = engine.estimate(look_up_base(config.model), config.model, config.lora, largest=largest, typical=None, scored=None)
    print("planned:", {name: round(size / MB) for name, size in forecast.parts.items()}, f"{forecast.memory / MB:.0f} MB in all")
    engine.load(config.model)
    engine.add_lora(config.lora)
    before = psutil.Process().memory_info().rss
    for _ in range(3):
        engine.train_step([largest], 1e-4)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"taken: {before / MB:.0f} MB before the steps, {peak / MB:.0f} MB at the highest")


if __name__ == "__main__":
    main(*sys.argv[1:])
