"""Every kind with a GGUF map: what llama.cpp computes from the file is what transformers and peft compute, adapter in it or not.

`docs/engines.md` gets its table from here.
"""

import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import peft
import pytest
import torch

from pete.adapter import write_weights
from pete.engines.base_models.embedded import embedded_base
from pete.engines.gguf import write_gguf
from pete.engines.gguf.architectures import ARCHITECTURES
from pete.engines.llama.runtime import Context, Weights
from pete.engines.protocol import Base
from pete.errors import BaseModelError
from pete.resources import PROJECT
from tests.engines.architectures import SLIDING, WINDOW, build
from tests.unit.engines.gguf.conftest import END, TEMPLATE, USER, by_bytes, by_pieces

PAGE = PROJECT / "docs" / "engines.md"
CONTEXT, VOCABULARY = 256, 700
SHAPE = {"vocab_size": VOCABULARY, "hidden_size": 64, "head_dim": 16, "intermediate_size": 96}
LLAMA3 = {"rope_type": "llama3", "rope_theta": 1e4, "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
          "original_max_position_embeddings": 32}  # fmt: skip
LONG = {"rope_type": "longrope", "rope_theta": 1e4, "partial_rotary_factor": 0.75, "original_max_position_embeddings": CONTEXT,
        "long_factor": [4.0] * 6, "short_factor": [1.0, 1.1, 1.2, 1.3, 1.5, 2.0]}  # fmt: skip
NOPE = {"num_hidden_layers": 4, "no_rope_layers": [1, 1, 1, 0], "use_sliding_window": False, "sliding_window": None, "layer_types": None}
PLAIN = {"use_sliding_window": False, "sliding_window": None, "layer_types": None}

CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "gemma2": ("gemma2", {}),
    "gemma3_text": ("gemma3_text", {}),
    "gemma3_text, every third layer sees all": (
        "gemma3_text", {"num_hidden_layers": 4, "layer_types": [*SLIDING["layer_types"][:1] * 2, "full_attention", "sliding_attention"]},
    ),
    "gpt_neox": ("gpt_neox", {}),
    "gpt_neox, one after the other": ("gpt_neox", {"use_parallel_residual": False, "rotary_pct": 1.0}),
    "granite": ("granite", {}),
    "llama": ("llama", {}),
    "llama, llama3 angles, biases, own head": (
        "llama", {"rope_parameters": LLAMA3, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": False},
    ),
    "llama, linear angles": ("llama", {"rope_parameters": {"rope_type": "linear", "rope_theta": 1e4, "factor": 4.0}}),
    "mistral": ("mistral", {"sliding_window": None}),
    "mistral, window": ("mistral", {}),
    "phi3": ("phi3", {"sliding_window": None}),
    "phi3, longrope": ("phi3", {"sliding_window": None, "rope_parameters": LONG, "max_position_embeddings": 4 * CONTEXT,
                                "original_max_position_embeddings": CONTEXT}),
    "phi3, window": ("phi3", {}),
    "qwen2": ("qwen2", PLAIN),
    "qwen2, window": ("qwen2", {}),
    "qwen3": ("qwen3", PLAIN),
    "qwen3, window": ("qwen3", {}),
    "smollm3": ("smollm3", NOPE),
}  # fmt: skip
"""What is tried -> kind, and what of its shape is not as in the tests of the torch engine."""
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "gpt2": ("gpt2", {}, "of the kind 'gpt2', which Pete has no GGUF map for"),
    "olmo2": ("olmo2", {}, "of the kind 'olmo2', which Pete has no GGUF map for"),
    "gemma2, another scale": ("gemma2", {"query_pre_attn_scalar": 24}, "query_pre_attn_scalar = 24"),
    "gemma3_text, layers that do not repeat": (
        "gemma3_text", {"num_hidden_layers": 3, "layer_types": ["sliding_attention", "full_attention", "full_attention"]}, "do not repeat",
    ),
    "llama, dynamic angles": ("llama", {"rope_parameters": {"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0}}, "'dynamic'"),
    "qwen2, yarn": ("qwen2", {**PLAIN, "rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0,
                    "original_max_position_embeddings": 64}}, "'yarn'"),
    "llama, another activation": ("llama", {"hidden_act": "relu"}, "hidden_act = 'relu'"),
    "smollm3, angles left out elsewhere": ("smollm3", {**NOPE, "no_rope_layers": [1, 0, 1, 0]}, "no_rope_layers"),
}  # fmt: skip
GAPS = {"f32": 1e-4, "f16": 5e-2}
"""Largest difference of a logit, as a share of the logits' spread."""
ROUGHER = {"gpt_neox": 5e-3, "gemma2": 5e-3, "gemma3_text": 5e-3}
"""llama.cpp looks its GELU up in a table of half precision."""
IDS = np.random.default_rng(0).integers(3, 590, WINDOW + 17)


def model_of(kind: str, settings: dict[str, Any]) -> Any:
    shape = SHAPE | ({"query_pre_attn_scalar": 16} if kind.startswith("gemma") else {}) | settings
    model = build(kind, **shape)
    with torch.no_grad():  # as narrow as real ones are: half precision is not to be told apart by luck
        for parameter in model.parameters():
            parameter.mul_(0.5 if parameter.dim() > 1 else 1.0)
    model.config._attn_implementation = "eager"
    return model


def saved(model: Any, folder: Path) -> Base:
    """The model's folder with a tokenizer: of pieces for a Gemma or Phi-3, of bytes for the others."""
    model.save_pretrained(folder)
    tokenizer = by_pieces(prepend=False) if model.config.model_type[:3] in ("gem", "phi") else by_bytes()
    tokenizer.add_special_tokens([END, USER])
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text('{"eos_token": "<|end|>"}')
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return Base("tiny", folder, "local", "", CONTEXT)


def random_adapter(model: Any, folder: Path) -> Path:
    """An adapter on every linear layer of the body, which says something."""
    rng = np.random.default_rng(1)
    head = model.get_output_embeddings()
    layers = {name: m for name, m in model.named_modules() if isinstance(m, torch.nn.Linear) and m is not head}
    halves = {}
    for name, layer in layers.items():
        halves[f"base_model.model.{name}.lora_A.weight"] = rng.normal(0, 0.2, (4, layer.in_features)).astype(np.float32)
        halves[f"base_model.model.{name}.lora_B.weight"] = rng.normal(0, 0.2, (layer.out_features, 4)).astype(np.float32)
    targets = sorted({name.rpartition(".")[2] for name in layers})
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "tiny", "r": 4, "lora_alpha": 8}
    write_weights(folder, settings | {"target_modules": targets}, halves)
    return folder


def logits_of(path: Path, ids: np.ndarray) -> np.ndarray:
    """float32 [ids the file's context holds, vocabulary]"""
    weights = Weights(path, gpu=False)
    count = min(len(ids), weights.context)
    context = Context(weights, rows=1, length=count, exact=True)
    try:
        return context.decode(ids[:count].tolist(), range(count), [0] * count, [True] * count).copy()
    finally:
        context.close()
        weights.close()


def gap(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found - wanted[: len(found)]).max() / wanted.std())


@pytest.mark.parametrize("case", CASES)
def test_the_same_logits(tmp_path, case):
    kind, settings = CASES[case]
    model = model_of(kind, settings)
    base = saved(model, tmp_path / "base")
    adapter = random_adapter(model, tmp_path / "adapter")
    ids = torch.from_numpy(IDS)[None]
    with torch.no_grad():
        plain = model(ids, use_cache=False).logits[0].numpy()
        tuned = peft.PeftModel.from_pretrained(model, adapter).eval()(ids, use_cache=False).logits[0].numpy()
    assert gap(plain, tuned) > 0.1, "the adapter does nothing"
    for wanted, with_adapter in ((plain, None), (tuned, adapter)):
        for name, allowed in GAPS.items():
            write_gguf(base, with_adapter, tmp_path / "it.gguf", name)
            found = logits_of(tmp_path / "it.gguf", IDS)
            assert len(found) == (WINDOW if "window" in case else len(IDS)), "the context is cut to a window llama.cpp does not know"
            assert gap(found, wanted) < max(allowed, ROUGHER.get(kind, 0.0)), (name, with_adapter)
    assert not list(tmp_path.glob(".*gguf*"))


@pytest.mark.parametrize("case", REFUSED)
def test_what_llama_cpp_computes_otherwise_is_refused_by_name(tmp_path, case):
    kind, settings, message = REFUSED[case]
    base = saved(model_of(kind, settings), tmp_path / "base")
    with pytest.raises(BaseModelError, match=re.escape(message)) as error:
        write_gguf(base, None, tmp_path / "it.gguf", "f16")
    assert "--to merged" in error.value.hint and not list(tmp_path.glob("*gguf*"))


def test_the_embedded_base(tmp_path):
    """The real one, exact, in eight bits and in four; every kind there is: tests/unit/engines/gguf and test_exports.py."""
    import transformers

    base = embedded_base()
    model = transformers.AutoModelForCausalLM.from_pretrained(base.folder, dtype=torch.float32, attn_implementation="eager")
    text = "<|im_start|>user\nWhere is my order? It's been 12 days.<|im_end|>\n<|im_start|>assistant\nYour order is on its way"
    ids = np.array(transformers.AutoTokenizer.from_pretrained(base.folder)(text).input_ids)
    with torch.no_grad():
        wanted = model(torch.from_numpy(ids)[None]).logits[0].numpy()
    divergences = {}
    for kind, allowed in {"f32": 1e-4, "q8_0": 0.5, "q4_k_m": 2.0}.items():
        path = tmp_path / f"{kind}.gguf"
        write_gguf(base, None, path, kind)
        weights = Weights(path, gpu=False)
        assert weights.tokenize(text) == ids.tolist()
        weights.close()
        found = logits_of(path, ids)
        assert gap(found, wanted) < allowed, kind
        p, q = (torch.from_numpy(x).double().log_softmax(-1) for x in (wanted, found))
        divergences[kind] = float((p.exp() * (p - q)).sum(-1).mean())
        path.unlink()
    assert divergences["f32"] < 1e-8 and divergences["q8_0"] < 0.01 < divergences["q4_k_m"] < 0.2


def table() -> str:
    """What the tests above hold, as docs/engines.md shows it."""
    lines = ["| kind in a GGUF | llama.cpp calls it | verdict | tried with |", "|---|---|---|---|"]
    for kind, line in sorted(ARCHITECTURES.items()):
        tried = [case.partition(", ")[2] for case, (of, _) in CASES.items() if of == kind]
        lines.append(f"| {kind} | {line.name} | the same logits | {'; '.join(one for one in tried if one)} |")
    for case, (kind, _, _) in sorted(REFUSED.items()):
        lines.append(f"| {kind} | | refused | {case.partition(', ')[2]} |")
    return "\n".join(lines)


def test_the_page_has_this_table():
    assert {kind for kind, _ in CASES.values()} == ARCHITECTURES.keys()
    page = PAGE.read_text(encoding="utf-8")
    made = re.sub(r"\| kind in a GGUF .*?\|(?=\n\n|\n?\Z)", lambda _: table(), page, flags=re.S)
    if os.environ.get("PETE_WRITE_DOCS"):
        PAGE.write_text(made, encoding="utf-8")
    assert table() in made and PAGE.read_text(encoding="utf-8") == made
