"""From configuration to a published adapter, and what must never be called that."""

import json
import math
import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pete import events
from pete.config import resolve
from pete.engines.fake import FakeEngine
from pete.errors import Interrupted, RunError, WorkError
from pete.events import Finished, Saved, Step, Validated, Warned
from pete.run import RunDir
from pete.train import session
from pete.train.session import prepare, resumable, train_run

SETTINGS = [
    "engine.name=fake", "model.base=fake", "data.max_length=2000", "train.steps=24", "train.micro_batch=4", "train.accumulation=1",
    "train.save_every=6", "train.eval_every=6", "optim.learning_rate=0.05", "optim.warmup_steps=1",
]  # fmt: skip


class Trial:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, persona: Path) -> None:
        self.run, self.persona = RunDir.create(folder, "x"), persona

    def train(self, *sets: str, on_event=lambda event: None):
        resolved = resolve(None, None, [f"data.persona={json.dumps(str(self.persona))}", *SETTINGS, *sets])
        return train_run(resolved, prepare(resolved.config), self.run, on_event)

    def stop_at(self, step: int) -> None:
        """Train up to a step, and leave a run that can go on."""

        def stop(event):
            if isinstance(event, Step) and event.step == step:
                os.kill(os.getpid(), 15)

        with pytest.raises(Interrupted):
            self.train(on_event=stop)
        assert self.told(Finished)[-1].reason == "interrupted" and self.told(Step)[-1].step <= step + 1

    def resume(self, on_event=lambda event: None):
        return train_run(*resumable(self.run), self.run, on_event, resume=True)

    def told(self, kind: type) -> list:
        return [event for event in events.read(self.run.events_file) if isinstance(event, kind)]

    def left_nothing(self) -> bool:
        """No adapter, not half of one either, and nobody says that it is done."""
        assert not list(self.run.folder.glob(".tmp-*"))
        return not self.run.adapter.exists() and all(event.reason != "done" for event in self.told(Finished))


@pytest.fixture
def trial(tmp_path, persona_folder) -> Trial:
    return Trial(tmp_path / "run", persona_folder)


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
        factor = {"loss": 1.001, "nan loss": math.nan}.get(fault, 1.0) if proving else 1.0
        return replace(found, nats=tuple(value * factor for value in found.nats))

    for name, value in (("load", load), ("logits", logits), ("loss", loss)):
        monkeypatch.setattr(FakeEngine, name, value)
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


def test_a_run_tracked_online_goes_on_without_its_key_and_says_so(trial, monkeypatch):
    monkeypatch.setattr("pete.train.session.sidecar.has_key", lambda environ, home: False)
    monkeypatch.setattr("pete.train.session.sidecar.importlib.util.find_spec", lambda name: SimpleNamespace(origin="here"))
    started = []
    monkeypatch.setattr("pete.train.session.sidecar.start", lambda config, run: started.append(config.tracking.wandb))
    trial.stop_at(8)
    edit(trial.run, 'wandb = "off"', 'wandb = "online"')
    assert trial.resume().reason == "done" and started == ["off", "offline"]
    assert any("tracking goes on offline" in e.message for e in trial.told(Warned))
    assert 'wandb = "online"' in trial.run.config_file.read_text(), "with its key, the next one is online again"
