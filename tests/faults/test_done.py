"""Through the real command line: what went wrong is never called done, and what nobody reads or may write costs no work."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from pete.resources import PROJECT
from tests import forks

SETTINGS = [
    "engine.name=fake", "model.base=fake", "data.max_length=2000", "train.steps=40", "train.micro_batch=4", "train.accumulation=1",
    "train.save_every=10", "train.eval_every=10", "optim.learning_rate=0.05", "optim.warmup_steps=1",
]  # fmt: skip
SETS = [part for value in SETTINGS for part in ("--set", value)]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PROJECT / "src")}
PETE = [sys.executable, "-m", "pete"]


NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


def pete(*args: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return forks.run(*args, here=cwd, timeout=120)


def pete_of_nobody(*args: object) -> subprocess.CompletedProcess[str]:
    """As a user who is not the one that runs the tests."""
    command = [*NOBODY, *PETE, *map(str, args)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run that came to its end, and its persona."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "voice" / "examples").mkdir(parents=True)
    (folder / "voice" / "persona.toml").write_text('name = "Ada"\ndescription = "Plain."\nsystem = "You are Ada."\n[categories]\na = "A"\n')
    rows = [{"prompt": f"Say thing {i}.", "completion": f"Thing {i} is plain.", "category": "a", "topic": f"t{i}"} for i in range(24)]
    (folder / "voice" / "examples" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "voice" / "prompts.jsonl").write_text('{"id": "p", "category": "a", "prompt": "Ask?"}\n')
    # from another folder than it is resumed from, with a way that means nothing there
    done = pete("train", "--out", folder / "run", *SETS, "--set", "data.persona=./voice", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def unpublished(finished, tmp_path):
    """The same run as if the power had gone just before its adapter was there; its persona stayed behind."""
    run = shutil.copytree(finished / "run", tmp_path / "run")
    shutil.rmtree(run / "adapter")
    return run


def test_no_good_checkpoint_is_no_start_from_zero(unpublished):
    hurt = sorted((unpublished / "checkpoints").glob("step-*"))
    for checkpoint in hurt:
        os.truncate(checkpoint / "adapter_model.safetensors", 100)
    before = {path: path.read_bytes() for path in unpublished.rglob("*") if path.is_file()}
    done = pete("resume", unpublished)
    assert done.returncode == 2 and "Traceback" not in done.stderr and len(hurt) > 2
    for checkpoint in hurt:
        assert f"{checkpoint.name}: adapter_model.safetensors has 100 bytes, expected" in done.stderr
    assert {path: path.read_bytes() for path in unpublished.rglob("*") if path.is_file()} == before
    command = done.stderr.rsplit("on purpose: ", 1)[1].strip().replace("pete resume", f"{shlex.join(PETE)} resume")
    again = subprocess.run(["sh", "-c", command], env=ENVIRONMENT, capture_output=True, text=True, timeout=120, check=False)
    assert again.returncode == 0 and "begins again at step 0" in again.stdout, again.stderr
    assert (unpublished / "checkpoints-damaged").is_dir() and (unpublished / "adapter").is_dir()


def test_a_run_whose_personas_folder_is_gone_is_published_all_the_same(unpublished, finished, tmp_path):
    assert not (tmp_path / "voice").exists() and not os.path.isabs((unpublished / "config.toml").read_text().split('persona = "')[1][:1])
    done = pete("resume", unpublished, cwd=Path("/"))
    assert done.returncode == 0, done.stderr
    for name in ("adapter_model.safetensors", "pete.json"):
        assert (unpublished / "adapter" / name).read_bytes() == (finished / "run" / "adapter" / name).read_bytes()


def test_a_training_that_only_did_harm_is_not_done(finished, tmp_path):
    run = tmp_path / "run"
    done = pete("train", "--persona", finished / "voice", "--out", run, *SETS, "--set", "optim.learning_rate=50")
    assert done.returncode == 1 and "worse than the" in done.stdout and "(best so far)" not in done.stdout
    assert done.stderr.startswith("pete: No step was better than the untrained base") and "optim.learning_rate=25" in done.stderr
    assert "adapter saved" not in done.stdout and not (run / "adapter").exists() and (run / "checkpoints" / "step-000040").is_dir()
    again = pete("resume", run)
    assert again.returncode == 2 and "none was better than the untrained base" in again.stderr
    assert "failed" in pete("monitor", run, "--once").stdout
    asked = pete("test", run, "Hello?")
    assert asked.returncode == 2 and "no adapter" in asked.stderr


@pytest.mark.parametrize("where", ["| head -n 1", ">&- 2>&-", ">/dev/full 2>/dev/full", "2>&1 | head -n 1", "| sleep 4"])
def test_a_screen_that_goes_away_costs_nothing(finished, tmp_path, where):
    if "/dev/full" in where and not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full here")
    train = [*PETE, "train", "--persona", str(finished / "voice"), "--out", str(tmp_path / "run"), *SETS]
    script = f'{{ "$@"; echo $? >"{tmp_path}/code"; }} {where}'
    subprocess.run(["sh", "-c", script, "sh", *train], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
    assert (tmp_path / "code").read_text() == "0\n"
    assert (tmp_path / "run" / "adapter" / "adapter_model.safetensors").read_bytes() == (
        finished / "run" / "adapter" / "adapter_model.safetensors"
    ).read_bytes()


@pytest.fixture(scope="module")
def nobody_starts() -> None:
    if pete_of_nobody("--help").returncode:
        pytest.skip("somebody else cannot even start this checkout")


@pytest.mark.usefixtures("nobody_starts")
@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs a second user: root and setpriv")
@pytest.mark.parametrize("verb", ["evaluate", "report", "resume", "blind"])
def test_a_run_that_may_not_be_written_is_refused_before_any_work(finished, verb):
    with tempfile.TemporaryDirectory() as folder:  # pytest's own is closed to everybody else
        run = shutil.copytree(finished / "run", Path(folder) / "run")
        Path(folder).chmod(0o755)
        if verb == "resume":
            shutil.rmtree(run / "adapter")
        done = pete_of_nobody(verb, run)
        assert done.returncode == 2 and "cannot be written: Permission denied" in done.stderr and "Traceback" not in done.stderr
        assert not (run / "evaluations").exists() and len(done.stderr.splitlines()) == 2
