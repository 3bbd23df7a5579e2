"""What an adapter folder is made of; that it is proven first is shown in test_session.py."""

import json
from pathlib import Path

import numpy as np
import pytest

from pete import __version__
from pete.adapter import read_lineage
from pete.config import Config, LoraConfig
from pete.data.batch import Batch
from pete.engines import open_trainer
from pete.errors import WorkError
from pete.run import RunDir
from pete.train.loop import mean_loss
from pete.train.publish import ROUNDING, AdapterProof, _prove, publish, train_again


def test_the_lineage_says_what_the_adapter_was_made_of_and_how_it_speaks(trial):
    trial.train("generate.temperature=0.5")
    lineage = read_lineage(trial.run.adapter)
    assert (lineage.base, lineage.persona, lineage.system, lineage.pete) == ("fake", "Ada", "You are Ada.", __version__)
    assert (lineage.stop, lineage.avoid, lineage.generate["temperature"]) == (("\n### Instruction:",), ("unlock*",), 0.5)
    assert lineage.categories == {"marketing": "Marketing", "copywriting": "Copywriting"}
    assert lineage.data_fingerprint == json.loads(trial.run.manifest_file.read_bytes())["fingerprint"] and lineage.config_sha256


def test_the_command_that_trains_again_can_be_pasted():
    assert train_again(RunDir(Path("my run")), "a=1", "b=2") == "pete train --config 'my run/config.toml' --set a=1 --set b=2"


def test_a_damaged_checkpoint_is_refused_before_anything_is_made(trial):
    trial.stop_at(8)
    best = trial.run.checkpoints / "step-000006"
    (best / "adapter_model.safetensors").unlink()
    with pytest.raises(WorkError, match=r"in step-000006, adapter_model.safetensors is missing\. Nothing was published") as error:
        publish(None, None, trial.run, best, None, None, AdapterProof([], None, [], None))  # type: ignore[arg-type]
    assert "pete train --config" in error.value.hint and not trial.run.adapter.exists()


def test_a_loss_of_an_earlier_session_may_differ_by_rounding_for_it_may_have_had_other_devices(trial, tmp_path, monkeypatch):
    config = Config.model_validate({"model": {"base": "fake"}, "engine": {"name": "fake"}})
    engine = open_trainer(config)
    engine.load(config.model)
    engine.add_lora(LoraConfig(rank=4))
    batch = Batch(np.arange(60, dtype=np.int32), np.arange(60) > 9, (60,))
    engine.train_step([batch], 0.1)
    folder = tmp_path / "adapter"
    folder.mkdir()
    engine.save(folder, with_optimizer=False)
    logits, loss = engine.logits([1, 2]), mean_loss(engine, [batch])

    def prove(found: np.ndarray | None, share: float) -> None:
        _prove(engine, config.model, trial.run, folder, AdapterProof([1, 2], found, [batch], loss * (1 + share)))

    prove(None, ROUNDING / 2)
    with pytest.raises(WorkError, match="read back, its validation loss is"):
        prove(None, 2 * ROUNDING)
    scored: list[float] = []
    monkeypatch.setattr("pete.train.publish.mean_loss", lambda *of: scored.append(mean_loss(*of)) or scored[-1])
    prove(logits, 0.5)
    assert not scored, "equal to the last bit: all validation rows once more would say nothing new"
    with pytest.raises(WorkError, match="read back, its logits differ"):
        prove(np.nextafter(logits, np.inf), 0.0)
    engine.device = "mps"
    with pytest.raises(WorkError, match="read back, its validation loss is"):
        prove(logits, 0.02)
    assert scored
