"""The red button: the window goes away under a training that was started by double-click."""

import contextlib
import shlex
import sys
import time
from pathlib import Path

import psutil
import pytest

from pete import events
from pete.machine.launchers import NAMES
from pete.resources import PROJECT
from tests.faults.test_interruptions import SETTINGS, resume
from tests.launchers.conftest import Finder


@pytest.fixture
def training(finder: Finder, persona_folder, tmp_path):
    """A checkout whose ./pete trains the fake engine, at some length."""
    out = tmp_path / "the run"
    sets = " ".join(f"--set {setting}" for setting in SETTINGS)
    words = f"train --persona {shlex.quote(str(persona_folder))} --out {shlex.quote(str(out))} {sets}"
    finder.program(finder.root / "pete", f"#!/bin/sh\nexec {shlex.quote(sys.executable)} -P -m pete {words} $MORE\n")
    finder.env |= {"PYTHONPATH": str(PROJECT / "src")}
    return out


def alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def last_step(out: Path) -> int:
    return max((event.step for event in events.read(out / "events.jsonl") if isinstance(event, events.Step)), default=0)


@pytest.mark.parametrize(("every", "step", "steps"), [(250, 270, 900), (1, 40, 150)], ids=["silent", "while a line is printed"])
def test_closing_the_window_saves_and_the_run_goes_on_later(finder, training, every, step, steps):
    finder.env |= {"MORE": f"--set train.eval_every={every} --set train.steps={steps}"}
    window = finder.window(finder.root / "launchers" / NAMES[0])
    end, tail, last = time.monotonic() + 180, events.Tail(training / "events.jsonl"), 0  # a start examines the machine
    while last < step:
        assert time.monotonic() < end and window.look(), window.text
        last = max([last, *(event.step for event in tail.poll()[1] if isinstance(event, events.Step))])
    trainer = next(event.pid for event in events.read(training / "events.jsonl") if isinstance(event, events.Started))
    assert alive(trainer)
    window.close()
    end = time.monotonic() + 60
    while alive(trainer):
        assert time.monotonic() < end, "the closed window did not end the training"
        time.sleep(0.02)
    told = list(events.read(training / "events.jsonl"))
    last = last_step(training)
    assert step <= last < steps and not (training / "adapter").exists(), "it ended in the middle"
    assert (training / "checkpoints" / f"step-{last:06d}").is_dir(), "saved at the step it stopped at"
    assert isinstance(told[-1], events.Finished) and told[-1].reason == "interrupted", "and said so to the next monitor"
    assert not (training / "errors.jsonl").exists()
    assert resume(training).returncode == 0
