"""From configuration to a published adapter, and what must never be called that."""

import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pete.engines.fake import FakeEngine
from pete.errors import RunError, WorkError
from pete.events import Finished, Saved, Step, Validated, Warned
from pete.run import RunDir
from pete.train import session
from pete.train.prepare import resumable

# --- nothing false is published -------------------------------------------------------------------------------------------


def test_published_only_after_it_was_read_back_and_is_on_the_drive(trial, monkeypatch):
    order = []
    real = {name: getattr(FakeEngine, name) for name in ("load",)}

    def load(self, model, adapter=None):
        if adapter is not None:
            order.append(("read back", adapter.name.startswith(".tmp-adapter"), trial.run.adapter.exists()))
        return real["load"](self, model, adapter)

    monkeypatch.setattr(FakeEngine, "load", load)
    monkeypatch.setattr("pete.train.publish.sync_files", lambda folder: order.append(("synced", folder.name[:12])))
    monkeypatch.setattr("pete.train.publish.sync_folder", lambda folder: order.append(("published", trial.run.adapter.is_dir())))
    assert trial.train().reason == "done"
    assert order == [("read back", True, False), ("synced", ".tmp-adapter"), ("published", True)]


@pytest.mark.parametrize("fault", ["logits", "nan logits", "loss", "nan loss", "nothing", "nan base"])
def test_an_adapter_that_fails_its_proof_is_not_there(trial, monkeypatch, fault):
    real_load, real_logits, real_loss = FakeEngine.load, FakeEngine.logits, FakeEngine.loss
    proving: list[Path] = []

    def load(self, model, adapter=None):
        proving.extend([adapter] if adapter is not None else [])
        return real_load(self, model, adapter)

    def logits(self, ids):
        active = self.adapter_active
        self.adapter_active = active or fault == "nothing"
        found = real_logits(self, ids)
        self.adapter_active = active
        off = {"logits": 1e-3, "nan logits": np.nan} if active else {"nan base": np.nan}
        return found + np.float32(off.get(fault, 0.0) if proving else 0.0)

    def loss(self, batch):
        found = real_loss(self, batch)
        factor = {"loss": 1.02, "nan loss": math.nan}.get(fault, 1.0) if proving else 1.0
        return replace(found, nats=tuple(value * factor for value in found.nats))

    for name, value in (("load", load), ("logits", logits), ("loss", loss)):
        monkeypatch.setattr(FakeEngine, name, value)
    if "loss" in fault:  # asked where logits cannot be held to the last bit
        monkeypatch.setattr(FakeEngine, "device", "mps")
    with pytest.raises(WorkError, match="Nothing was published") as error:
        trial.train()
    assert proving and error.value.hint and trial.left_nothing()
    assert trial.told(Finished)[-1].reason == "not published"
    monkeypatch.undo()
    assert trial.resume().reason == "done", "the checkpoints are intact: with the fault mended the same run is published"


def test_a_best_checkpoint_that_was_damaged_since_is_not_published(trial):
    def damage(event):
        if isinstance(event, Saved) and event.step == 24:  # only the newest is read back when it is written
            best = min((e for e in trial.told(Validated) if e.step), key=lambda e: e.loss).step
            hurt.append(trial.run.checkpoints / f"step-{best:06d}" / "adapter_model.safetensors")
            data = bytearray(hurt[0].read_bytes())
            data[-1] ^= 1
            hurt[0].write_bytes(data)

    hurt: list[Path] = []
    with pytest.raises(WorkError, match=r"The best checkpoint is damaged: in step-\d+, adapter_model.safetensors has changed") as error:
        trial.train(on_event=damage)
    assert hurt and "backup" in error.value.hint and trial.left_nothing()


def test_no_step_better_than_the_base_is_no_adapter_and_nothing_to_go_on_with(trial):
    with pytest.raises(
        WorkError, match=r"No step was better than the untrained base .*: \d\.\d+ before training, \d+\.\d+ at the end"
    ) as error:
        trial.train("optim.learning_rate=50")
    assert "half the learning rate" in error.value.hint and "optim.learning_rate=25" in error.value.hint
    assert trial.left_nothing() and trial.told(Finished)[-1].reason == "not better"
    assert (trial.run.checkpoints / "step-000024").is_dir(), "the checkpoints stay"
    with pytest.raises(RunError, match="none was better than the untrained base"):
        resumable(trial.run)


def test_a_learning_rate_that_moves_nothing_is_told_to_rise(trial):
    with pytest.raises(WorkError) as error:
        trial.train("optim.learning_rate=1e-30")
    assert "twice the learning rate" in error.value.hint and trial.left_nothing()


# --- what a run needs -----------------------------------------------------------------------------------------------------


def test_a_run_goes_on_without_its_personas_folder_and_from_anywhere(trial, tmp_path, monkeypatch):
    trial.stop_at(8)
    shutil.rmtree(trial.persona)
    moved = tmp_path / "elsewhere" / "moved"
    moved.parent.mkdir()
    trial.run.folder.rename(moved)
    monkeypatch.chdir(moved.parent)
    trial.run = RunDir(Path("moved"))
    assert trial.resume().reason == "done"
    assert json.loads((moved / "adapter" / "pete.json").read_text())["system"] == "You are Ada."


def test_no_file_of_a_run_names_a_place_of_this_machine(trial, tmp_path, persona_folder):
    rows = persona_folder / "examples" / "marketing.jsonl"
    rows.write_text(rows.read_text() * 2)  # "the same completion as", with both places
    trial.train("train.sample_every=6")
    found = {path: path.read_bytes() for path in trial.run.folder.rglob("*") if path.is_file()}
    assert len(found) > 20 and any("the same completion as" in e.message for e in trial.told(Warned))
    places = [str(place).encode() for place in (tmp_path, Path.home(), session.__file__.partition("/src/")[0])]
    assert not [(path, place) for path, data in found.items() for place in places if place + b"/" in data]
    assert b'"source": "marketing.jsonl:1"' in trial.run.split_file("train").read_bytes() + trial.run.split_file("valid").read_bytes()


# --- listeners and a full drive ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error", [BrokenPipeError(), ValueError("I/O operation on closed file"), UnicodeEncodeError("ascii", "ä", 0, 1, "no")]
)
def test_a_screen_that_fails_is_logged_once(trial, error):
    seen = []

    def show(event):
        seen.append(event)
        raise error

    assert trial.train(on_event=show).reason == "done" and len(seen) > 20
    log = trial.run.log_file.read_text()
    assert log.count("the screen does not take") == 1 and type(error).__name__ in log


def test_a_drive_that_is_full_for_a_while_costs_events_and_no_training(trial, monkeypatch):
    real, refused = RunDir.append_event, []

    def append(self, event):
        if isinstance(event, Step) and 5 < event.step < 9:
            refused.append(event)
            raise OSError(28, "No space left on device")
        real(self, event)

    monkeypatch.setattr(RunDir, "append_event", append)
    assert trial.train().reason == "done" and len(refused) == 3
    assert trial.run.log_file.read_text().count("events.jsonl does not take") == 1
    assert [e.step for e in trial.told(Step)] == [n for n in range(1, 25) if not 5 < n < 9]


def test_a_drive_that_is_full_at_a_checkpoint_is_one_sentence_and_the_run_goes_on_later(trial, monkeypatch):
    from pete.train import checkpoint

    real, writes = checkpoint.write_json, []

    def full(path, document):
        writes.append(path)
        if "step-000012" in str(path):
            raise OSError(28, "No space left on device")
        real(path, document)

    monkeypatch.setattr(checkpoint, "write_json", full)
    with pytest.raises(WorkError, match="could not be written: No space left on device") as error:
        trial.train()
    assert "pete resume" in error.value.hint and not list(trial.run.checkpoints.glob(".tmp-*")) and trial.left_nothing()
    monkeypatch.undo()
    assert trial.resume().reason == "done"


# --- what follows a run ---------------------------------------------------------------------------------------------------


def test_a_follower_starts_once_the_run_is_locked_and_its_last_word_is_on_record(trial):
    seen = []

    class Follower:
        def finish(self, *, waiting):
            waiting("a moment")
            return "not everything was taken"

    def follow():
        seen.append(trial.run.lock_owner_pid())
        return Follower()

    shown: list = []
    trial.train(on_event=shown.append, follow=follow)
    assert seen == [os.getpid()] and [e.message for e in trial.told(Warned)] == ["not everything was taken"]
    assert [e.message for e in shown if isinstance(e, Warned)] == ["a moment", "not everything was taken"]
