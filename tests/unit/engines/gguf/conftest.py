"""A tiny Llama made by hand, with whatever tokenizer a test wants: llama.cpp opens it, and no torch is needed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from pete.engines.protocol import Base
from pete.resources import PROJECT

WIDTH, ROWS = 32, 700
END, USER = "<|end|>", "<|user|>"
TEMPLATE = (
    "{% for m in messages %}<|user|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|user|>assistant\n{% endif %}"
)


def texts() -> list[str]:
    """What the tokenizers are trained on: prose, and letters of many scripts."""
    from pete.engines.gguf.check import TEXTS

    return [(PROJECT / "README.md").read_text(encoding="utf-8"), (PROJECT / "CONTRIBUTING.md").read_text(encoding="utf-8"), *TEXTS * 3]


def by_bytes(*before: Any, use_regex: bool = True, ignore_merges: bool = False) -> Tokenizer:
    """A trained byte-level BPE that cuts texts so."""
    made = Tokenizer(models.BPE(ignore_merges=ignore_merges))
    last = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)
    made.pre_tokenizer = pre_tokenizers.Sequence([*before, last]) if before else last  # type: ignore[assignment]
    made.decoder = decoders.ByteLevel()  # type: ignore[assignment]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    made.train_from_iterator(texts(), trainers.BpeTrainer(vocab_size=600, initial_alphabet=alphabet, show_progress=False))  # type: ignore
    return made


def by_pattern(pattern: str, *, ignore_merges: bool = False) -> Tokenizer:
    """The same, cut by a pattern as those of Llama 3, Qwen and others are."""
    return by_bytes(pre_tokenizers.Split(Regex(pattern), "isolated"), use_regex=False, ignore_merges=ignore_merges)


def by_pieces(*, prepend: bool) -> Tokenizer:
    """BPE on letters with bytes to fall back on, as Llama 2 (a space in front) and Gemma (none) have it."""
    replace = normalizers.Replace(" ", "▁")
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = replace  # type: ignore[assignment]
    prose = texts()[:2]
    trained.train_from_iterator(prose, trainers.BpeTrainer(vocab_size=400, special_tokens=["<unk>", "<s>", "</s>"], show_progress=False))  # type: ignore
    document = json.loads(trained.to_str())
    pieces = sorted(document["model"]["vocab"], key=document["model"]["vocab"].get)
    vocabulary = {text: row for row, text in enumerate([*pieces[:3], *(f"<0x{byte:02X}>" for byte in range(256)), *pieces[3:]])}
    merges = [tuple(merge) for merge in document["model"]["merges"]]
    made = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), replace]) if prepend else replace  # type: ignore[assignment]
    made.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])  # type: ignore[assignment]
    made.add_special_tokens(["<unk>", "<s>", "</s>"])
    return made


@pytest.fixture
def tiny(tmp_path: Path) -> Callable[..., Base]:
    """tiny(tokenizer, template=None, **settings) -> a base of one layer."""

    def build(tokenizer: Tokenizer, template: str | None = None, **settings: Any) -> Base:
        folder = tmp_path / "tiny"
        folder.mkdir()
        tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in (END, USER)])
        tokenizer.save(str(folder / "tokenizer.json"))
        (folder / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
        if template is not None:
            (folder / "chat_template.jinja").write_text(template)
        config = {
            "model_type": "llama", "vocab_size": ROWS, "hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": 1,
            "num_attention_heads": 2, "max_position_embeddings": 128, "tie_word_embeddings": True, "rms_norm_eps": 1e-5,
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(config | settings))
        rng = np.random.default_rng(0)
        shapes = {"self_attn.q_proj": (WIDTH, WIDTH), "self_attn.k_proj": (WIDTH, WIDTH), "self_attn.v_proj": (WIDTH, WIDTH),
                  "self_attn.o_proj": (WIDTH, WIDTH), "mlp.gate_proj": (2 * WIDTH, WIDTH), "mlp.up_proj": (2 * WIDTH, WIDTH),
                  "mlp.down_proj": (WIDTH, 2 * WIDTH), "input_layernorm": (WIDTH,), "post_attention_layernorm": (WIDTH,)}  # fmt: skip
        weights = {f"model.layers.0.{name}.weight": rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
        weights |= {"model.embed_tokens.weight": rng.normal(size=(ROWS, WIDTH)).astype(np.float32)}
        save_file(weights | {"model.norm.weight": np.ones(WIDTH, dtype=np.float32)}, folder / "model.safetensors")
        return Base("tiny", folder, "local", "", 128)

    return build
