"""Merged weights from files made by hand; held against peft itself: tests/engines/test_merge.py."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from pete.adapter import write_weights
from pete.engines.base_models.merge import MergedWeights
from pete.engines.fake import fake_base
from pete.engines.protocol import Base
from pete.errors import AdapterError, BaseModelError

RNG = np.random.default_rng(0)
PLAIN = {"peft_type": "LORA", "base_model_name_or_path": "tiny", "r": 2, "lora_alpha": 6, "fan_in_fan_out": False}
Q = "model.layers.0.self_attn.q_proj"


def random(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture
def base(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "tie_word_embeddings": True}))
    weights = {
        "model.embed_tokens.weight": random(7, 4),
        f"{Q}.weight": random(6, 4).astype(np.float16),
        "model.layers.0.self_attn.rotary_emb.inv_freq": random(2),
        "model.layers.0.attention.bias": np.ones((1, 3), dtype=np.bool_),
        "model.layers.0.attention.masked_bias": random(),
    }
    save_file(weights, folder / "model.safetensors")
    return Base("tiny", folder, "", "", 64)


def adapter(folder, rank=2, layer=Q, shape=(6, 4), **settings):
    halves = {"lora_A": random(rank, shape[1]), "lora_B": random(shape[0], rank)}
    tensors = {f"base_model.model.{layer}.{half}.weight": value for half, value in halves.items()}
    write_weights(folder, PLAIN | settings, tensors)
    return folder, halves["lora_B"] @ halves["lora_A"]


def test_without_an_adapter_it_is_the_base(base):
    weights = MergedWeights(base, None)
    assert weights.names() == ["model.embed_tokens.weight", f"{Q}.weight"] and weights.adapted() == []
    assert [weights.dtype(name) for name in weights.names()] == ["F32", "F16"] and weights.shape(f"{Q}.weight") == (6, 4)
    assert weights.tensor(f"{Q}.weight").dtype == np.float32 and weights.file(f"{Q}.weight") == "model.safetensors"


@pytest.mark.parametrize(
    ("rank", "settings", "scale"),
    [
        (2, {}, 3.0),
        (4, {"r": 4, "lora_alpha": 6, "use_rslora": True}, 3.0),
        (3, {"rank_pattern": {"q_proj": 3}}, 2.0),
        (2, {"alpha_pattern": {r".*\.0\.self_attn\.q_proj": 10}, "rank_pattern": {"_proj": 9, "proj": 9}}, 5.0),
    ],
)
def test_scale_of_a_layer(base, tmp_path, rank, settings, scale):
    folder, product = adapter(tmp_path / "adapter", rank, **settings)
    tuned, plain = MergedWeights(base, folder), MergedWeights(base, None)
    assert tuned.adapted() == [f"{Q}.weight"]
    np.testing.assert_allclose(tuned.tensor(f"{Q}.weight"), plain.tensor(f"{Q}.weight") + scale * product, rtol=1e-5, atol=1e-5)
    assert np.array_equal(tuned.tensor("model.embed_tokens.weight"), plain.tensor("model.embed_tokens.weight"))


def test_names_without_the_bodys_prefix(base, tmp_path):
    folder, _ = adapter(tmp_path / "adapter", layer=Q.removeprefix("model."))
    assert MergedWeights(base, folder).adapted() == [f"{Q}.weight"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"layer": "lm_head", "shape": (7, 4)}, "its embedding"),
        ({"layer": "model.layers.3.self_attn.q_proj"}, "has no model.layers.3.self_attn.q_proj.weight"),
        ({"shape": (4, 6)}, r"is \[6, 4\] there, and the adapter's halves are \[2, 6\] and \[4, 2\]"),
        ({"rank": 3}, "for a rank of 2"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(base, tmp_path, given, message):
    folder, _ = adapter(tmp_path / "adapter", **given)
    with pytest.raises(AdapterError, match=message):
        MergedWeights(base, folder)


@pytest.mark.parametrize("key", [f"{Q}.lora_B.weight", f"{Q}.lora_A.weight", f"{Q}.bias", "model.embed_tokens.lora_embedding_A"])
def test_what_is_no_pair_of_halves_is_refused(base, tmp_path, key):
    write_weights(tmp_path / "adapter", PLAIN, {f"base_model.model.{key}": random(2, 4)})
    with pytest.raises(AdapterError, match="is no half"):
        MergedWeights(base, tmp_path / "adapter")


def test_a_base_without_weights_is_refused():
    with pytest.raises(BaseModelError, match="no weights on disk"):
        MergedWeights(fake_base(), None)
