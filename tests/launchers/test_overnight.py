"""pete train --overnight through the command line: started, broken off, started again, as a launcher does it."""

import os
import signal
import subprocess
import sys
import time

from pete import events
from pete.resources import PROJECT
from tests import forks

SETTINGS = ["engine.name=fake", "model.base=fake", "data.max_length=2000", "train.micro_batch=4", "train.accumulation=1", "lora.dropout=0",
            "train.steps=400", "train.save_every=25", "train.eval_every=200", "train.sample_every=400"]  # fmt: skip


def test_started_again_it_goes_on_and_says_what_happened(persona_folder, tmp_path):
    env = os.environ | {"PYTHONPATH": str(PROJECT / "src"), "PETE_RUNS": str(tmp_path / "runs"), "COLUMNS": "120"}
    sets = [part for value in SETTINGS for part in ("--set", value)]
    command = [sys.executable, "-m", "pete", "train", "--overnight"]
    pipe = subprocess.PIPE
    first = subprocess.Popen(
        [*command, "--persona", persona_folder, *sets], env=env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, text=True
    )
    end = time.monotonic() + 60
    while not any(isinstance(event, events.Saved) for path in tmp_path.glob("runs/*/events.jsonl") for event in events.read(path)):
        assert time.monotonic() < end and first.poll() is None, first.communicate()
        time.sleep(0.02)
    first.kill()
    out, _ = first.communicate()
    assert first.returncode == -signal.SIGKILL and "Preset mac-" in out
    (run,) = (tmp_path / "runs").iterdir()
    assert "-mac-" in run.name and not (run / "adapter").exists()

    again = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    assert again.returncode == 0, again.stderr
    assert f"Going on with {run}." in again.stdout.replace("\n", "") and "going on after step" in again.stdout
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [run.name] and (run / "adapter").is_dir()
    assert "broke off (no reason recorded)" in again.stdout and "400 of 400 steps" in again.stdout


def test_overnight_takes_no_preset():
    done = forks.run("train", "--overnight", "--preset", "x")
    assert done.returncode == 2 and "--overnight" in done.stderr
