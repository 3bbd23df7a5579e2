"""A W&B that fails in any way costs a run nothing: the same events, the same time, and a sentence at the end."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pete import events
from pete.resources import PROJECT
from tests.fake_wandb import write_module

TRAINER = PROJECT / "tests" / "trainer.py"
STEPS, PAUSE = 20, 0.02


def environment(fakes: Path) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{PROJECT / 'src'}:{fakes}"}


def train(folder: Path, fakes: Path, mode: str = "offline", timeout: float = 20) -> dict:
    command = [sys.executable, TRAINER, folder, 1, STEPS, PAUSE, timeout, f"tracking.wandb={mode}"]
    done = subprocess.run(list(map(str, command)), env=environment(fakes), capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def happened(folder: Path) -> list[tuple]:
    return [
        (type(event).__name__, *(value for name, value in vars(event).items() if name not in ("time", "monotonic")))
        for event in events.read(folder / "events.jsonl")
    ]


def side_processes(folder: Path) -> list[int]:
    found = subprocess.run(["ps", "-eww", "-o", "pid,stat,args"], capture_output=True, text=True, check=True).stdout.splitlines()
    return [int(line.split()[0]) for line in found if "pete.tracking" in line and str(folder) in line and line.split()[1][0] != "Z"]


def wait_for(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.05)
    return condition()


@pytest.fixture(scope="module")
def untracked(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, list[tuple]]:
    folder = tmp_path_factory.mktemp("untracked") / "off"
    return train(folder, folder, "off"), happened(folder)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("none", None),
        ("raises at import", "W&B failed: RuntimeError: no import today."),
        ("raises at init", "W&B failed: RuntimeError: no init today."),
        ("raises at log", "W&B failed: RuntimeError: no log today."),
        ("raises at finish", "W&B failed: RuntimeError: no finish today."),
        ("dies at log", "W&B ended with exit code 7"),
        ("blocks at init", "W&B had not finished after 2 s and was ended."),
        ("blocks at log", "W&B had not finished after 2 s and was ended."),
        ("blocks at finish", "W&B had not finished after 2 s and was ended."),
        ("fills the disk at log", "W&B failed: OSError: [Errno 27] File too large"),
    ],
)
def test_a_run_does_not_notice(tmp_path, untracked, fault, said):
    off, events_off = untracked
    on = train(tmp_path / "on", write_module(tmp_path / "fakes", fault), timeout=2 if "blocks" in fault else 20)
    assert happened(tmp_path / "on") == events_off and len(events_off) > STEPS
    assert on["start"] < 1, "milliseconds; a busy machine's margin, and importing W&B takes seconds"
    assert on["training"] < 5 * off["training"] + 5, "a W&B in the way would take for ever"
    assert "blocks" not in fault or on["finish"] < 10
    assert on["said"] is None if said is None else said in on["said"]
    assert "sync" not in (on["said"] or ""), "the fake keeps nothing that could be sent"
    assert not side_processes(tmp_path / "on") and not (tmp_path / "on" / "wandb" / "scratch").exists()
    assert {path.name for path in (tmp_path / "on").iterdir()} == {"wandb", "config.toml", "events.jsonl"}
    if fault == "none":
        rows = [json.loads(line) for line in (tmp_path / "on" / "wandb" / "rows.jsonl").read_text().splitlines()]
        assert [row["step"] for row in rows] == list(range(1, STEPS + 1)) and rows[9]["valid/best"] == 0.2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_the_process_ends_with_the_trainer_however_that_ends_and_sends_the_rest(tmp_path, number):
    fakes = write_module(tmp_path / "fakes", "none")
    command = [sys.executable, str(TRAINER), str(tmp_path / "run"), "1", "1000", "0.05", "0", "tracking.wandb=offline"]
    trainer = subprocess.Popen(
        command, env=environment(fakes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    rows = tmp_path / "run" / "wandb" / "rows.jsonl"
    assert wait_for(lambda: rows.exists() and len(rows.read_text().splitlines()) > 5)
    assert len(side_processes(tmp_path / "run")) == 1
    os.killpg(trainer.pid, number)  # what a terminal does: the whole group
    assert trainer.wait(10) == -number
    assert wait_for(lambda: not side_processes(tmp_path / "run"))
    steps = [json.loads(line)["step"] for line in rows.read_text().splitlines()]
    written = [event.step for event in events.read(tmp_path / "run" / "events.jsonl") if isinstance(event, events.Step)]
    assert steps == written and len(steps) > 5
    assert json.loads((tmp_path / "run" / "wandb" / "run.json").read_text())["step"] == steps[-1]


def test_a_run_deleted_while_it_is_tracked(tmp_path):
    fakes = write_module(tmp_path / "fakes", "none")
    command = [sys.executable, str(TRAINER), str(tmp_path / "run"), "1", "1000", "0.05", "0", "tracking.wandb=offline"]
    trainer = subprocess.Popen(command, env=environment(fakes), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert wait_for((tmp_path / "run" / "wandb" / "rows.jsonl").exists)
    assert len(side_processes(tmp_path / "run")) == 1
    while (tmp_path / "run").exists():  # the trainer is still writing there
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
    assert wait_for(lambda: not side_processes(tmp_path / "run"))
    trainer.kill()
    trainer.wait()
