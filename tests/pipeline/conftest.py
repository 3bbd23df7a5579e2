"""The real command line in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pete.resources import PROJECT

FAKE = ["--set", "engine.name=fake", "--set", "model.base=fake", "--set", "data.max_length=2000",
        "--set", "train.micro_batch=4", "--set", "optim.warmup_steps=1"]  # fmt: skip


@pytest.fixture
def pete(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """pete("train", ...) -> the finished process; cwd is a folder with spaces and quotes in its name."""
    here = tmp_path / 'it\'s "here"'
    here.mkdir()

    def run(*args: object, text: str = "", timeout: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
        env = os.environ | {"PYTHONPATH": str(PROJECT / "src"), "COLUMNS": "100"} | environment
        command = [sys.executable, "-m", "pete", *map(str, args)]
        return subprocess.run(command, cwd=here, env=env, input=text, capture_output=True, text=True, timeout=timeout, check=False)

    return run
