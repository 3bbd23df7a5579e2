import errno
import json
import os
from pathlib import Path

import pytest

from pete.config import Config, LoraConfig, ModelConfig
from pete.engines import open_trainer
from pete.errors import RunError, WorkError
from pete.train import checkpoint
from pete.train.checkpoint import KEPT, Progress


@pytest.fixture
def engine():
    engine = open_trainer(Config.model_validate({"engine": {"name": "fake"}}))
    engine.load(ModelConfig(base="fake"))
    engine.add_lora(LoraConfig(rank=2))
    return engine


def save(engine, folder, step, **more):
    return checkpoint.write(engine, folder, Progress(step=step, **more), {"config": "c"})


def test_written_found_and_read_back(engine, tmp_path):
    save(engine, tmp_path, 2)
    save(engine, tmp_path, 10, best_step=2, best_loss=1.5)
    path, progress, facts = checkpoint.newest(tmp_path)
    assert path.name == "step-000010" and progress == Progress(10, 2, 1.5) and facts == {"config": "c"}
    assert not list(tmp_path.glob(".tmp-*"))
    assert {p.suffix for p in path.iterdir()} == {".safetensors", ".json"}


@pytest.mark.parametrize("fault", ["flip", "truncate", "delete", "manifest", "no manifest"])
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_used(engine, tmp_path, fault):
    save(engine, tmp_path, 1)
    bad = save(engine, tmp_path, 2)
    weights = bad / "adapter_model.safetensors"
    if fault == "flip":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    elif fault == "truncate":
        os.truncate(weights, 10)
    elif fault == "delete":
        weights.unlink()
    elif fault == "manifest":
        (bad / "MANIFEST.json").write_text("{")
    else:
        (bad / "MANIFEST.json").unlink()
    assert checkpoint.fault_in(bad), "the fault did not happen"
    path, progress, _ = checkpoint.newest(tmp_path)
    assert progress.step == 1 and path.name == "step-000001"
    assert bad.is_dir(), "who only looks moves nothing: somebody may be training here"
    assert checkpoint.newest(tmp_path, set_aside=True)[1].step == 1
    assert (tmp_path / "bad-step-000002").is_dir() and not bad.exists(), "kept for a look, never deleted"


def test_a_second_bad_one_of_the_same_step_does_not_replace_the_first(engine, tmp_path):
    save(engine, tmp_path, 1)
    for _ in range(2):
        os.truncate(save(engine, tmp_path, 2) / "adapter_model.safetensors", 10)
        assert checkpoint.newest(tmp_path, set_aside=True)[1].step == 1
    assert sorted(p.name for p in tmp_path.glob("bad-*")) == ["bad-step-000002", "bad-step-000002-2"]


@pytest.mark.parametrize("number", [errno.EACCES, errno.EMFILE, errno.EIO])
def test_what_cannot_be_read_just_now_is_no_damage(engine, tmp_path, monkeypatch, number):
    save(engine, tmp_path, 1)
    kept = save(engine, tmp_path, 2)
    real, refused = Path.open, []

    def open_(self, *args, **kwargs):
        if self.parent == kept and self.suffix == ".safetensors":
            refused.append(self)
            raise OSError(number, os.strerror(number), str(self))
        return real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "open", open_)
    with pytest.raises(RunError, match="step-000002 cannot be read now") as error:
        checkpoint.newest(tmp_path, set_aside=True)
    assert os.strerror(number) in error.value.message and "step-000001" in error.value.hint
    assert refused and kept.is_dir() and not list(tmp_path.glob("bad-*"))
    monkeypatch.undo()
    assert checkpoint.newest(tmp_path)[1].step == 2, "nothing was lost"


def test_a_file_that_icloud_took_away_is_no_damage(engine, tmp_path):
    kept = save(engine, tmp_path, 1)
    weights = kept / "adapter_model.safetensors"
    weights.rename(kept / f".{weights.name}.icloud")
    with pytest.raises(RunError, match=r"cannot be read now.*iCloud"):
        checkpoint.newest(tmp_path, set_aside=True)
    assert kept.is_dir()


def test_order_is_by_step_not_by_date(engine, tmp_path):
    late = save(engine, tmp_path, 9)
    save(engine, tmp_path, 3)
    os.utime(late, (1, 1))
    assert checkpoint.newest(tmp_path)[1].step == 9


def test_none_and_only_bad_ones(engine, tmp_path):
    assert checkpoint.newest(tmp_path) is None
    (save(engine, tmp_path, 1) / "state.json").unlink()
    os.truncate(save(engine, tmp_path, 2) / "optimizer.safetensors", 9)
    for set_aside in (False, True):
        with pytest.raises(RunError) as error:
            checkpoint.newest(tmp_path, set_aside=set_aside)
        assert "step-000001: state.json is missing" in error.value.message
        assert "step-000002: optimizer.safetensors has 9 bytes, expected" in error.value.message
        assert "mv " in error.value.hint and "from the beginning" in error.value.hint
    assert sorted(p.name for p in tmp_path.iterdir()) == ["step-000001", "step-000002"], "left as they are"
    for path in tmp_path.iterdir():
        path.rename(path.with_name(f"bad-{path.name}"))
    with pytest.raises(RunError, match="bad-step-000002"):
        checkpoint.newest(tmp_path)


def test_rotation_keeps_the_newest_and_the_best_and_clears_what_the_dead_left(engine, tmp_path):
    for step in range(1, 8):
        save(engine, tmp_path, step)
    (tmp_path / ".tmp-step-000008-999999").mkdir()
    checkpoint.rotate(tmp_path, best_step=2)
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["step-000002", "step-000005", "step-000006", "step-000007"]
    assert KEPT == 3


def test_a_write_that_fails_leaves_the_older_ones_and_no_half(engine, tmp_path, monkeypatch):
    save(engine, tmp_path, 1)

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pete.train.checkpoint.write_json", full)
    with pytest.raises(OSError, match="No space"):
        save(engine, tmp_path, 2)
    assert checkpoint.newest(tmp_path)[1].step == 1
    assert [p.name for p in tmp_path.iterdir()] == ["step-000001"], "a full disk gets back what was half written"


def test_a_copy_that_does_not_read_back_is_reported(engine, tmp_path, monkeypatch):
    monkeypatch.setattr("pete.train.checkpoint.fault_in", lambda _: "a bit has fallen over")
    with pytest.raises(WorkError, match="a bit has fallen over"):
        save(engine, tmp_path, 1)


def test_manifest_lists_every_other_file(engine, tmp_path):
    path = save(engine, tmp_path, 1)
    listed = {entry["name"] for entry in json.loads((path / "MANIFEST.json").read_text())["files"]}
    assert listed == {p.name for p in path.iterdir()} - {"MANIFEST.json"} and "optimizer.safetensors" in listed
