"""What a run may go on with, and what it may not."""

import os
import shutil

import pytest

from pete.errors import RunError
from pete.events import Warned
from pete.run import RunDir
from pete.train import session
from pete.train.prepare import resumable

# --- what a run goes on with ----------------------------------------------------------------------------------------------


def edit(run: RunDir, old: str, new: str) -> None:
    text = run.config_file.read_text()
    assert old in text
    run.config_file.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('wandb = "off"', 'wandb = "offline"'), ("temperature = 0.7", "temperature = 0.2"), ("samples = 3", "samples = 1"),
        ("save_every = 6", "save_every = 5"), ("sample_every is not set", "x\nsample_every = 7"),
        ("mps_high_watermark = 1.0", "mps_high_watermark = 0.5"),
    ],
)  # fmt: skip
def test_what_changes_no_number_may_change(trial, old, new):
    trial.stop_at(8)
    edit(trial.run, old, new)
    resumable(trial.run)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("learning_rate = 0.05", "learning_rate = 0.06", "optim.learning_rate was 0.05 and is 0.06"),
        ("rank = 16", "rank = 8", "lora.rank"), ("seed = 0 ", "seed = 1 ", "train.seed"), ("steps = 24", "steps = 30", "train.steps"),
        ("packing = false", "packing = true", "data.packing"),
        ('dtype = "auto"', 'dtype = "bfloat16"', "model.dtype"), ("eval_every = 6", "eval_every = 7", "train.eval_every"),
    ],
)  # fmt: skip
def test_what_training_depends_on_may_not(trial, old, new, said):
    trial.stop_at(8)
    if said == "model.dtype" and old not in trial.run.config_file.read_text():
        old = 'dtype = "float32"'
    edit(trial.run, old, new)
    with pytest.raises(RunError, match=said):
        resumable(trial.run)


def test_rows_that_would_look_different_to_the_model_are_refused(trial):
    trial.stop_at(8)
    trial.run.persona_file.write_text(trial.run.persona_file.read_text().replace("You are Ada.", "You are Bea."))
    with pytest.raises(RunError, match="system line"):
        resumable(trial.run)


def test_a_run_of_an_earlier_version_is_named_as_that(trial, monkeypatch):
    monkeypatch.setattr(session, "facts_of", lambda *_: {"config": "abc", "data": "d", "base": "b", "versions": {}})
    trial.stop_at(8)
    monkeypatch.undo()
    with pytest.raises(RunError, match="begun by an earlier version"):
        resumable(trial.run)


def test_who_looks_at_a_run_in_training_renames_nothing(trial):
    trial.stop_at(14)
    newest = max(trial.run.checkpoints.glob("step-*"))
    os.truncate(newest / "adapter_model.safetensors", 100)
    with trial.run.lock(), pytest.raises(RunError, match=f"process {os.getpid()}"):
        resumable(RunDir(trial.run.folder))
    assert resumable(trial.run)[1].done < int(newest.name[5:]) and newest.is_dir()
    assert trial.resume().reason == "done" and (trial.run.checkpoints / f"bad-{newest.name}").is_dir()


def test_stopped_before_the_first_checkpoint_begins_again_and_says_so(trial):
    trial.stop_at(3)
    shutil.rmtree(trial.run.checkpoints)
    assert trial.resume().reason == "done"
    assert any("before its first checkpoint: it begins again at step 0" in e.message for e in trial.told(Warned))


def test_a_run_that_may_not_be_written_is_refused_before_it_is_read(trial, monkeypatch):
    trial.stop_at(8)
    monkeypatch.setattr("pete.run._try_to_write", lambda folder: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(RunError, match="cannot be written: Permission denied"):
        resumable(trial.run)
