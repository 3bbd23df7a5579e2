"""config.json as transformers reads it, in its older and newer forms; against transformers' own classes."""

import json

import pytest

from pete.engines.gguf.settings import Settings


def read(tmp_path, **settings) -> Settings:
    (tmp_path / "config.json").write_text(json.dumps(settings))
    return Settings(tmp_path, "tiny")


def test_defaults_are_those_of_the_kind_and_null_is_said(tmp_path):
    assert read(tmp_path, model_type="mistral")["sliding_window"] == 4096
    assert read(tmp_path, model_type="mistral", sliding_window=None).get("sliding_window") is None
    assert read(tmp_path, model_type="smollm3").rope().theta == 2e6
    assert read(tmp_path, model_type="gpt_neox", num_key_value_heads=2).kv_heads == 64, "a key that this kind does not look at"
    assert read(tmp_path, model_type="llama", num_key_value_heads=None).kv_heads == 32
    assert read(tmp_path, model_type="nosuch", hidden_size=8, num_attention_heads=2).head_dim == 4


@pytest.mark.parametrize(
    ("settings", "kind", "theta", "share"),
    [
        ({"model_type": "llama"}, "default", 1e4, 1.0),
        ({"model_type": "llama", "rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 2.0}}, "linear", 5e5, 1.0),
        ({"model_type": "llama", "rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5}}, "llama3", 5e5, 1.0),
        ({"model_type": "gpt_neox", "rotary_emb_base": 2e4, "rotary_pct": 0.5}, "default", 2e4, 0.5),
        ({"model_type": "gpt_neox"}, "default", 1e4, 0.25),
        ({"model_type": "phi3", "rope_scaling": {"type": "su"}, "partial_rotary_factor": 0.75}, "longrope", 1e4, 0.75),
        ({"model_type": "gemma3_text", "rope_theta": 1e6, "rope_local_base_freq": 1e4,
          "rope_scaling": {"rope_type": "linear", "factor": 8.0}}, "linear", 1e6, 1.0),
        ({"model_type": "gemma3_text"}, "default", 1e6, 1.0),
    ],
)  # fmt: skip
def test_how_positions_turn(tmp_path, settings, kind, theta, share):
    rope = read(tmp_path, **settings).rope()
    assert (rope.kind, rope.theta, rope.share) == (kind, theta, share)
    if settings["model_type"] == "gemma3_text":
        local = read(tmp_path, **settings).rope("sliding_attention")
        assert (local.kind, local.theta) == ("default", 1e4)


@pytest.mark.parametrize(
    ("settings", "sliding"),
    [
        ({"model_type": "gemma2", "num_hidden_layers": 4}, "1010"),
        ({"model_type": "gemma3_text", "num_hidden_layers": 7}, "1111101"),
        ({"model_type": "gemma3_text", "num_hidden_layers": 4, "sliding_window_pattern": 2}, "1010"),
        ({"model_type": "mistral", "num_hidden_layers": 2}, "11"),
        ({"model_type": "mistral", "num_hidden_layers": 2, "sliding_window": None}, "00"),
        ({"model_type": "qwen2", "num_hidden_layers": 3}, "000"),
        ({"model_type": "qwen2", "num_hidden_layers": 3, "use_sliding_window": True, "max_window_layers": 2}, "001"),
        ({"model_type": "qwen3", "num_hidden_layers": 2, "layer_types": ["sliding_attention", "full_attention"]}, "10"),
    ],
)
def test_which_layers_have_a_window(tmp_path, settings, sliding):
    types = read(tmp_path, **settings).layer_types
    assert "".join(str(int(one == "sliding_attention")) for one in types) == sliding
