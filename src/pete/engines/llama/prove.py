"""Holds llama.cpp against an adapter's reference, in a process of its own: a shape that it did not foresee ends it by an assertion.

python -m pete.engines.llama.prove ADAPTER  < config.json      prints the gap as JSON
"""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pete.config import Config
from pete.engines import open_generator
from pete.engines.reference import Gap, Reference
from pete.errors import WorkError
from pete.resources import python_path

LONGEST = 600.0
"""Seconds after which it is said not to answer; eight short rows take some, even of a large model."""

Start = Callable[[Config, Path], "subprocess.CompletedProcess[str]"]


def start_apart(config: Config, adapter: Path) -> "subprocess.CompletedProcess[str]":
    """Run this module for an adapter."""
    command = [sys.executable, "-P", "-m", __name__, str(adapter)]
    environ = os.environ | {"PYTHONPATH": python_path()}
    return subprocess.run(command, input=config.model_dump_json(), env=environ, capture_output=True, text=True, timeout=LONGEST)


def gap_of(config: Config, adapter: Path, start: Start = start_apart) -> Gap:
    """How far llama.cpp is from an adapter's reference, which is there.

    Args:
        config: of the run, with llama as what generates; its files are in the cache already.
        adapter: the folder.
        start: how the process is run.

    Raises:
        WorkError: llama.cpp crashed, or did not answer.
    """
    try:
        done = start(config, adapter)
    except subprocess.TimeoutExpired:
        why = f"it did not answer in {LONGEST:.0f} s"
    else:
        try:
            return Gap(**json.loads(done.stdout.splitlines()[-1]))
        except (ValueError, TypeError, IndexError):
            said = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            why = next((line for line in said if "ASSERT" in line), said[-1]).strip()
    raise WorkError(f"llama.cpp cannot compute this model: {why[:300]}", "--set generate.engine=torch answers with the engine that trained")


def main(adapter: Path) -> None:
    """See the module."""
    config = Config.model_validate_json(sys.stdin.read())
    engine = open_generator(config)
    engine.load(config.model, adapter)
    reference = Reference.read(adapter)
    assert reference is not None, "whoever starts this has seen to it"
    print(json.dumps(dataclasses.asdict(reference.gap(engine))))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
