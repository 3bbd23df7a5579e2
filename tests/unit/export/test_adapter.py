"""The zip: the same bytes whenever it is made, and no path."""

import json
import os
import zipfile

import pytest

from pete.export.adapter import PACKED, pack, portable_settings


@pytest.mark.parametrize(
    ("written", "packed"),
    [
        ("/home/someone/models/pythia-70m", "pythia-70m"),
        ("~/models/pythia-70m/", "pythia-70m"),
        ("../pythia-70m", "pythia-70m"),
        ("/x/hub/models--EleutherAI--pythia-70m/snapshots/0123456789abcdef", "EleutherAI/pythia-70m"),
        ("EleutherAI/pythia-70m", "EleutherAI/pythia-70m"),
        (None, None),
    ],
)
def test_the_base_is_named_and_not_where_it_lies(tmp_path, written, packed):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": written, "r": 8}))
    assert json.loads(portable_settings(tmp_path / "adapter_config.json")) == {"base_model_name_or_path": packed, "r": 8}


def test_the_same_bytes_from_another_place_at_another_time(tmp_path):
    for number, name in enumerate(("here", "there")):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": str(tmp_path / name / "tiny"), "r": 8}))
        (folder / "adapter_model.safetensors").write_bytes(b"weights")
        (folder / "optimizer.safetensors").write_bytes(b"how it was trained on")
        os.utime(folder / "adapter_model.safetensors", (number * 10**8, number * 10**8))
        (folder / "adapter_model.safetensors").chmod(0o600 + number * 0o44)
        pack(folder, tmp_path / f"{name}.zip")
    assert (tmp_path / "here.zip").read_bytes() == (tmp_path / "there.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "here.zip") as packed:
        assert packed.namelist() == [name for name in PACKED if name in ("adapter_config.json", "adapter_model.safetensors")]
