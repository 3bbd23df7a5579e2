"""The real command line in a process of its own."""

import functools
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import forks
from tests.conftest import small_persona

FAKE = ["--set", "engine.name=fake", "--set", "model.base=fake", "--set", "data.max_length=2000",
        "--set", "train.micro_batch=4", "--set", "optim.warmup_steps=1", "--set", "data.rewrite_share=0.5"]  # fmt: skip


Pete = Callable[..., subprocess.CompletedProcess[str]]


def pete_in(here: Path) -> Pete:
    """pete("train", ...) -> the finished process."""
    return functools.partial(forks.run, here=here, COLUMNS="100")


@pytest.fixture
def pete(tmp_path: Path) -> Pete:
    """pete("train", ...) -> the finished process; cwd is a folder with spaces and quotes in its name."""
    here = tmp_path / 'it\'s "here"'
    here.mkdir()
    return pete_in(here)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pete, Path]:
    """`pete`, and a folder with a small persona in it, for what the tests of a file share: they write into copies."""
    folder = tmp_path_factory.mktemp("once")
    small_persona(folder / "persona")
    return pete_in(folder), folder
