import json

import numpy as np
import pytest
from safetensors.numpy import save

from pete.cli.fetch_view import fetches_shown
from pete.config import ModelConfig
from pete.data.render import Renderer
from pete.engines.base_models.checks import check_folder
from pete.engines.base_models.resolve import look_up_base
from pete.engines.fake import END, byte_tokenizer
from pete.errors import BaseModelError

INDEX = json.dumps({"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}})
TENSORS = save({"w": np.arange(100, dtype=np.float32)})
LLAMA = {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "max_position_embeddings": 77}
TOKENIZER = {"tokenizer__json": byte_tokenizer().to_str(), "tokenizer_config__json": json.dumps({"eos_token": END})}


def folder(tmp_path, config: object = None, **files: str | bytes | None):
    """A model folder with a tokenizer; __ in a name stands for a dot, and None leaves a file out."""
    path = tmp_path / "base"
    path.mkdir(parents=True)
    files = {name: content for name, content in (TOKENIZER | files).items() if content is not None}
    if config is not None:
        (path / "config.json").write_bytes(content_of(config))
    for name, content in files.items():
        (path / name.replace("__", ".")).write_bytes(content_of(content))
    return path


def content_of(content: object) -> bytes:
    return content if isinstance(content, bytes) else (content if isinstance(content, str) else json.dumps(content)).encode()


@pytest.mark.parametrize(
    ("config", "files", "reason"),
    [
        (None, {"model__safetensors": TENSORS}, "no config.json"),
        ("{", {"model__safetensors": TENSORS}, "not JSON"),
        ("[]", {"model__safetensors": TENSORS}, "expected an object, found list"),
        ({}, {"model__safetensors": TENSORS}, "does not say what it is"),
        ({"model_type": ["llama"]}, {"model__safetensors": TENSORS}, "does not say what it is"),
        (b"\xff\xfe", {"model__safetensors": TENSORS}, "not JSON"),
        ({"auto_map": {"AutoModel": "x.y"}}, {"model__safetensors": TENSORS}, "run its own code"),
        ({"model_file": "x.py"}, {"model__safetensors": TENSORS}, "run its own code"),
        (LLAMA, {"pytorch_model__bin": b"x"}, "only pytorch_model.bin .pickle"),
        (LLAMA, {}, "found no weights"),
        (LLAMA, {"adapter_model__safetensors": TENSORS}, "expected model.safetensors, found adapter_model.safetensors"),
        (LLAMA, {"model__safetensors": TENSORS[:-1]}, "model.safetensors is damaged or cut short"),
        (LLAMA, {"model__safetensors__index__json": INDEX, "model-1__safetensors": TENSORS}, r"model-2.safetensors is missing .2 of 2"),
        (LLAMA, {"model__safetensors__index__json": INDEX.replace("model-2", "../x"), "model-1__safetensors": TENSORS}, "names '../x"),
        (LLAMA, {"model__safetensors__index__json": "[]"}, "not an index"),
    ],
)
def test_folders_that_are_refused_and_why(tmp_path, config, files, reason):
    path = folder(tmp_path, config, **files)
    for look in (lambda: check_folder(path), lambda: look_up_base(ModelConfig(base=str(path)))):
        with pytest.raises(BaseModelError, match=reason):
            look()


def refused(tmp_path, config: object = None, **files: str | bytes | None) -> str:
    with pytest.raises(BaseModelError) as error:
        look_up_base(ModelConfig(base=str(folder(tmp_path, config, **({"model__safetensors": TENSORS} | files)))))
    assert "\n" not in error.value.message and error.value.hint and "pip" not in error.value.hint
    return f"{error.value.message} / {error.value.hint}"


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}}, "bitsandbytes, 4 bit"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8}}, "gptq, 8 bit"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "awq, 4 bit"),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized"}}, "compressed-tensors"),
        ({"compression_config": {"format": "float-quantized"}}, "compressed-tensors"),
        ({"quantization": {"group_size": 64, "bits": 4}}, "MLX, 4 bit"),
        ({"quantization": "int8"}, "int8"),
        ({"text_config": {"quantization_config": {"quant_method": "mxfp4"}}}, "mxfp4"),
    ],
)
def test_quantized_bases_are_refused_by_their_method(tmp_path, settings, method):
    assert f"is quantized ({method})" in refused(tmp_path, LLAMA | settings)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint32])
def test_quantized_weights_that_no_setting_tells_of(tmp_path, kind):
    bare = save({"model.layers.0.mlp.down_proj.weight": np.zeros((4, 4), dtype=kind), "model.norm.weight": np.ones(4, dtype=np.float16)})
    assert "is quantized: model.layers.0.mlp.down_proj.weight is kept as" in refused(tmp_path, LLAMA, model__safetensors=bare)


def test_empty_marks_of_quantization_are_none_and_buffers_may_be_anything(tmp_path):
    tensors = save(
        {"w.weight": np.ones(4, dtype=np.float16), "attention.bias": np.ones(4, dtype=np.uint8), "ids": np.ones(4, dtype=np.int64)}
    )
    check_folder(folder(tmp_path, LLAMA | {"quantization_config": None, "quantization": {}}, model__safetensors=tensors))


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"model_type": "brandnewlm9", "architectures": ["BrandNewForCausalLM"]}, "model_type 'brandnewlm9', which is no language model"),
        ({"model_type": "vit", "architectures": ["ViTForImageClassification"]}, "model_type 'vit', which is no language model"),
        ({"model_type": "t5", "architectures": ["T5ForConditionalGeneration"]}, "(T5ForConditionalGeneration) is no plain language model"),
        ({"model_type": "bart", "architectures": ["BartModel"], "is_encoder_decoder": True}, "(BartModel) is no plain language model"),
        (
            {"model_type": "gemma3", "architectures": ["Gemma3ForConditionalGeneration"], "vision_config": {"x": 1}, "text_config": {}},
            "(Gemma3ForConditionalGeneration) also has a part for vision",
        ),
        ({"model_type": "qwen2_5_vl", "architectures": None, "vision_config": {"x": 1}}, "(qwen2_5_vl) also has a part for vision"),
        ({"model_type": "gemma3", "architectures": None}, "(Gemma3ForConditionalGeneration) has no head that writes text"),
        ({"model_type": "mistral", "architectures": ["MistralModel"]}, "(MistralModel) has no head that writes text"),
        ({"model_type": "qwen2", "architectures": ["Qwen2ForSequenceClassification"]}, "has no head that writes text"),
        ({"model_type": "bert", "architectures": ["BertForMaskedLM"]}, "has no head that writes text"),
    ],
)
def test_what_is_no_language_model_is_refused_by_name(tmp_path, settings, reason):
    assert reason in refused(tmp_path, LLAMA | settings)


def test_what_older_programs_call_the_class_is_still_a_language_model(tmp_path):
    check_folder(folder(tmp_path / "1", LLAMA | {"architectures": ["LLaMAForCausalLM"]}, model__safetensors=TENSORS))
    check_folder(folder(tmp_path / "2", LLAMA | {"architectures": None}, model__safetensors=TENSORS))
    check_folder(folder(tmp_path / "3", {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"]}, model__safetensors=TENSORS))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"tokenizer__model": b"\n\x0e"}, "a SentencePiece tokenizer only (tokenizer.model)"),
        ({"vocab__json": "{}", "merges__txt": ""}, "a tokenizer in two parts only"),
        ({"tekken__json": "{}"}, "tekken.json"),
        ({}, "has no tokenizer.json"),
    ],
)
def test_a_tokenizer_of_another_kind_is_named_with_the_way_out(tmp_path, files, reason):
    said = refused(tmp_path, LLAMA, tokenizer__json=None, **files)
    assert reason in said and ("save_pretrained" in said) == bool(files)
    with pytest.raises(BaseModelError) as error:
        Renderer(tmp_path / "base", template="x", system="", context=77)
    assert reason in error.value.message


def test_gguf_and_adapters_are_no_bases_and_it_is_said(tmp_path):
    assert "weights are only q4.gguf (GGUF" in refused(tmp_path / "1", q4__gguf=b"GGUF")
    assert "found only q4.gguf (GGUF" in refused(tmp_path / "2", LLAMA, model__safetensors=None, q4__gguf=b"GGUF")
    assert "weights are only consolidated.00.pth (pickle" in refused(tmp_path / "3", consolidated__00__pth=b"x", params__json="{}")
    said = refused(tmp_path / "4", adapter_config__json=json.dumps({"base_model_name_or_path": "acme/tiny"}))
    assert "is an adapter, not a base" in said and "--set model.base=acme/tiny" in said


@pytest.mark.parametrize(
    ("settings", "context"),
    [
        ({"n_positions": 256, "n_ctx": 1024}, 256),
        ({"seq_length": 300}, 300),
        ({"max_seq_len": 301}, 301),
        ({"n_ctx": 302}, 302),
        ({"model_max_length": 303}, 303),
        ({"context_length": 304}, 304),
        ({"text_config": {"max_position_embeddings": 305}}, 305),
        ({"max_position_embeddings": 131072, "rope_scaling": {"factor": 8.0, "original_max_position_embeddings": 8192}}, 131072),
        ({"max_position_embeddings": -1, "n_positions": 306}, 306),
        ({"max_position_embeddings": 999, "rope_scaling": {"type": "longrope"}, "original_max_position_embeddings": 99}, 99),
        ({"max_position_embeddings": 999, "rope_parameters": {"rope_type": "yarn", "original_max_position_embeddings": 99}}, 999),
    ],
)
def test_the_context_under_each_of_its_names(tmp_path, settings, context):
    path = folder(tmp_path, {"model_type": "llama"} | settings, model__safetensors=TENSORS)
    assert look_up_base(ModelConfig(base=str(path))).context == context


def test_a_context_that_nobody_names_is_assumed_aloud_and_once(tmp_path, capsys):
    path = folder(tmp_path, {"model_type": "llama", "model_max_length": 10**30}, model__safetensors=TENSORS)
    with fetches_shown():
        assert [look_up_base(ModelConfig(base=str(path))).context for _ in range(2)] == [2048, 2048]
    said = capsys.readouterr().err
    assert said.count("2048 assumed") == 1 and str(path) in said


def test_tokens_beyond_the_embedding_are_refused_unless_nothing_writes_them(tmp_path):
    tokenizer = byte_tokenizer()
    tokenizer.add_special_tokens(["<|im_start|>"])
    wider = tokenizer.to_str()
    template = json.dumps({"eos_token": END, "chat_template": "<|im_start|>{{ messages }}"})
    said = refused(tmp_path / "1", LLAMA | {"vocab_size": 257}, tokenizer__json=wider, tokenizer_config__json=template)
    assert "ids up to 257 ('<|im_start|>'), and the model up to 256: 1 token has no embedding" in said
    bare = LLAMA | {"vocab_size": 257}
    check_folder(folder(tmp_path / "2", bare, model__safetensors=TENSORS, tokenizer__json=wider))  # Gemma 3's token for pictures
    assert "no embedding" in refused(tmp_path / "3", bare, tokenizer__json=wider, chat_template__jinja="<|im_start|>")
    assert "ids up to 256 ('<|end|>'), and the model up to 255" in refused(tmp_path / "4", LLAMA | {"vocab_size": 256})
    assert "the model up to 99" in refused(tmp_path / "5", LLAMA | {"vocab_size": 100}, tokenizer_config__json="{}")
    check_folder(folder(tmp_path / "6", LLAMA | {"vocab_size": 50304}, model__safetensors=TENSORS))
    unigram = json.dumps({"model": {"type": "Unigram", "vocab": [["<unk>", 0.0], ["a", -1.0], ["b", -2.0]]}})
    assert "ids up to 2 ('b')" in refused(tmp_path / "7", LLAMA | {"vocab_size": 2}, tokenizer__json=unigram)
    assert "no tokenizer that can be read" in refused(tmp_path / "8", LLAMA | {"vocab_size": 2}, tokenizer__json="[]")


def test_a_folder_in_parts_is_whole(tmp_path):
    parts = {"model-1__safetensors": TENSORS, "model-2__safetensors": TENSORS}
    check_folder(folder(tmp_path, LLAMA, model__safetensors__index__json=INDEX, **parts))
