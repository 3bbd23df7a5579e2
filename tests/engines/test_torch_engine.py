"""The torch engine against transformers and peft themselves: what we compute differently must come out the same."""

import gc
import json
import shutil
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM
from transformers.masking_utils import chunked_causal_mask_function

from pete.config import Config, LoraConfig, ModelConfig
from pete.data.batch import Batch
from pete.data.render import Rendered
from pete.engines.base_models.resolve import look_up_base
from pete.engines.fake import byte_tokenizer
from pete.engines.torch.engine import TorchEngine
from pete.engines.torch.forecast import kept_beside
from pete.engines.torch.kernels import BUCKET, PADDED_UP_TO, Packed, lora_linear, round_up, token_losses
from pete.errors import AdapterError, BaseModelError, ConfigError, WorkError
from tests.engines import DEVICE


def engine_for(folder: Path, adapter: Path | None = None, dtype: str = "float32", recompute: bool = False) -> TorchEngine:
    train = {"epochs": 1, "gradient_checkpointing": recompute}
    engine = TorchEngine(Config.model_validate({"engine": {"device": DEVICE}, "lora": {"dropout": 0.0}, "train": train}))
    engine.load(ModelConfig(base=str(folder), dtype=dtype), adapter)  # type: ignore[arg-type]
    return engine


def test_the_old_weights_are_gone_before_new_ones_come(tiny_models, monkeypatch):
    """Verifying an adapter at the end of a night loads the base again: two copies of it would be the highest point of the run."""
    engine = engine_for(tiny_models["gpt_neox"])
    engine.add_lora(LoraConfig(rank=4, alpha=8.0, dropout=0.0))
    engine.train_step([Batch.of(rows_of([8]))], 1e-3)
    old = weakref.ref(engine._model)
    read, seen = AutoModelForCausalLM.from_pretrained, []

    def reading(*args: object, **kwargs: object) -> object:
        seen.append(old())
        return read(*args, **kwargs)

    monkeypatch.setattr("pete.engines.torch.engine.AutoModelForCausalLM.from_pretrained", reading)
    gc.disable()  # nobody comes by chance
    try:
        engine.load(ModelConfig(base=str(tiny_models["gpt_neox"]), dtype="float32"))
    finally:
        gc.enable()
    assert seen == [None]


def rows_of(lengths: list[int]) -> list[Rendered]:
    rng = np.random.default_rng(0)
    return [Rendered(rng.integers(0, 256, n).astype(np.int32), np.arange(n) >= n // 2, n) for n in lengths]


@pytest.mark.parametrize("shape", ["llama", "gpt_neox"])
@pytest.mark.parametrize("lengths", [[7, 31, 12], [40], [64, 64]])
def test_packed_losses_and_gradients_equal_the_reference(tiny_models, shape, lengths, tmp_path):
    """Examples end to end through our kernels against one example at a time through transformers + peft."""
    engine = engine_for(tiny_models[shape])
    engine.add_lora(LoraConfig(rank=4, alpha=8.0, dropout=0.0))
    rows = rows_of(lengths)
    for _ in range(3):
        engine.train_step([Batch.of(rows)], 1e-2)  # B is zero at first: give both halves gradients
    engine.save(tmp_path / "adapter", with_optimizer=False)

    base = AutoModelForCausalLM.from_pretrained(tiny_models[shape], dtype=torch.float32, attn_implementation="eager")
    reference = peft.PeftModel.from_pretrained(base, tmp_path / "adapter", is_trainable=True)
    nats, total = [], sum(int(r.trained.sum()) for r in rows)
    for r in rows:
        ids = torch.from_numpy(r.ids.astype(np.int64))[None]
        logits = reference(input_ids=ids).logits[0, :-1]
        losses = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")[torch.from_numpy(r.trained[1:])]
        (losses.sum() / total).backward()
        nats.append(float(losses.sum()))
    assert engine.loss(Batch.of(rows)).nats == pytest.approx(nats, rel=1e-4)

    losses = engine._losses(Batch.of(rows))
    (losses.sum() / total).backward()
    ours = {name: p.grad.cpu() for name, p in engine._trainable().items()}
    theirs = {name: p.grad for name, p in reference.named_parameters() if p.requires_grad}
    assert len(ours) == len(theirs) > 0
    for name, grad in theirs.items():
        torch.testing.assert_close(ours[name], grad, rtol=2e-3, atol=2e-5)


@pytest.mark.parametrize("shape", ["llama", "gpt_neox"])
def test_long_examples_take_the_other_path_to_the_same_numbers(tiny_models, shape, monkeypatch):
    engine = engine_for(tiny_models[shape])
    rows = rows_of([33, 90, 5])
    short = engine.loss(Batch.of(rows)).nats
    monkeypatch.setattr("pete.engines.torch.kernels.PADDED_UP_TO", 1)
    assert PADDED_UP_TO > 90
    assert engine.loss(Batch.of(rows)).nats == pytest.approx(short, rel=1e-5)


@pytest.mark.parametrize("shape", ["llama", "gpt_neox"])
@pytest.mark.parametrize("alone", [False, True])
def test_what_all_rows_begin_with_is_computed_once_and_counts_for_each(tiny_models, shape, alone, monkeypatch):
    """Losses and gradients are those of rows that share nothing; a shared token may be trained, and a row be nothing else."""
    rows = rows_of([33, 90, 5, 60])
    for row in rows:
        row.ids[:5] = rows[0].ids[:5]
    batch, read, found = Batch.of(rows), [], {}
    assert batch.shared == 5 and any(row.trained[:5].any() for row in rows)
    if alone:
        monkeypatch.setattr("pete.engines.torch.kernels.PADDED_UP_TO", 1)
    usual = TorchEngine._hidden

    def counted(self, ids, *args):
        read.append(ids.numel())
        return usual(self, ids, *args)

    monkeypatch.setattr(TorchEngine, "_hidden", counted)
    engine = engine_for(tiny_models[shape])
    engine.add_lora(LoraConfig(rank=4, alpha=8.0, dropout=0.0))
    engine.train_step([batch], 1e-2)  # so that both matrices have something to say
    for shared in (5, 0):
        batch.__dict__["shared"] = shared
        read.clear()
        losses = engine._losses(batch)
        losses.sum().backward()
        found[shared] = losses.detach(), {name: p.grad for name, p in engine._trainable().items()}
        engine._peft.zero_grad()
        assert read == [round_up(sum(batch.lengths) - 3 * shared, BUCKET)]
    torch.testing.assert_close(found[5][0], found[0][0], rtol=1e-5, atol=1e-6)
    for name, grad in found[0][1].items():
        torch.testing.assert_close(found[5][1][name], grad, rtol=1e-3, atol=1e-5 * float(grad.abs().max()) + 1e-7)


def test_examples_do_not_see_each_other(tiny_models):
    engine = engine_for(tiny_models["llama"])
    a, b, c = rows_of([20, 30, 25])
    assert engine.loss(Batch.of([a, b])).nats[0] == pytest.approx(engine.loss(Batch.of([a, c])).nats[0], rel=1e-6)
    assert engine.loss(Batch.of([b, a])).nats[1] == pytest.approx(engine.loss(Batch.of([c, a])).nats[1], rel=1e-6)


@pytest.fixture
def on_device():
    """Tensors are made on the device that is tested."""
    with torch.device(DEVICE):
        yield


@pytest.mark.usefixtures("on_device")
def test_lora_linear_equals_autograd():
    torch.manual_seed(1)
    x, w, bias = torch.randn(2, 5, 6, requires_grad=True), torch.randn(7, 6), torch.randn(7)
    a, b = torch.randn(3, 6, requires_grad=True), torch.randn(7, 3, requires_grad=True)
    expected = x @ w.t() + bias + 0.5 * (x @ a.t()) @ b.t()
    torch.testing.assert_close(lora_linear(x, w, bias, a, b, 0.5, 0.0), expected)
    g = torch.randn_like(expected)
    wanted = torch.autograd.grad(expected, (x, a, b), g)
    found = torch.autograd.grad(lora_linear(x, w, bias, a, b, 0.5, 0.0), (x, a, b), g)
    for mine, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.usefixtures("on_device")
def test_dropout_drops_its_share_scales_the_rest_and_backpropagates_the_same_mask():
    torch.manual_seed(2)
    n, p = 400, 0.25
    x, w = torch.ones(1, n, n, requires_grad=True), torch.zeros(n, n)
    a, b = torch.eye(n, requires_grad=True), torch.eye(n, requires_grad=True)
    y = lora_linear(x, w, None, a, b, 1.0, p)
    kept = y != 0
    assert kept.float().mean().item() == pytest.approx(1 - p, abs=0.01)
    torch.testing.assert_close(y[kept], torch.full_like(y[kept], 1 / (1 - p)))
    (grad,) = torch.autograd.grad(y, x, torch.ones_like(y))
    torch.testing.assert_close(grad, kept.float() / (1 - p))


@pytest.mark.usefixtures("on_device")
def test_token_losses_equal_cross_entropy_over_many_slices():
    torch.manual_seed(3)
    head = torch.nn.Linear(8, 50, bias=False)
    head.requires_grad_(False)
    hidden, labels = torch.randn(700, 8, requires_grad=True), torch.randint(0, 50, (700,))
    expected = torch.nn.functional.cross_entropy(head(hidden), labels, reduction="none")
    found = token_losses(hidden, head, labels)
    torch.testing.assert_close(found, expected)
    weights = torch.rand(700)
    torch.testing.assert_close(
        torch.autograd.grad((found * weights).sum(), hidden)[0], torch.autograd.grad((expected * weights).sum(), hidden)[0]
    )


def test_only_the_adapter_trains_and_it_stays_float32(tiny_models):
    engine = engine_for(tiny_models["gpt_neox"], dtype="bfloat16")
    count = engine.add_lora(LoraConfig(rank=4, alpha=8.0, dropout=0.0, targets=("query_key_value",)))
    assert count == 2 * 4 * (48 + 144)  # two layers of A [4, 48] and B [144, 4]
    trainable = engine._trainable()
    assert all("lora_" in name and "query_key_value" in name and p.dtype == torch.float32 for name, p in trainable.items())
    engine.train_step([Batch.of(rows_of([20]))], 1e-3)
    assert {p.dtype for p in engine._model.parameters()} == {torch.bfloat16, torch.float32}


def test_unknown_target_names_the_layers_that_exist(tiny_models):
    engine = engine_for(tiny_models["gpt_neox"])
    with pytest.raises(ConfigError) as error:
        engine.add_lora(LoraConfig(targets=("q_proj",)))
    assert "query_key_value" in error.value.hint


def test_adapter_of_another_shape_is_refused(tiny_models, tmp_path):
    engine = engine_for(tiny_models["llama"])
    engine.add_lora(LoraConfig(rank=4))
    engine.save(tmp_path / "a", with_optimizer=False)
    settings = tmp_path / "a" / "adapter_config.json"
    settings.write_text(settings.read_text().replace('"r": 4', '"r": 8'))
    with pytest.raises(AdapterError, match="does not fit"):
        engine_for(tiny_models["llama"], tmp_path / "a")


def test_saved_config_names_the_base_and_no_folder_of_this_machine(tiny_models, tmp_path):
    engine = engine_for(tiny_models["llama"])
    engine.add_lora(LoraConfig(rank=4))
    engine.save(tmp_path / "a", with_optimizer=True)
    text = (tmp_path / "a" / "adapter_config.json").read_text()
    assert str(tiny_models["llama"].parent) not in text and '"base_model_name_or_path": "llama"' in text


def kept_for_backward(engine: TorchEngine, batch: Batch) -> int:
    """Bytes that autograd saves in a forward pass, the weights left out; the backward pass then runs."""
    seen = {p.untyped_storage().data_ptr() for p in engine._model.parameters()}
    sizes: list[int] = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in seen:
            seen.add(storage.data_ptr())
            sizes.append(storage.nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
        losses = engine._losses(batch)
    losses.sum().backward()
    return sum(sizes)


@pytest.mark.parametrize("shape", ["llama", "gpt_neox"])
def test_gradient_checkpointing_keeps_less_and_computes_the_same(tiny_models, shape):
    kept, grads = {}, {}
    for recompute in (False, True):
        engine = engine_for(tiny_models[shape], recompute=recompute)
        engine.add_lora(LoraConfig(rank=4, alpha=8.0, dropout=0.0))
        batch = Batch.of(rows_of([31, 20]))
        engine.train_step([batch], 1e-2)
        engine.loss(batch)
        engine._peft.train()
        kept[recompute] = kept_for_backward(engine, batch)
        grads[recompute] = {name: p.grad.clone() for name, p in engine._trainable().items()}
    assert kept[True] < kept[False] / 2
    assert len(grads[True]) > 0
    for name, grad in grads[False].items():
        torch.testing.assert_close(grads[True][name], grad, rtol=1e-5, atol=1e-7)


def test_a_rule_with_numbers_of_its_own_is_followed_on_every_device():
    """Llama 4's chunks: transformers keeps the left padding on the model's device, and a forecast's has no numbers."""
    masks = {}
    for device in {"cpu", DEVICE, "meta"}:
        packed = Packed.of([12, 5], torch.device(device), torch.float32)
        masks[device] = packed.mask(chunked_causal_mask_function(4, torch.zeros(1, dtype=torch.int64, device=device)))
        assert masks[device] is not None and masks[device].device.type == device
    assert masks["meta"].shape == masks["cpu"].shape
    assert torch.equal(masks[DEVICE].cpu(), masks["cpu"])
    assert (masks["cpu"][6] == 0).nonzero().flatten().tolist() == [4, 5, 6]


@pytest.mark.parametrize("shape", ["llama", "gpt_neox"])
def test_a_forecast_counts_weights_and_adapter_exactly_and_activations_by_length(tiny_models, shape):
    lora = LoraConfig(rank=4, alpha=8.0, dropout=0.0)
    real = engine_for(tiny_models[shape])
    trainable = real.add_lora(lora)
    found = {}
    for length, recompute in ((40, False), (120, False), (120, True)):
        engine = engine_for(tiny_models[shape], recompute=recompute)
        found[length, recompute] = engine.estimate(
            engine.base,
            ModelConfig(base=str(tiny_models[shape]), dtype="float32"),
            lora,
            largest=Batch.of(rows_of([length])),
            typical=Batch.of(rows_of([20])),
            scored=None,
        )  # fmt: skip
    parts = found[40, False].parts
    assert parts["weights"] == real.parameters * 4
    assert parts["adapter"] == trainable * 16, "float32: itself, its gradient, two moments"
    assert found[120, False].parts["activations"] > 2 * parts["activations"] > 0
    assert found[120, True].parts["activations"] < found[120, False].parts["activations"]
    assert kept_beside(DEVICE, parts["activations"]).items() <= parts.items()
    assert found[40, False].tokens_per_second > 0 and found[40, False].available > 0


@pytest.mark.parametrize("shape", ["llama", "gpt_neox"])
def test_a_long_row_among_short_ones_is_planned_as_the_rectangle_it_is(tiny_models, shape):
    """What the plan counts without computing holds what a real step keeps; and the mixed batch needs more with fewer tokens."""
    lora, planned, kept = LoraConfig(rank=4, alpha=8.0, dropout=0.0), {}, {}
    for lengths in ((240, *[20] * 7), (60,) * 8):
        engine = engine_for(tiny_models[shape])
        parts = engine.estimate(
            engine.base,
            ModelConfig(base=str(tiny_models[shape]), dtype="float32"),
            lora,
            largest=Batch.of(rows_of([*lengths])),
            typical=None,
            scored=None,
        ).parts  # fmt: skip
        engine.add_lora(lora)
        engine._peft.train()
        planned[lengths], kept[lengths] = parts["activations"], kept_for_backward(engine, Batch.of(rows_of(list(lengths))))
        assert kept[lengths] <= planned[lengths] < 2 * kept[lengths]
    mixed, even = planned
    assert sum(mixed) < sum(even) and planned[mixed] > 2 * planned[even]


def broken(folder: Path, to: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> Path:
    shutil.copytree(folder, to / folder.name)
    tensors = load_file(to / folder.name / "model.safetensors")
    change(tensors)
    save_file(tensors, to / folder.name / "model.safetensors", {"format": "pt"})
    return to / folder.name


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda t: t.pop("model.layers.1.mlp.down_proj.weight"), "model.layers.1.mlp.down_proj.weight is missing"),
        (lambda t: t.pop("model.embed_tokens.weight"), "model.embed_tokens.weight is missing"),
        (lambda t: t.update({"model.layers.0.mlp.gate.weight": torch.ones(2)}), "model.layers.0.mlp.gate.weight is extra"),
        (lambda t: t.update({"model.layers.2.mlp.up_proj.weight": torch.ones(2)}), "model.layers.2.mlp.up_proj.weight is extra"),
        (
            lambda t: t.update({"model.norm.weight": torch.ones(40)}),
            r"model.norm.weight is \[40\] and should be \[48\]",
        ),
        (lambda t: [t.pop(name) for name in sorted(t)[3:9]], "and 3 more"),
    ],
)
def test_a_base_that_is_not_whole_is_refused_by_its_tensors_before_and_at_load(tiny_models, tmp_path, change, reason):
    """transformers would put new random numbers there, other ones at each start."""
    folder = broken(tiny_models["llama"], tmp_path, change)
    model = ModelConfig(base=str(folder), dtype="float32")
    engine = TorchEngine(Config.model_validate({"engine": {"device": DEVICE}}))
    with pytest.raises(BaseModelError, match=reason) as error:
        engine.estimate(
            look_up_base(model), model, LoraConfig(rank=4), largest=Batch.of(rows_of([8])), typical=Batch.of(rows_of([8])), scored=None
        )
    assert "is no whole llama" in error.value.message and "\n" not in error.value.message
    with pytest.raises(BaseModelError, match=reason):
        engine.load(model)


def test_what_transformers_itself_leaves_aside_is_neither_missing_nor_extra(tiny_models, tmp_path):
    """A tied head is not in the file, and old files keep the rotary table of each layer."""
    folder = broken(
        tiny_models["llama"], tmp_path, lambda t: t.update({"model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(6)})
    )  # fmt: skip
    assert "lm_head.weight" not in load_file(folder / "model.safetensors")
    np.testing.assert_allclose(engine_for(folder).logits([1, 2]), engine_for(tiny_models["llama"]).logits([1, 2]), atol=1e-6)


def test_tokens_without_an_embedding_are_refused_where_only_the_weights_tell(tiny_models, tmp_path):
    folder = tmp_path / "llama"
    shutil.copytree(tiny_models["llama"], folder)
    tokenizer = byte_tokenizer()
    tokenizer.add_tokens(["<new>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = json.loads((folder / "config.json").read_text())
    del settings["vocab_size"]  # llama's own default is 32000, and the weights say 257
    (folder / "config.json").write_text(json.dumps(settings))
    with pytest.raises(BaseModelError, match=r"embed_tokens.weight is \[257, 48\] and should be \[32000, 48\]"):
        engine_for(folder)
    (folder / "config.json").write_text(json.dumps(settings | {"vocab_size": 257}))
    with pytest.raises(BaseModelError, match="ids up to 257"):
        engine_for(folder)


@pytest.mark.parametrize("wrong", [{"hidden_size": "wide"}, {"num_attention_heads": 0}, {"hidden_act": "no such thing"}])
def test_a_config_that_transformers_cannot_build_is_a_sentence(tiny_models, tmp_path, wrong):
    folder = tmp_path / "llama"
    shutil.copytree(tiny_models["llama"], folder)
    settings = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(settings | wrong))
    model = ModelConfig(base=str(folder), dtype="float32")
    engine = TorchEngine(Config.model_validate({"engine": {"device": DEVICE}}))
    with pytest.raises(BaseModelError) as error:
        engine.estimate(
            look_up_base(model), model, LoraConfig(rank=4), largest=Batch.of(rows_of([8])), typical=Batch.of(rows_of([8])), scored=None
        )
    assert "llama" in error.value.message and "\n" not in error.value.message
    with pytest.raises(BaseModelError):
        engine.load(model)


def test_memory_that_ran_out_is_told_with_the_micro_batch_it_ran_out_in(tiny_models, monkeypatch):
    engine = engine_for(tiny_models["llama"])
    engine.add_lora(LoraConfig(rank=4))
    small, wide = Batch.of(rows_of([8])), Batch.of(rows_of([60, 4, 4]))
    losses = engine._losses

    def full(batch: Batch) -> object:
        if batch is wide:
            raise RuntimeError("MPS backend out of memory (allocated 17 GB)")
        return losses(batch)

    monkeypatch.setattr(engine, "_losses", full)
    with pytest.raises(WorkError, match="3 rows and 68 tokens, the longest row 60: MPS backend") as error:
        engine.train_step([small, wide, small], 1e-3)
    assert "train.micro_batch=1" in error.value.hint and "checkpoints so far are good" in error.value.hint
