"""The streaming writer against safetensors' own."""

import json
import struct
import types

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from pete.engines.base_models.merge import MergedWeights
from pete.engines.protocol import Base
from pete.errors import WorkError
from pete.export.weights import encoded, size_of, write_merged


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    numbers = np.random.default_rng(0)
    shards = {
        "model-00001-of-00002.safetensors": {"a.weight": numbers.normal(size=(3, 4)).astype(np.float32), "z.bias": np.ones(5, np.float16)},
        "model-00002-of-00002.safetensors": {"b.weight": numbers.normal(size=(2, 2, 2)).astype(np.float16)},
    }
    for file, tensors in shards.items():
        save_file(tensors, folder / file)
    index = {name: file for file, tensors in shards.items() for name in tensors}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    return Base("tiny", folder, "local", "f", 128)


def test_what_is_not_changed_is_the_same_to_the_bit_in_the_same_files(base, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    done = []
    write_merged(weights := MergedWeights(base, None), out, lambda n, of: done.append((n, of)))
    assert done == [(1, 3), (2, 3), (3, 3)] and size_of(weights) == 3 * 4 * 4 + 5 * 2 + 8 * 2
    for path in base.folder.glob("*.safetensors"):
        theirs, ours = load_file(path), load_file(out / path.name)
        assert theirs.keys() == ours.keys()
        for name, value in theirs.items():
            assert ours[name].dtype == value.dtype and ours[name].tobytes() == value.tobytes() and ours[name].shape == value.shape
    index = json.loads((out / "model.safetensors.index.json").read_text())
    assert index["weight_map"] == json.loads((base.folder / "model.safetensors.index.json").read_text())["weight_map"]
    assert index["metadata"]["total_size"] == size_of(weights)


def test_one_tensor_is_in_memory_at_a_time(base, tmp_path, monkeypatch):
    weights = MergedWeights(base, None)
    alive: list[types.SimpleNamespace] = []
    import weakref

    def tensor(self, name):
        assert not [one for one in alive if one() is not None], "the one before is gone"
        value = np.zeros(weights.shape(name), np.float32)
        alive.append(weakref.ref(value))
        return value

    monkeypatch.setattr(MergedWeights, "tensor", tensor)
    write_merged(weights, tmp_path)
    assert len(alive) == 3


def test_bfloat16_is_rounded_to_the_nearest_ties_to_even(tmp_path):
    values = np.array([1.0, 1.00390625, 1.01171875, 1.0 + 2**-20, -3.14159, 3e38, 1e-40], dtype=np.float32)
    halves = np.frombuffer(encoded(values, "BF16", "x"), "<u2")
    back = (halves.astype(np.uint32) << 16).view(np.float32)
    assert back[:3].tolist() == [1.0, 1.0, 1.015625], "halfway: to the even one, up and down"
    wanted = [struct.unpack("<f", struct.pack("<f", v))[0] for v in values]
    assert np.all(np.abs(back[3:6] - wanted[3:6]) <= np.abs(wanted[3:6]) * 2**-8)


def test_what_float16_cannot_hold_is_refused():
    with pytest.raises(WorkError, match="beyond what the base's float16 can hold"):
        encoded(np.array([1e6], np.float32), "F16", "model.x")


def test_a_file_opens_where_numbers_are_read_in_place(base, tmp_path):
    write_merged(MergedWeights(base, None), tmp_path)
    with safe_open(tmp_path / "model-00001-of-00002.safetensors", "np") as file:
        assert file.metadata() == {"format": "pt"}
    raw = (tmp_path / "model-00001-of-00002.safetensors").read_bytes()
    assert (8 + int.from_bytes(raw[:8], "little")) % 8 == 0
