"""A way's process as the conductor sees it; what it runs is here, and needs no model."""

import os
import signal
from pathlib import Path

import numpy as np
import pytest

from pete.config import Config
from pete.data.batch import Batch
from pete.engines.bench import Way, __main__, process
from pete.engines.bench.job import Job
from pete.engines.bench.pace import Pace
from pete.engines.bench.process import Process
from pete.errors import WorkError
from pete.resources import PROJECT


def echo(job: Job, pace: Pace) -> None:
    """Answers with what it was told; one order is too much for it, and one is its end."""
    print("chatter")
    pace.ready(answer=job.answer)
    while (order := pace.wait()) is not None:
        if order.get("do") == "fail":
            raise ValueError("too\n much")
        if order.get("do") == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if order.get("do") == "leave":
            os._exit(3)
        pace.done(order=order)
    (job.folder / "saved").write_text("x")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job; and `echo` is a way, in the processes that are started too."""
    row = Batch(np.ones(2, np.int32), np.array([False, True]), (2,))
    config = Config.model_validate({"train": {"steps": 1}, "optim": {"warmup_steps": 0}})
    Job(tmp_path, config, [[row]], [row], [[1]], 4).write()
    (tmp_path / "sitecustomize.py").write_text(
        "from pete.engines import bench\nbench.WAYS['echo'] = bench.Way('echo', 'Echo', '', 'tests.unit.engines.bench.test_process:echo')\n"
    )
    monkeypatch.setattr(process, "python_path", lambda: os.pathsep.join([str(tmp_path), str(PROJECT / "src"), str(PROJECT)]))
    return tmp_path


ECHO = Way("echo", "Echo", "", "tests.unit.engines.bench.test_process:echo")


def test_it_is_told_and_answers_and_saves_when_there_is_no_more(folder: Path):
    with Process(ECHO, folder) as running:
        assert running.hear()["answer"] == 4
        found = running.ask(rows=8)
        assert found["order"] == {"rows": 8} and found["peak"] > 1e6 and found["seconds"] > 0
        assert not (folder / "saved").exists()
        running.end()
    assert (folder / "saved").exists() and "chatter" in (folder / "echo.log").read_text()


@pytest.mark.parametrize(
    ("order", "words"),
    [("fail", "Echo: ValueError: too much"), ("die", "memory runs out"), ("leave", "Echo: it ended with code 3")],
)
def test_how_it_failed_is_said(folder: Path, order: str, words: str):
    with Process(ECHO, folder) as running:
        running.hear()
        with pytest.raises(WorkError, match=words):
            running.ask(do=order)
        with pytest.raises(WorkError):
            running.ask()


def test_it_does_not_outlive_the_conductor(folder: Path):
    with Process(ECHO, folder) as running:
        running.hear()
    with pytest.raises(ProcessLookupError):
        os.kill(running._process.pid, 0)


def test_a_way_that_is_not_there_is_no_traceback_of_ours(folder: Path, monkeypatch: pytest.MonkeyPatch):
    assert callable(__main__.main)
    with Process(Way("nosuch", "Nosuch", "", ""), folder) as running, pytest.raises(WorkError, match="Nosuch: KeyError: 'nosuch'"):
        running.hear()
