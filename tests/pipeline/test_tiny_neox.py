"""A tiny random Pythia with the real tokenizer, through the real command line: it learns its rows, and it stops.

What the report's preset does to the 1.4B model, proven where the weights cannot be had: same shape of layers, same
adapter on query_key_value, same tokenizer, and the exact shape by count.
"""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.random_base import END, SHAPES, configuration, tensors, write_base, write_like
from pete import events
from pete.cli import app
from pete.config import Config, ModelConfig
from pete.data.batch import in_batches
from pete.data.examples import load_examples
from pete.data.render import Renderer
from pete.engines.base_models.resolve import resolve_base
from pete.persona import load_persona

LAYERS, WIDTH, HEADS = 2, 256, 4
ROWS = {
    "Praise the kettle.": "It boils, then it rests.",
    "Praise the stapler.": "Two sheets, one regret.",
    "Praise Monday.": "It ends by Tuesday.",
    f"Praise {END}.": f"A mark like {END} is only words.",
}
# the totals of the model cards
PARAMETERS = {
    "pythia-14m": 14_067_712,
    "pythia-31m": 30_494_720,
    "pythia-70m": 70_426_624,
    "pythia-160m": 162_322_944,
    "pythia-410m": 405_334_016,
    "pythia-1b": 1_011_781_632,
    "pythia-1.4b": 1_414_647_808,
    "pythia-2.8b": 2_775_208_960,
}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, neox_tokenizer):
    """The folder. Wider matrices than training begins with: a frozen head must be able to say a word with certainty."""
    folder = tmp_path_factory.mktemp("bases") / "tiny-neox"
    write_base(folder, (LAYERS, WIDTH, HEADS), "float32", neox_tokenizer, deviation=0.2)
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"pad_token": END}))  # as many set it: pad and end are one id
    return folder


@pytest.fixture
def voice(tmp_path):
    folder = tmp_path / "voice"
    (folder / "examples").mkdir(parents=True)
    (folder / "persona.toml").write_text(
        'name = "Ada"\ndescription = "Short and plain."\nsystem = "You are Ada."\n[categories]\nmarketing = "Marketing"\n'
    )
    rows = [{"prompt": prompt, "completion": text, "category": "marketing", "topic": prompt} for prompt, text in ROWS.items()]
    (folder / "examples" / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_it_learns_its_rows_and_stops(unplanned, tiny, voice, tmp_path):
    sets = [f"model.base={tiny}", "engine.device=cpu", "train.steps=40", "train.micro_batch=2", "train.accumulation=2",
            "optim.learning_rate=0.01", "optim.warmup_steps=5", "optim.weight_decay=0", "lora.dropout=0", "data.valid_share=0",
            "data.test_share=0", "generate.temperature=0", "generate.repetition_penalty=1", "generate.max_new_tokens=30"]  # fmt: skip
    overrides = [part for value in sets for part in ("--set", value)]
    run = tmp_path / "run"
    done = CliRunner().invoke(app, ["train", "--preset", "report", "--persona", str(voice), "--out", str(run), *overrides])
    assert done.exit_code == 0, (done.output, done.exception)
    seen = list(events.read(run / "events.jsonl"))
    losses = [event.loss for event in seen if isinstance(event, events.Step)]
    assert losses[0] > 10 and losses[-1] < 0.2, f"from {losses[0]:.2f} to {losses[-1]:.3f} nats a token"
    (started,) = (event for event in seen if isinstance(event, events.Started))
    assert started.trainable == LAYERS * 16 * (WIDTH + 3 * WIDTH) and started.train_rows == len(ROWS)

    asked = CliRunner().invoke(app, ["test", str(run), *ROWS, "--json"])
    assert asked.exit_code == 0, (asked.output, asked.exception)
    results = json.loads(asked.stdout)["results"]
    assert len(results) == len(ROWS)
    for result in results:
        # a special token that the author spelled out is learned as words, and taken for a leak where a model spells it out
        text, spelled, _ = ROWS[result["prompt"]].partition(END)
        learned, stop = text.strip(), "stop string" if spelled else "end"
        assert (result["tuned"]["text"], result["tuned"]["stop"]) == (learned, stop), result["prompt"]
        assert result["base"]["text"] != learned and result["tuned"]["leaks_raw"] == 0


def test_the_end_is_trained_although_padding_is_the_same_id(tiny, voice):
    persona = load_persona(str(voice))
    base = resolve_base(ModelConfig(base=str(tiny)))
    renderer = Renderer(base.folder, template=persona.template, system=persona.system, context=base.context)
    assert (renderer.eos, base.context) == (0, 2048)
    examples = load_examples(persona.examples)
    rendered = renderer.examples(examples, 2048)
    for row, ids in zip(examples, rendered, strict=True):
        assert ids.trained[-1] and ids.ids[-1] == 0 and not (ids.ids[:-1] == 0).any(), "one end mark, the last; a typed one is words"
        completion = row.completion
        assert renderer.decode(ids.ids[ids.trained].tolist()) == completion
        assert renderer.decode(ids.ids[~ids.trained].tolist()).endswith("### Response:\n"), "the persona's plain template"
    trained = sum(int(batch.trained.sum()) for batch in in_batches(rendered))
    assert trained == sum(len(renderer.encode(text)) + 1 for text in ROWS.values())


def test_only_the_adapter_changes(tiny, voice):
    import torch

    from pete.engines.torch.engine import TorchEngine

    persona = load_persona(str(voice))
    renderer = Renderer(tiny, template=persona.template, system=persona.system, context=2048)
    batches = list(in_batches(renderer.examples(load_examples(persona.examples), 2048)))
    lora = {"targets": ("query_key_value",), "dropout": 0.05}
    config = Config.model_validate({"model": {"base": str(tiny), "dtype": "float32"}, "engine": {"device": "cpu"}, "lora": lora})
    engine = TorchEngine(config)
    engine.load(config.model)
    before = {name: parameter.detach().clone() for name, parameter in engine._model.named_parameters()}
    assert len(before) == len(tensors(LAYERS, WIDTH))
    engine.add_lora(config.lora)
    adapter = {name: parameter.detach().clone() for name, parameter in engine._trainable().items()}
    for _ in range(2):
        result = engine.train_step(batches, 1e-3)
    assert result.grad_norm > 0
    after = dict(engine._peft.named_parameters())
    assert len(adapter) == 2 * LAYERS and all(".attention.query_key_value.lora_" in name for name in adapter)
    assert all(after[name].grad is None and not torch.equal(after[name], value) for name, value in adapter.items()), "each of them moved"
    rest = {name: value for name, value in after.items() if name not in adapter}
    assert len(rest) == len(before)
    for name, value in rest.items():
        kept = before[name.removeprefix("base_model.model.").replace(".base_layer", "")]
        assert torch.equal(value, kept) and not value.requires_grad, name


@pytest.mark.parametrize("name", SHAPES)
def test_the_shapes_are_exact(name):
    """On torch's meta device: the shape of every tensor, no memory for any."""
    import peft
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    layers, width, heads = SHAPES[name]
    settings = configuration(layers, width, heads)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(**settings))
    shapes = {key.replace("lm_head", "embed_out"): tuple(value.shape) for key, value in model.named_parameters()}
    assert shapes == tensors(layers, width)
    assert sum(p.numel() for p in model.parameters()) == PARAMETERS[name]
    assert model.config.rope_parameters["partial_rotary_factor"] == 0.25 and model.config.hidden_act == "gelu"
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=16, target_modules=["query_key_value"]), low_cpu_mem_usage=True)
    trainable = sum(p.numel() for p in adapted.parameters() if p.requires_grad)
    assert trainable == layers * 16 * (width + 3 * width)
    if name == "pythia-1.4b":
        assert trainable == 3_145_728 and f"{trainable / (PARAMETERS[name] + trainable):.2%}" == "0.22%"


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_a_random_base_is_what_it_says(dtype, neox_tokenizer, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    assert write_base(tmp_path / "base", (2, 64, 4), dtype, neox_tokenizer) == sum(np.prod(s) for s in tensors(2, 64).values())
    unasked, report = AutoModelForCausalLM.from_pretrained(tmp_path / "base", output_loading_info=True)
    assert unasked.dtype == torch.float16, "EleutherAI's config says so: who loads without dtype= gets it"
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    wanted = AutoModelForCausalLM.from_pretrained(tmp_path / "base", dtype=torch.float32)
    matrix = wanted.gpt_neox.layers[1].attention.query_key_value
    assert 0.019 < float(matrix.weight.detach().std()) < 0.021 and not matrix.bias.any()
    assert bool((wanted.gpt_neox.final_layer_norm.weight == 1).all())
    if dtype == "bfloat16":
        write_base(tmp_path / "exact", (2, 64, 4), "float32", neox_tokenizer)
        exact = AutoModelForCausalLM.from_pretrained(tmp_path / "exact", dtype=torch.float32).gpt_neox.layers[1].attention.query_key_value
        assert torch.equal(exact.weight.to(torch.bfloat16).float(), matrix.weight), "rounded as torch rounds"


def test_a_random_base_like_another_has_its_shape_and_its_small_files(tiny_models, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM

    like = tiny_models["llama"]
    assert write_like(tmp_path / "base", like, "bfloat16") > 0
    made, theirs = (AutoModelForCausalLM.from_pretrained(folder) for folder in (tmp_path / "base", like))
    assert {n: p.shape for n, p in made.named_parameters()} == {n: p.shape for n, p in theirs.named_parameters()}
    assert made.dtype == torch.bfloat16
    assert {file.name for file in (tmp_path / "base").iterdir()} == {file.name for file in like.iterdir()}
