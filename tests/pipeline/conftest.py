"""The real command line in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pete.resources import PROJECT
from tests.conftest import small_persona
from tests.pipeline.server import AT_RUN_TIME, USABLE, PeteServer

FAKE = ["--set", "engine.name=fake", "--set", "model.base=fake", "--set", "data.max_length=2000",
        "--set", "train.micro_batch=4", "--set", "optim.warmup_steps=1", "--set", "data.rewrite_share=0.5"]  # fmt: skip


Pete = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def server() -> Iterator[PeteServer | None]:
    if not USABLE:
        yield None
        return
    server = PeteServer()
    yield server
    server.close()


def pete_in(here: Path, server: PeteServer | None) -> Pete:
    """pete("train", ...) -> the finished process; `fresh` is one that imports everything itself."""

    def run(*args: object, text: str = "", timeout: float = 300, fresh: bool = False, **given: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONPATH": str(PROJECT / "src"), "COLUMNS": "100"} | given
        words = list(map(str, args))
        if server is not None and not fresh and given.keys() <= AT_RUN_TIME:
            return server.run(words, here, environment, text, timeout)
        return subprocess.run(
            [sys.executable, "-m", "pete", *words],
            cwd=here, env=environment, input=text, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def pete(tmp_path: Path, server: PeteServer | None) -> Pete:
    """pete("train", ...) -> the finished process; cwd is a folder with spaces and quotes in its name."""
    here = tmp_path / 'it\'s "here"'
    here.mkdir()
    return pete_in(here, server)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory, server: PeteServer | None) -> tuple[Pete, Path]:
    """`pete`, and a folder with a small persona in it, for what the tests of a file share: they write into copies."""
    folder = tmp_path_factory.mktemp("once")
    small_persona(folder / "persona")
    return pete_in(folder, server), folder
