"""What training sees: nothing when it is off, an error before anything is written, a sentence at the end."""

import shlex
import subprocess
import sys

import pytest

from pete.config import resolve
from pete.errors import UserError
from pete.run import RunDir
from pete.tracking import sidecar
from pete.tracking.state import State


def config(mode: str):
    return resolve(None, None, [f"tracking.wandb={mode}"]).config


def test_off_is_no_process_no_folder_and_nothing_imported(tmp_path):
    run = RunDir(tmp_path)
    assert sidecar.start(resolve(None).config, run) is None and not run.wandb.exists()
    code = "import sys, pete.train.session, pete.tracking.sidecar; assert 'wandb' not in sys.modules and 'requests' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "src"}, cwd=sidecar.PROJECT)


@pytest.mark.parametrize("mode", ["offline", "online"])
def test_a_missing_package_names_the_command_that_installs_it(monkeypatch, tmp_path, mode):
    (tmp_path / "wandb").mkdir()  # a run's folder on the path is not the package
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)  # other tests import the real one
    with pytest.raises(UserError) as error:
        sidecar.check(config(mode))
    assert "not installed" in error.value.message and error.value.hint.startswith("pete install wandb")


def test_online_needs_a_key_and_offline_does_not(tmp_path):
    sidecar.check(config("offline"), {}, tmp_path)
    with pytest.raises(UserError) as error:
        sidecar.check(config("online"), {}, tmp_path)
    assert "WANDB_API_KEY" in error.value.message
    assert f"{shlex.quote(sys.executable)} -m wandb login" in error.value.hint and "tracking.wandb=offline" in error.value.hint
    sidecar.check(config("online"), {"WANDB_API_KEY": "k"}, tmp_path)


def test_a_process_that_cannot_be_started_is_a_sentence(tmp_path, monkeypatch):
    run = RunDir(tmp_path)
    run.wandb.write_text("in the way")
    tracker = sidecar.start(config("offline"), run)
    assert tracker is not None and "was not started: File exists" in (tracker.finish() or "")


def test_the_sync_command_can_be_pasted(tmp_path):
    run = RunDir(tmp_path / "it's mine")
    for name in ("run-1", "offline-run-2", "scratch"):
        (run.wandb / name).mkdir(parents=True)
    command = sidecar.sync_command(run).replace(shlex.quote(sys.executable), "echo", 1)
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout == f"-m wandb sync {run.wandb}/offline-run-2 {run.wandb}/run-1\n"


def test_the_state_survives_and_a_torn_file_is_a_new_run(tmp_path):
    run = RunDir(tmp_path)
    first = State.read(run)
    assert first.step == -1 and first.id != State.read(run).id
    first.step = 7
    first.write(run)
    assert State.read(run) == first
    (run.wandb / "run.json").write_text('{"id": "x"')
    assert State.read(run).step == -1
