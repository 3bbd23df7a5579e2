"""Adapters that peft made elsewhere: computed as peft computes them, with the base as it is when they are off, or refused by name."""

import dataclasses
import json
import warnings
from pathlib import Path

import numpy as np
import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from pete.adapter import HONOURED, REFUSED
from pete.config import Config, LoraConfig, ModelConfig
from pete.data.batch import Batch
from pete.data.render import Rendered
from pete.engines.fake import END, byte_tokenizer
from pete.engines.torch.engine import TorchEngine
from pete.errors import AdapterError, ConfigError
from tests.engines import DEVICE

EIGHT = Batch(np.arange(8, dtype=np.int32), np.arange(8) > 3, (8,))

IDS = [1, 2, 3, 4, 5]


@pytest.fixture(scope="module")
def bases(tiny_models, tmp_path_factory) -> dict[str, Path]:
    """The tiny models, and a GPT-2, whose layers are Conv1D."""
    folder = tmp_path_factory.mktemp("conv") / "gpt2"
    torch.manual_seed(1)
    shape = GPT2Config(vocab_size=257, n_embd=48, n_layer=2, n_head=4, n_positions=256, eos_token_id=256, bos_token_id=256)
    GPT2LMHeadModel(shape).save_pretrained(folder)
    byte_tokenizer().save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    return tiny_models | {"gpt2": folder}


def engine_for(base: Path, adapter: Path | None = None) -> TorchEngine:
    engine = TorchEngine(Config.model_validate({"engine": {"device": DEVICE}, "lora": {"dropout": 0.0}}))
    engine.load(ModelConfig(base=str(base), dtype="float32"), adapter)
    return engine


def logits_of(model) -> np.ndarray:
    with torch.no_grad():
        return model.eval()(torch.tensor([IDS])).logits[0, -1].numpy()


def by_peft(base: Path, folder: Path, **fields: object) -> np.ndarray:
    """An adapter that peft made and filled, saved into `folder`; returns peft's logits with it."""
    settings = {"r": 4, "lora_alpha": 8, "task_type": "CAUSAL_LM", "target_modules": ["q_proj", "up_proj"], **fields}
    model = peft.get_peft_model(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), peft.LoraConfig(**settings))  # type: ignore
    torch.manual_seed(2)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_" in name:
                parameter.normal_(0, 0.2)
    model.peft_config["default"].base_model_name_or_path = base.name
    model.save_pretrained(folder)
    return logits_of(model)


def test_every_field_that_peft_has_is_honoured_or_refused():
    """A new peft with a new field fails here, and its adapters are refused until somebody has looked."""
    fields = {field.name for field in dataclasses.fields(peft.LoraConfig)}
    assert len(fields) > 40
    assert fields == HONOURED | set(REFUSED)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"rank_pattern": {"up_proj": 2}, "alpha_pattern": {"q_proj": 32}},
        {"use_rslora": True, "lora_dropout": 0.3},
        {"exclude_modules": ["model.layers.0.mlp.up_proj"]},
        {"layers_to_transform": [1], "layers_pattern": "layers"},
        {"target_modules": r".*layers\.0\..*(q|v)_proj"},
        {"target_modules": "all-linear"},
        {"init_lora_weights": "gaussian"},
        {"init_lora_weights": "orthogonal"},
        {"init_lora_weights": "mica"},
        {"init_lora_weights": False, "fan_in_fan_out": True, "ensure_weight_tying": True},
    ],
    ids=str,
)
def test_what_is_honoured_computes_as_peft_does_and_goes_back_to_peft(bases, tmp_path, fields):
    base, alone = bases["llama"], engine_for(bases["llama"]).logits(IDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = by_peft(base, tmp_path / "theirs", **fields)
    engine = engine_for(base, tmp_path / "theirs")
    np.testing.assert_allclose(engine.logits(IDS), expected, atol=2e-5)
    assert np.abs(expected - alone).max() > 1e-2
    engine.adapter_active = False
    np.testing.assert_allclose(engine.logits(IDS), alone, atol=1e-6)
    engine.save(tmp_path / "ours", with_optimizer=False)
    again = peft.PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), tmp_path / "ours")
    np.testing.assert_allclose(logits_of(again), expected, atol=2e-5)


def test_an_adapter_that_eva_began_is_plain_lora(bases, tmp_path):
    expected = by_peft(bases["llama"], tmp_path / "a")
    settings = tmp_path / "a" / "adapter_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"init_lora_weights": "eva", "eva_config": {"rho": 2.0}}))
    np.testing.assert_allclose(engine_for(bases["llama"], tmp_path / "a").logits(IDS), expected, atol=2e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_files_load(bases, tmp_path, dtype):
    expected = by_peft(bases["llama"], tmp_path / "a")
    file = tmp_path / "a" / "adapter_model.safetensors"
    save_file({name: value.to(dtype) for name, value in load_file(file).items()}, file, {"format": "pt"})
    np.testing.assert_allclose(engine_for(bases["llama"], tmp_path / "a").logits(IDS), expected, atol=2e-2)


@pytest.mark.parametrize("layer", ["lm_head", "embed_tokens"])
def test_adapted_heads_and_embeddings_are_refused_by_name(bases, tmp_path, layer):
    with pytest.warns(UserWarning):
        by_peft(bases["llama"], tmp_path / "a", target_modules=["q_proj", layer])
    with pytest.raises(AdapterError, match=layer) as error:
        engine_for(bases["llama"], tmp_path / "a")
    assert "merge it into its base" in error.value.hint


def test_a_target_that_the_base_has_not_is_no_traceback(bases, tmp_path):
    by_peft(bases["llama"], tmp_path / "a")
    settings = tmp_path / "a" / "adapter_config.json"
    for change in ({"target_modules": ["query_key_value"]}, {"target_modules": 3}, {"r": "four"}, {"layers_to_transform": [9]}):
        written = settings.read_text()
        settings.write_text(json.dumps(json.loads(written) | change))
        with pytest.raises(AdapterError, match="does not fit"):
            engine_for(bases["llama"], tmp_path / "a")
        settings.write_text(written)


@pytest.mark.parametrize(
    ("shape", "target", "offered"),
    [
        ("llama", "lm_head", "q_proj"),
        ("llama", "embed_tokens", "q_proj"),
        ("gpt_neox", "embed_out", "query_key_value"),
        ("gpt2", "wte", "c_attn"),
    ],
)
def test_targets_that_cannot_be_trained_are_refused_before_anything_costs(bases, shape, target, offered):
    engine = engine_for(bases[shape])
    lora = LoraConfig(rank=4, targets=(offered, target))
    plan = TorchEngine(Config.model_validate({"engine": {"device": DEVICE}}))
    model = ModelConfig(base=str(bases[shape]), dtype="float32")
    for ask in (
        lambda: engine.add_lora(lora),
        lambda: plan.estimate(engine.base, model, lora, largest=EIGHT, typical=EIGHT, scored=None),
    ):
        with pytest.raises(ConfigError, match=target) as error:
            ask()
        assert offered in error.value.hint and target not in error.value.hint.replace("all-linear", "")


@pytest.mark.parametrize("kind", ["mixtral", "qwen2_moe"])
def test_experts_are_left_alone_by_everything_linear_and_refused_by_name(tmp_path, kind):
    shared = {"vocab_size": 257, "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2,
              "intermediate_size": 16, "eos_token_id": 256, "bos_token_id": 256}  # fmt: skip
    own = {"num_local_experts": 2} if kind == "mixtral" else {"num_experts": 2, "num_experts_per_tok": 1, "moe_intermediate_size": 8}
    AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **shared, **own)).save_pretrained(tmp_path)
    byte_tokenizer().save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    engine = engine_for(tmp_path)
    engine.add_lora(LoraConfig(rank=2, dropout=0.1))
    names = {name.split(".lora_")[0].rsplit(".", 1)[-1] for name in engine._trainable()}
    assert names >= {"q_proj", "k_proj", "v_proj", "o_proj"} and not names & {"gate_proj", "up_proj", "down_proj", "experts"}
    for target in ("gate_proj", "w1"):
        with pytest.raises(ConfigError, match=target) as error:
            engine_for(tmp_path).add_lora(LoraConfig(rank=2, targets=("q_proj", target)))
        assert "o_proj" in error.value.hint and "down_proj" not in error.value.hint


def test_everything_linear_leaves_the_head_out(bases):
    for shape, base in bases.items():
        engine = engine_for(base)
        engine.add_lora(LoraConfig(rank=4))
        names = {name.split(".lora_")[0].rsplit(".", 1)[-1] for name in engine._trainable()}
        assert len(names) >= 3 and not names & {"lm_head", "embed_out", "embed_tokens", "wte", "wpe", "embed_in"}, shape


def test_conv1d_trains_the_right_way_round_and_peft_reads_it(bases, tmp_path):
    """GPT-2's weights are [in, out]: gradients and logits as peft's, square layers (c_proj) and others."""
    engine = engine_for(bases["gpt2"])
    engine.add_lora(LoraConfig(rank=4, alpha=8.0, dropout=0.0, targets=("c_attn", "c_proj", "c_fc")))
    rng = np.random.default_rng(0)
    row = Rendered(rng.integers(0, 256, 30).astype(np.int32), np.arange(30) >= 15, 15)
    for _ in range(3):
        engine.train_step([Batch.of([row])], 1e-2)
    engine.save(tmp_path / "a", with_optimizer=False)
    base = AutoModelForCausalLM.from_pretrained(bases["gpt2"], dtype=torch.float32, attn_implementation="eager")
    theirs = peft.PeftModel.from_pretrained(base, tmp_path / "a", is_trainable=True)
    np.testing.assert_allclose(engine.logits(IDS), logits_of(theirs), atol=2e-5)
    ids = torch.from_numpy(row.ids.astype(np.int64))[None]
    torch.nn.functional.cross_entropy(theirs(ids).logits[0, 14:-1], ids[0, 15:], reduction="sum").backward()
    engine._losses(Batch.of([row])).sum().backward()
    grads = {name: p.grad.cpu() for name, p in engine._trainable().items()}
    compared = {name: p.grad for name, p in theirs.named_parameters() if p.requires_grad}
    assert len(compared) == len(grads) == 16
    for name, grad in compared.items():
        torch.testing.assert_close(grads[name], grad, rtol=2e-3, atol=2e-5)
