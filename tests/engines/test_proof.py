"""The proof finds nothing wrong with what is right, and each fault that an engine could have with a base is found by it."""

import json

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import causal_mask_function

from pete.config import Config, LoraConfig, ModelConfig
from pete.data.batch import Batch
from pete.engines.torch import kernels as torch_kernels
from pete.engines.torch.engine import TorchEngine
from pete.engines.torch.kernels import Cache, View, attend
from pete.engines.torch.proof import TOLERANCE, first_layers, layers_of_every_kind, measure, prove, prove_shape
from pete.errors import BaseModelError
from tests.engines import DEVICE
from tests.engines.architectures import build, engine_on

EIGHT = Batch(np.arange(8, dtype=np.int32), np.arange(8) > 3, (8,))

ALL_PAIRS = torch_kernels._all_pairs


def without(*names: str):
    """Attention that computes as if these settings were not there."""

    def all_pairs(query, key, value, mask, scaling, dropout, softcap, sinks):
        given = {"softcap": softcap, "sinks": sinks, "scaling": scaling} | dict.fromkeys(names)
        return ALL_PAIRS(query, key, value, mask, given["scaling"] or 1.0, dropout, given["softcap"], given["sinks"])

    return all_pairs


def sees_everything_before(*, mask_function, **_):
    return View(causal_mask_function, torch_kernels._LAYOUT.get())


def remembers_everything(self, rule, dtype):
    self._masks.clear()
    return MASK(self, causal_mask_function, dtype)


MASK = Cache.mask


def sees_the_neighbours(module, q, k, v, view, *, scaling, **_):
    if isinstance(view.layout, Cache):
        return attend(module, q, k, v, view, scaling=scaling)
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=scaling, enable_gqa=True).transpose(1, 2), None


FAULTS = {
    "windows are not kept": ("gemma3_text", ("mask", sees_everything_before)),
    "chunks are not kept": ("llama4_text", ("mask", sees_everything_before)),
    "windows are not kept while generating": ("gemma3_text", ("pete.engines.torch.kernels.Cache.mask", remembers_everything)),
    "soft caps of attention are left out": ("gemma2", ("pete.engines.torch.kernels._all_pairs", without("softcap"))),
    "sinks are left out": ("gpt_oss", ("pete.engines.torch.kernels._all_pairs", without("sinks"))),
    "scores are scaled as usual": ("granite", ("pete.engines.torch.kernels._all_pairs", without("scaling"))),
    "rows see each other": ("llama", ("attention", sees_the_neighbours)),
    "logits_scaling is left out": ("granite", ("pete.engines.torch.engine.is_plain", lambda _: True)),
    "logit_scale is left out": ("cohere", ("pete.engines.torch.engine.is_plain", lambda _: True)),
    "the soft cap of logits is left out": ("gemma2", ("pete.engines.torch.engine.is_plain", lambda _: True)),
}


@pytest.fixture
def break_it(monkeypatch):
    """break_it(fault): put a fault in its place for the length of a test."""

    def put(where: str, wrong: object) -> None:
        if where == "mask":
            monkeypatch.setitem(AttentionMaskInterface._global_mapping, "pete", wrong)
        elif where == "attention":
            monkeypatch.setitem(AttentionInterface._global_mapping, "pete", wrong)
        else:
            monkeypatch.setattr(where, wrong)

    return put


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(fault, dtype, break_it):
    name, (where, wrong) = FAULTS[fault]
    right = measure(engine_on(build(name), dtype)).widest[1]
    break_it(where, wrong)
    found = measure(engine_on(build(name), dtype)).widest[1]
    assert right < TOLERANCE[dtype] / 1.5 and found > 1.5 * TOLERANCE[dtype], f"{fault}: {right:.2g} {found:.2g}"


@pytest.fixture
def tiny(tiny_models):
    """tiny(**changes to config.json) -> ModelConfig of the tiny llama."""
    return ModelConfig(base=str(tiny_models["llama"]), dtype="float32")


def fresh() -> TorchEngine:
    return TorchEngine(Config.model_validate({"engine": {"device": DEVICE}, "train": {"epochs": 1}}))


def test_a_base_is_proven_once(tiny, tmp_path, monkeypatch):
    engine = fresh()
    engine.load(tiny)
    prove(engine, tmp_path)
    (kept,) = tmp_path.iterdir()
    assert json.loads(kept.read_text())["kind"] == "llama"
    monkeypatch.setattr("pete.engines.torch.proof.measure", lambda _: pytest.fail("it was proven already"))
    prove(engine, tmp_path)
    engine.dtype = "bfloat16"
    with pytest.raises(BaseException, match="proven already"):
        prove(engine, tmp_path)


class OnMac(torch.Tensor):
    """A tensor on a Mac's GPU, which has no float64."""

    def double(self):
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def test_a_proof_asks_no_gpu_for_float64(monkeypatch):
    usual = TorchEngine._losses
    monkeypatch.setattr(TorchEngine, "_losses", lambda engine, batch: usual(engine, batch).as_subclass(OnMac))
    assert measure(engine_on(build("llama"))).widest[1] < TOLERANCE["float32"]


def test_a_gap_is_told_with_kind_and_size_and_is_not_remembered(tiny, tmp_path, monkeypatch):
    engine = fresh()
    engine.load(tiny)
    monkeypatch.setattr("pete.engines.torch.kernels._all_pairs", without("scaling"))
    for _ in range(2):
        with pytest.raises(BaseModelError, match=r"llama is of the kind 'llama'.* 0?\.?\d.* of their spread apart") as error:
            prove(engine, tmp_path)
        assert "docs/engines.md" in error.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_base_computes_nan_itself(tmp_path):
    engine = engine_on(build("llama"))
    layer = engine._model.model.layers[1].mlp.down_proj
    with torch.no_grad():
        layer.weight[0, 0] = float("nan")
    with pytest.raises(BaseModelError, match=r"itself computes NaN: model\.layers\.1\.mlp\.down_proj\.weight") as error:
        prove(engine, tmp_path)
    assert "learning" not in error.value.hint


def test_a_base_that_overflows_deep_inside_computes_nan_itself(tmp_path):
    engine = engine_on(build("llama", num_hidden_layers=4))
    with torch.no_grad():
        engine._model.model.layers[3].mlp.down_proj.weight.fill_(1e38)
    with pytest.raises(BaseModelError, match="itself computes NaN: its logits of 8 tokens"):
        prove(engine, tmp_path)


def test_few_layers_and_every_kind_of_them():
    model = build("gemma3_text", num_hidden_layers=6, layer_types=["sliding_attention"] * 3 + ["full_attention"] * 3)
    assert layers_of_every_kind(model) == 4
    assert layers_of_every_kind(build("llama", num_hidden_layers=6)) == 2
    assert layers_of_every_kind(build("qwen3_moe", num_hidden_layers=6, mlp_only_layers=[4])) == 5
    short = first_layers(model, 4)
    assert len(short.model.layers) == 4 and len(model.model.layers) == 6
    assert short.model.layers[3].mlp.up_proj.weight is model.model.layers[3].mlp.up_proj.weight


def test_a_shape_is_proven_without_weights(tmp_path):
    """What is on the disk before a download: config.json."""
    for name in ("gemma2", "gpt_oss", "qwen3_moe", "gpt_neox", "phi3"):
        model = build(name)
        config = model.config
        config.num_hidden_layers = 5
        if getattr(config, "layer_types", None):
            config.layer_types = [config.layer_types[0]] * 3 + [config.layer_types[1]] * 2
        config.save_pretrained(tmp_path / name)
        base = look_up_base_of(tmp_path / name)
        prove_shape(fresh(), base, "float32", tmp_path / "proofs")
    assert len(list((tmp_path / "proofs").iterdir())) == 5


def look_up_base_of(folder):
    from pete.engines.protocol import Base

    return Base(folder.name, folder, "", folder.name, 128)


@pytest.mark.parametrize("name", ["bloom", "lfm2", "openai-gpt", "mamba"])
def test_a_shape_is_refused_before_anything_is_timed(name, tmp_path):
    build(name).config.save_pretrained(tmp_path)
    lora = LoraConfig(rank=4, alpha=8.0, dropout=0.0)
    with pytest.raises(BaseModelError, match=f"is of the kind '{name}', which Pete"):
        fresh().estimate(look_up_base_of(tmp_path), ModelConfig(dtype="float32"), lora, largest=EIGHT, typical=EIGHT, scored=None)
