"""A run that is stopped goes on, and each test proves that the stop happened."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pete import events
from pete.resources import PROJECT
from tests import forks
from tests.conftest import small_persona

SETTINGS = [
    "engine.name=fake",
    "model.base=fake",
    "data.max_length=2000",
    "train.steps=600",
    "train.micro_batch=4",
    "train.accumulation=1",
    "train.save_every=50",
    "train.eval_every=100",
    "optim.learning_rate=0.01",
    "lora.dropout=0.1",
]


Process = subprocess.Popen[str] | forks.Started


def command(*args: object) -> list[str]:
    return [sys.executable, "-m", "pete", *map(str, args)]


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT / "src")}


def start(persona: Path, out: Path) -> Process:
    sets = [part for value in SETTINGS for part in ("--set", value)]
    return forks.start("train", "--persona", persona, "--out", out, *sets)


def wait_for_step(out: Path, step: int, process: Process) -> None:
    end = time.monotonic() + 180  # a start examines the machine and times a step first
    tail = events.Tail(out / "events.jsonl")  # whoever reads the whole file at each look takes the processor from the training
    while time.monotonic() < end:
        if any(isinstance(event, events.Step) and event.step >= step for event in tail.poll()[1]):
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    process.kill()
    raise AssertionError("the run never got that far")


def resume(out: Path) -> subprocess.CompletedProcess:
    return forks.run("resume", out, timeout=120)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """The weights of the same run, never stopped."""
    folder = tmp_path_factory.mktemp("straight")
    sets = [part for value in SETTINGS for part in ("--set", value)]
    done = forks.run("train", "--persona", small_persona(folder / "persona"), "--out", folder / "run", *sets)
    assert done.returncode == 0, done.stderr
    return (folder / "run" / "adapter" / "adapter_model.safetensors").read_bytes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGKILL, -9)])
def test_stopped_and_resumed_equals_uninterrupted(persona_folder, tmp_path, straight, number, code):
    out = tmp_path / "stopped"
    process = start(persona_folder, out)
    wait_for_step(out, 120, process)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    last = max(e.step for e in events.read(out / "events.jsonl") if isinstance(e, events.Step))
    assert last < 600 and not (out / "adapter").exists(), "it was stopped in the middle"
    if number != signal.SIGKILL:
        assert f"pete resume {out}" in err
        assert (out / "checkpoints" / f"step-{last:06d}").is_dir(), "saved at the step it stopped at"
    done = resume(out)
    assert done.returncode == 0, done.stderr
    assert "going on after step" in done.stdout
    assert (out / "adapter" / "adapter_model.safetensors").read_bytes() == straight


def test_killed_before_the_first_checkpoint_starts_over(persona_folder, tmp_path, straight):
    out = tmp_path / "early"
    process = start(persona_folder, out)
    wait_for_step(out, 1, process)
    process.kill()
    process.communicate()
    for checkpoint in (out / "checkpoints").glob("step-*"):  # it may have got further than we looked
        for path in checkpoint.iterdir():
            path.unlink()
        checkpoint.rmdir()
    assert resume(out).returncode == 0
    assert (out / "adapter" / "adapter_model.safetensors").read_bytes() == straight


def test_a_torn_newest_checkpoint_costs_only_the_steps_since_the_one_before(persona_folder, tmp_path, straight):
    out = tmp_path / "torn"
    process = start(persona_folder, out)
    wait_for_step(out, 120, process)
    process.kill()
    process.communicate()
    newest = max((out / "checkpoints").glob("step-*"))
    os.truncate(newest / "adapter_model.safetensors", 100)
    assert resume(out).returncode == 0
    assert (out / "checkpoints" / f"bad-{newest.name}").is_dir()
    assert (out / "adapter" / "adapter_model.safetensors").read_bytes() == straight


def test_data_changed_in_between_is_refused(persona_folder, tmp_path):
    out = tmp_path / "changed"
    process = start(persona_folder, out)
    wait_for_step(out, 120, process)
    process.kill()
    process.communicate()
    with (out / "data" / "train.jsonl").open("a") as file:
        file.write(json.dumps({"prompt": "new", "completion": "row"}) + "\n")
    done = resume(out)
    assert done.returncode == 2 and "was changed since training began" in done.stderr


def test_two_cannot_train_one_run(persona_folder, tmp_path):
    out = tmp_path / "shared"
    process = start(persona_folder, out)
    wait_for_step(out, 50, process)
    process.send_signal(signal.SIGSTOP)  # asleep in the middle of its work
    second = resume(out)
    assert process.poll() is None, "the first one was still there"
    process.kill()
    process.communicate()
    assert second.returncode == 2 and f"by process {process.pid}" in second.stderr
