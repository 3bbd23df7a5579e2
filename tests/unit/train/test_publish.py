"""What an adapter folder is made of; that it is proven first is shown in test_session.py."""

import json
from pathlib import Path

import pytest

from pete import __version__
from pete.adapter import read_lineage
from pete.errors import WorkError
from pete.run import RunDir
from pete.train.publish import AdapterProof, publish, train_again


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
