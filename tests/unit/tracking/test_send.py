import os
from pathlib import Path

import pytest

from pete.run import RunDir
from pete.tracking import send


@pytest.fixture
def process(tmp_path, monkeypatch):
    """A process whose folder and environment may be changed; both come back."""
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    yield RunDir(tmp_path)
    os.environ.clear()
    os.environ.update(before)


def test_nothing_in_the_environment_can_name_this_machine(process):
    os.environ |= {"WANDB_API_KEY": "k", "WANDB_NOTES": "my house", "_WANDB_X": "y", "WANDB_HOST": "adas-mac"}
    send.settle(process)
    assert Path.cwd() == process.folder.resolve() and send.SCRATCH.is_dir() and not send.SCRATCH.is_absolute()
    assert os.environ["WANDB_API_KEY"] == "k" and os.environ["WANDB_HOST"] == "-" and os.environ["TMPDIR"] == str(send.SCRATCH)
    assert not {"WANDB_NOTES", "_WANDB_X"} & os.environ.keys()


def test_what_only_a_running_wandb_needs_is_removed(tmp_path):
    run = tmp_path / "offline-run-1"
    for folder in (tmp_path / "scratch", run / "logs", run / "tmp"):
        folder.mkdir(parents=True)
    (run / "logs" / "debug-core.log").symlink_to(tmp_path / "scratch" / "core.log")
    (run / "run-1.wandb").write_bytes(b"numbers")
    send.clean_up(tmp_path)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["logs", "offline-run-1", "run-1.wandb"]
