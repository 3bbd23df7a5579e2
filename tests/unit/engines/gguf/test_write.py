"""The file: what is in it beside the weights, and that nothing half-written stays; its numbers are held in tests/engines."""

import json

import numpy as np
import pytest
from gguf import GGUFReader
from safetensors.numpy import load_file, save_file

from pete.adapter import Lineage, write_lineage, write_weights
from pete.engines.gguf import write, write_gguf
from pete.engines.gguf.known import is_ours
from pete.engines.llama.runtime import Weights
from pete.errors import UserError
from tests.unit.engines.gguf.conftest import END, ROWS, TEMPLATE, WIDTH, by_bytes


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PETE_CACHE", str(tmp_path / "cache"))


def fields(path) -> dict:
    return {name: field.contents() for name, field in GGUFReader(path).fields.items()}


def tensors(path) -> dict:
    return {tensor.name: (tensor.tensor_type.name, tensor.data) for tensor in GGUFReader(path).tensors}


def test_what_it_is_and_how_it_is_asked(tiny, tmp_path):
    base = tiny(by_bytes(), TEMPLATE)
    (base.folder / "README.md").write_text("---\nlicense: mit\nlanguage: en\n---\n# Tiny\n")
    (base.folder / "generation_config.json").write_text(json.dumps({"do_sample": True, "temperature": 0.6, "top_k": 20}))
    digest = write_gguf(base, None, tmp_path / "it.gguf", "q8_0")
    found = fields(tmp_path / "it.gguf")
    assert found["general.architecture"] == "llama" and found["general.name"] == "tiny" and found["general.license"] == "mit"
    assert found["general.file_type"] == 7 and found["llama.context_length"] == 128 and found["llama.vocab_size"] == ROWS
    assert found["general.sampling.temp"] == pytest.approx(0.6) and found["general.sampling.top_k"] == 20
    assert not [value for value in found.values() if str(tmp_path) in str(value)], "no path of this machine"
    assert is_ours(tmp_path / "it.gguf") and len(digest) == 64
    kinds = {name: kind for name, (kind, _) in tensors(tmp_path / "it.gguf").items()}
    assert kinds["token_embd.weight"] == "Q8_0" and kinds["blk.0.attn_norm.weight"] == "F32" and "output.weight" not in kinds


def test_an_adapter_brings_its_voice(tiny, tmp_path):
    base = tiny(by_bytes(), TEMPLATE)
    folder, rng = tmp_path / "adapter", np.random.default_rng(0)
    halves = {"lora_A": rng.normal(size=(2, WIDTH)), "lora_B": rng.normal(size=(WIDTH, 2))}
    write_weights(
        folder,
        {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "base_model_name_or_path": "tiny"},
        {f"base_model.model.model.layers.0.self_attn.v_proj.{half}.weight": value.astype(np.float32) for half, value in halves.items()},
    )
    made = dict.fromkeys(Lineage.__dataclass_fields__, "") | {"base": "tiny", "persona": "Ada", "rules": (), "stop": (), "avoid": ()}
    made |= {
        "categories": {},
        "limits": {},
        "formats": {},
        "prompt_format": {},
        "generate": {"temperature": 0.5, "repetition_penalty": 1.2},
    }
    write_lineage(folder, Lineage(**made))
    own = TEMPLATE.replace("assistant", "Ada")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_text((base.folder / name).read_text())
    (folder / "chat_template.jinja").write_text(own)
    write_gguf(base, folder, tmp_path / "it.gguf", "f32")
    found = fields(tmp_path / "it.gguf")
    assert found["general.name"] == "Ada on tiny" and found["tokenizer.chat_template"] == own
    assert found["general.sampling.temp"] == 0.5 and found["general.sampling.penalty_repeat"] == pytest.approx(1.2)
    write_gguf(base, None, tmp_path / "plain.gguf", "f32")
    tuned, plain = tensors(tmp_path / "it.gguf"), tensors(tmp_path / "plain.gguf")
    assert [name for name in plain if not np.array_equal(plain[name][1], tuned[name][1])] == ["blk.0.attn_v.weight"]
    difference = tuned["blk.0.attn_v.weight"][1] - plain["blk.0.attn_v.weight"][1]
    np.testing.assert_allclose(difference, halves["lora_B"] @ halves["lora_A"], rtol=1e-4, atol=1e-4)


def test_a_head_that_is_the_embedding_again_is_left_out(tiny, tmp_path):
    base = tiny(by_bytes())
    weights = load_file(base.folder / "model.safetensors")
    save_file(weights | {"lm_head.weight": weights["model.embed_tokens.weight"].copy()}, base.folder / "model.safetensors")
    write_gguf(base, None, tmp_path / "it.gguf", "f32")
    assert "output.weight" not in tensors(tmp_path / "it.gguf")
    save_file(weights | {"lm_head.weight": -weights["model.embed_tokens.weight"]}, base.folder / "model.safetensors")
    write_gguf(base, None, tmp_path / "it.gguf", "f32")
    assert "output.weight" in tensors(tmp_path / "it.gguf")


@pytest.mark.parametrize(("name", "shown"), [("my-Phi-3-voice", "my-Phi 3-voice"), ("phi3", "phi 3"), ("smollm", "smollm")])
def test_a_name_does_not_change_how_texts_are_read(tiny, tmp_path, name, shown):
    """By a name with phi-3 in it llama.cpp strips white space, and looks for a token that others do not have."""
    write_gguf(tiny(by_bytes(), TEMPLATE), None, tmp_path / "it.gguf", "f32", name=name)
    weights = Weights(tmp_path / "it.gguf", gpu=False)
    assert weights.metadata("general.name") == shown and len(weights.tokenize(f"{END} \n a")) > 2


def test_nothing_half_written_stays(tiny, tmp_path, monkeypatch):
    base = tiny(by_bytes())
    (tmp_path / "it.gguf").write_text("the old one")
    with pytest.raises(UserError, match="no kind of GGUF called 'q3'"):
        write_gguf(base, None, tmp_path / "it.gguf", "q3")
    monkeypatch.setattr(write, "_in", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        write_gguf(base, None, tmp_path / "it.gguf", "f16")
    assert (tmp_path / "it.gguf").read_text() == "the old one" and [p.name for p in tmp_path.glob("*gguf*")] == ["it.gguf"]
    assert not list(tmp_path.glob(".*gguf*"))
