import json

import numpy as np
import pytest

from pete.adapter import Lineage, read_lineage, read_weights, write_lineage, write_weights
from pete.errors import AdapterError

LINEAGE = Lineage(
    "base",
    "r",
    "f" * 64,
    "d",
    "c",
    "Ada",
    "Plain.",
    ("Be short.",),
    "You are Ada.",
    ("\n###",),
    {"top_k": 5},
    {"a": "A"},
    ("unlock*",),
    "0.1.0",
    {"all": {"words": [0, 90]}},
    {"tagline": {"line_words": [0, 12]}},
)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "adapter"
    write_weights(path, {"peft_type": "LORA", "base_model_name_or_path": "base", "r": 2}, {"w": np.ones((2, 3), dtype=np.float32)})
    write_lineage(path, LINEAGE)
    return path


def change(folder, **values):
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_round_trip(folder):
    settings, tensors = read_weights(folder, "base", "f" * 64)
    assert settings["r"] == 2 and tensors["w"].tolist() == [[1.0] * 3] * 2
    assert read_lineage(folder) == LINEAGE


def test_an_adapter_of_an_earlier_version_has_no_limits(folder):
    record = json.loads((folder / "pete.json").read_text())
    del record["limits"], record["formats"], record["asking"]
    (folder / "pete.json").write_text(json.dumps(record))
    assert read_lineage(folder).limits == {} == read_lineage(folder).formats == read_lineage(folder).asking


def test_another_base_is_refused_with_both_names(folder):
    with pytest.raises(AdapterError, match=r"was made for base \(ffffffffffff\).*other"):
        read_weights(folder, "other", "e" * 64)
    (folder / "pete.json").unlink()  # a foreign adapter says only a name
    with pytest.raises(AdapterError, match="was made for base"):
        read_weights(folder, "other", "e" * 64)
    read_weights(folder, "base", "e" * 64)


@pytest.mark.parametrize("name", ["adapter_model.bin", "adapter.pt", "x.pth", "y.ckpt"])
def test_pickle_is_never_opened(folder, name):
    (folder / "adapter_model.safetensors").rename(folder / name)
    with pytest.raises(AdapterError, match="pickle"):
        read_weights(folder, "base", "f" * 64)


def test_custom_code_is_refused(folder):
    change(folder, auto_map={"AutoModel": "evil.Model"})
    with pytest.raises(AdapterError, match="run its own code"):
        read_weights(folder, "base", "f" * 64)


@pytest.mark.parametrize(("values", "reason"), [({"peft_type": "IA3"}, "expected a LORA"), ({"peft_type": None}, "expected a LORA")])
def test_other_adapters(folder, values, reason):
    change(folder, **values)
    with pytest.raises(AdapterError, match=reason):
        read_weights(folder, "base", "f" * 64)


def test_damage_and_absence(folder, tmp_path):
    with pytest.raises(AdapterError, match="no adapter folder"):
        read_weights(tmp_path / "none", "base", "f")
    with pytest.raises(AdapterError, match="not an adapter folder"):
        read_weights(tmp_path, "base", "f")
    (folder / "adapter_model.safetensors").write_bytes(b"\xff" * 50)
    with pytest.raises(AdapterError, match="damaged"):
        read_weights(folder, "base", "f" * 64)
    (folder / "adapter_config.json").write_text("[]")
    with pytest.raises(AdapterError, match="expected an object"):
        read_weights(folder, "base", "f" * 64)
    (folder / "pete.json").write_text('{"base": "x"}')
    with pytest.raises(AdapterError, match=r"pete\.json"):
        read_lineage(folder)
