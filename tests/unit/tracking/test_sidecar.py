"""What training sees: nothing when it is off, an error before anything is written, a sentence at the end."""

import json
import shlex
import subprocess
import sys

import pytest

from pete.config import resolve
from pete.errors import ConfigError, UserError
from pete.resources import PROJECT
from pete.run import RunDir
from pete.tracking import sidecar


def config(mode: str):
    return resolve(None, None, [f"tracking.wandb={mode}"]).config


def test_off_is_no_process_no_folder_and_nothing_imported(tmp_path):
    run = RunDir(tmp_path)
    assert sidecar.start(resolve(None).config, run) is None and not run.wandb.exists()
    code = "import sys, pete.train.session, pete.tracking.sidecar; assert 'wandb' not in sys.modules and 'requests' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": "src"}, cwd=PROJECT)


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


@pytest.mark.parametrize("name", [*(f"acme{char}voice" for char in "/\\#?%:"), "x" * 129, "acme/voice:v2"])
def test_a_project_that_wandb_would_refuse_is_refused_with_the_configuration(tmp_path, name):
    named = resolve(None, None, ["tracking.wandb=offline", f"tracking.project={json.dumps(name)}"]).config
    wandb = pytest.importorskip("wandb")
    with pytest.raises(wandb.errors.UsageError):  # W&B's own rule, as it is installed
        wandb.Settings(project=name)
    with pytest.raises(ConfigError, match=r"tracking\.project"):
        sidecar.check(named, {}, tmp_path)
    with pytest.raises(ConfigError, match="WANDB_ENTITY"):
        sidecar.check(config("offline"), {"WANDB_ENTITY": name}, tmp_path)


def test_a_project_that_wandb_takes_is_taken(tmp_path):
    wandb = pytest.importorskip("wandb")
    for name in ("voices", "a b", "ä-ö_1.2", "x" * 128):
        wandb.Settings(project=name)
        sidecar.check(resolve(None, None, ["tracking.wandb=offline", f"tracking.project={json.dumps(name)}"]).config, {}, tmp_path)
    with pytest.raises(ConfigError, match="is blank"):
        sidecar.check(resolve(None, None, ["tracking.wandb=offline", 'tracking.project=" "']).config, {}, tmp_path)
    sidecar.check(resolve(None, None, ["tracking.project=a/b"]).config, {}, tmp_path)  # off: nobody is told it


def test_a_run_goes_on_with_less_tracking_where_less_is_to_be_had(tmp_path, monkeypatch):
    assert sidecar.usable(config("off"), {}, tmp_path) == ("off", "")
    assert sidecar.usable(config("offline"), {}, tmp_path) == ("offline", "")
    assert sidecar.usable(config("online"), {"WANDB_API_KEY": "k"}, tmp_path) == ("online", "")
    mode, said = sidecar.usable(config("online"), {}, tmp_path)
    assert mode == "offline" and "no W&B key" in said and "\n" not in said
    monkeypatch.setattr(sidecar.importlib.util, "find_spec", lambda name: None)
    for asked in ("offline", "online"):
        mode, said = sidecar.usable(config(asked), {"WANDB_API_KEY": "k"}, tmp_path)
        assert mode == "off" and "pete install wandb" in said


def test_wandbs_process_gets_wandbs_key_and_no_other(tmp_path, monkeypatch):
    secrets = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "PETE_JUDGE_KEY", "AWS_SECRET_ACCESS_KEY", "PGPASSWORD")
    for name in (*secrets, "WANDB_API_KEY", "HARMLESS"):
        monkeypatch.setenv(name, "canary")
    given = []

    def popen(command, env, **_):
        given.append(env)
        raise OSError(8, "not today")

    monkeypatch.setattr(sidecar.subprocess, "Popen", popen)
    sidecar.start(config("offline"), RunDir(tmp_path))
    assert {name for name, value in given[0].items() if value == "canary"} == {"WANDB_API_KEY", "HARMLESS"}


def test_what_it_waits_for_is_said_once_it_takes_long(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecar, "NOTICED_SECONDS", 0.1)
    for sleep, limit, expected in ((0.0, 5.0, 0), (0.6, 5.0, 1), (9.0, 0.4, 1)):
        command = [sys.executable, "-S", "-c", f"import time; time.sleep({sleep})"] if sleep else ["true"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        if not sleep:
            process.wait()
        said: list[str] = []
        sidecar.Tracker(RunDir(tmp_path), "offline", process).finish(limit, said.append)
        assert len(said) == expected and all("W&B" in text and "Ctrl-C" in text for text in said)
