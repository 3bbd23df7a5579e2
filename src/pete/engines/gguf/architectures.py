"""What llama.cpp wants to know of each kind of model, and what has to be done to its weights: one table, one line of it a kind.

Names of tensors are those of the package gguf. What llama.cpp computes otherwise than transformers is refused by name.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from gguf import MODEL_ARCH, MODEL_ARCH_NAMES, MODEL_TENSOR, MODEL_TENSORS, get_tensor_name_map

from pete.engines.gguf.settings import Settings
from pete.engines.protocol import Base
from pete.errors import BaseModelError

ELSEWHERE = "exported with --to merged (a folder for transformers) or --to adapter it still works"

Change = Callable[[np.ndarray, Settings], np.ndarray]


def interleave(value: np.ndarray, settings: Settings) -> np.ndarray:
    """Rows of queries or keys: transformers turns the halves of a head, llama.cpp's Llama pairs of neighbours."""
    return value.reshape(-1, 2, settings.head_dim // 2, *value.shape[1:]).swapaxes(1, 2).reshape(value.shape)


def split_heads(value: np.ndarray, settings: Settings) -> np.ndarray:
    """A fused projection: transformers has q, k, v of head after head, llama.cpp all of q, then all of k, then all of v."""
    heads = value.reshape(settings["num_attention_heads"], 3, settings.head_dim, *value.shape[1:])
    return heads.swapaxes(0, 1).reshape(value.shape)


def plus_one(value: np.ndarray, settings: Settings) -> np.ndarray:
    """A norm that transformers keeps as the distance from one."""
    return value + np.float32(1)


@dataclass(frozen=True)
class Architecture:
    """How llama.cpp takes one kind of model."""

    arch: MODEL_ARCH
    more: Mapping[str, str] = field(default_factory=dict)
    """Key of the file's metadata, without the architecture in front -> key of config.json; beside COMMON."""
    changes: Mapping[str, Change] = field(default_factory=dict)
    """Pattern of transformers' names -> what is done to the weight."""
    only: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    """Key of config.json -> the values that llama.cpp computes."""
    windows: bool = False
    """llama.cpp computes its sliding windows; else the context is cut to the window, within which they say nothing."""

    @property
    def name(self) -> str:
        """llama.cpp's name of it."""
        return MODEL_ARCH_NAMES[self.arch]


COMMON = {
    "embedding_length": "hidden_size", "block_count": "num_hidden_layers", "feed_forward_length": "intermediate_size",
    "attention.head_count": "num_attention_heads", "vocab_size": "vocab_size",
}  # fmt: skip
RMS = {"attention.layer_norm_rms_epsilon": "rms_norm_eps"}
TURNED = {r"\.(q|k)_proj\.(weight|bias)$": interleave}
SILU = {"hidden_act": ("silu",)}
NO_BIAS = {"attention_bias": (None, False), "mlp_bias": (None, False)}
GEMMA = {"hidden_activation": ("gelu_pytorch_tanh",), "attention_bias": (None, False), "use_bidirectional_attention": (None, False)}

ARCHITECTURES: dict[str, Architecture] = {
    "llama": Architecture(MODEL_ARCH.LLAMA, RMS, TURNED, SILU),
    "mistral": Architecture(MODEL_ARCH.LLAMA, RMS, TURNED, SILU),
    "granite": Architecture(MODEL_ARCH.GRANITE, {**RMS, "attention.scale": "attention_multiplier", "logit_scale": "logits_scaling",
                            "embedding_scale": "embedding_multiplier", "residual_scale": "residual_multiplier"}, TURNED, SILU),
    "smollm3": Architecture(MODEL_ARCH.SMOLLM3, RMS, TURNED, SILU | NO_BIAS),
    "qwen2": Architecture(MODEL_ARCH.QWEN2, RMS, {}, SILU),
    "qwen3": Architecture(MODEL_ARCH.QWEN3, RMS, {}, SILU | NO_BIAS),
    "phi3": Architecture(MODEL_ARCH.PHI3, RMS, {}, SILU),
    "gemma2": Architecture(MODEL_ARCH.GEMMA2, {**RMS, "attn_logit_softcapping": "attn_logit_softcapping",
                           "final_logit_softcapping": "final_logit_softcapping"}, {r"norm\.weight$": plus_one}, GEMMA, windows=True),
    "gemma3_text": Architecture(MODEL_ARCH.GEMMA3, RMS, {r"norm\.weight$": plus_one},
                                {**GEMMA, "attn_logit_softcapping": (None,), "final_logit_softcapping": (None,)}, windows=True),
    "gpt_neox": Architecture(MODEL_ARCH.GPTNEOX, {"attention.layer_norm_epsilon": "layer_norm_eps",
                             "use_parallel_residual": "use_parallel_residual"}, {r"query_key_value\.": split_heads},
                             {"hidden_act": ("gelu", "gelu_new", "gelu_fast"), "attention_bias": (None, True),
                              "tie_word_embeddings": (None, False)}),
}  # fmt: skip
"""Kind of model (model_type) -> how llama.cpp takes it."""
ODD_SCALE = {"gemma2": 46, "gemma3_text": 62}
"""Kinds whose queries llama.cpp scales by the size of a head, but where there are so many layers: by width over heads."""


def architecture_of(base: Base, settings: Settings) -> Architecture:
    """The line of the table for a base.

    Raises:
        BaseModelError: there is none, or llama.cpp computes a part of it otherwise than transformers.
    """
    found = ARCHITECTURES.get(settings.kind)
    if found is None:
        raise BaseModelError(
            f"{base.name} is of the kind {settings.kind!r}, which Pete has no GGUF map for.",
            f"kinds with one: {', '.join(sorted(ARCHITECTURES))}; {ELSEWHERE}",
        )
    for key, allowed in found.only.items():
        if (value := settings.get(key)) not in allowed:
            raise _otherwise(base, f"{key} = {value!r}")
    types, layers = settings.layer_types, range(settings["num_hidden_layers"])
    if found.windows:
        period = _period(types)
        if any((types[layer] == "full_attention") != ((layer + 1) % period == 0) for layer in layers):
            raise _otherwise(base, "layer_types that do not repeat")
        if settings.kind == "gemma2" and None in (settings.get("attn_logit_softcapping"), settings.get("final_logit_softcapping")):
            raise _otherwise(base, "a Gemma 2 without soft caps")
        odd = len(layers) == ODD_SCALE[settings.kind]
        scaled = settings["hidden_size"] // settings["num_attention_heads"] if odd else settings.head_dim
        if settings["query_pre_attn_scalar"] != scaled:
            raise _otherwise(base, f"query_pre_attn_scalar = {settings['query_pre_attn_scalar']}")
    if settings.kind == "smollm3":
        turned = settings.get("no_rope_layers") or [(layer + 1) % settings.get("no_rope_layer_interval", 4) for layer in layers]
        if [bool(one) for one in turned] != [(layer + 1) % 4 != 0 for layer in layers]:
            raise _otherwise(base, f"no_rope_layers = {turned}")
    return found


def _otherwise(base: Base, what: str) -> BaseModelError:
    return BaseModelError(f"{base.name} has {what}, which llama.cpp computes otherwise than transformers, or not at all.", ELSEWHERE)


def _period(types: list[str]) -> int:
    """Every how many layers one sees all."""
    return types.index("full_attention") + 1 if "full_attention" in types else len(types) + 1


def metadata(base: Base, settings: Settings, architecture: Architecture) -> dict[str, Any]:
    """Key of the file -> value, of the model's shape; keys without the architecture's name in front.

    Raises:
        BaseModelError: positions are turned in a way that llama.cpp does not know.
    """
    made: dict[str, Any] = {key: settings[name] for key, name in (COMMON | dict(architecture.more)).items()}
    made |= {"attention.head_count_kv": settings.kv_heads, "attention.key_length": settings.head_dim}
    made["attention.value_length"] = settings.head_dim
    made["context_length"] = base.context
    types, window = settings.layer_types, settings.get("sliding_window")
    if architecture.windows:
        made |= {"attention.sliding_window": window, "attention.sliding_window_pattern": _period(types)}
    elif window and "sliding_attention" in types:
        made["context_length"] = min(base.context, window)
    rope = settings.rope()
    turned = int(settings.head_dim * rope.share)
    if turned % 2:
        raise _otherwise(base, f"positions that turn {turned} of a head's {settings.head_dim} numbers")
    made |= {"rope.dimension_count": turned, "rope.freq_base": rope.theta}
    if settings.kind == "gemma3_text":
        local = settings.rope("sliding_attention")
        made["rope.freq_base_swa"] = local.theta
        if local.kind != "default":
            raise _otherwise(base, f"sliding layers with rope_type = {local.kind!r}")
    original = rope.given["original_max_position_embeddings"]
    match rope.kind:
        case "default" | "llama3":
            pass
        case "linear":
            made |= {"rope.scaling.type": "linear", "rope.scaling.factor": float(rope.given["factor"])}
        case "longrope":
            factor = rope.given.get("factor") or settings["max_position_embeddings"] / original
            scaled = math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0
            made |= {"rope.scaling.attn_factor": float(rope.given.get("attention_factor") or scaled)}
            made |= {"rope.scaling.original_context_length": original}
            if settings.kind != "phi3":
                made["rope.scaling.type"] = "longrope"
        case _:
            raise _otherwise(base, f"rope_type = {rope.kind!r}")
    if rope.kind in ("llama3", "longrope"):
        needed = MODEL_TENSOR.ROPE_FREQS if rope.kind == "llama3" else MODEL_TENSOR.ROPE_FACTORS_LONG
        if needed not in MODEL_TENSORS[architecture.arch]:
            raise _otherwise(base, f"rope_type = {rope.kind!r}")
    return made


def extra_tensors(settings: Settings) -> dict[str, np.ndarray]:
    """Tensors that llama.cpp wants and transformers computes when it loads: by how much each angle is slowed, float32."""
    rope = settings.rope()
    if rope.kind == "longrope":
        kinds = ("long", "short")
        return {f"rope_factors_{kind}.weight": np.array(rope.given[f"{kind}_factor"], dtype=np.float32) for kind in kinds}
    if rope.kind != "llama3":
        return {}
    size = int(settings.head_dim * rope.share)
    waves = 2 * math.pi * rope.theta ** (np.arange(0, size, 2) / size)
    factor, original = rope.given["factor"], rope.given["original_max_position_embeddings"]
    low, high = (rope.given[f"{end}_freq_factor"] for end in ("low", "high"))
    smooth = np.clip((original / waves - low) / (high - low), 0, 1)
    return {"rope_freqs.weight": (1 / ((1 - smooth) / factor + smooth)).astype(np.float32)}


def tensor_names(names: list[str], base: Base, settings: Settings, architecture: Architecture) -> dict[str, str]:
    """The file's name of each tensor -> transformers' name, in llama.cpp's usual order: embedding, layers, the rest.

    Raises:
        BaseModelError: a weight that llama.cpp has no place for.
    """
    known = get_tensor_name_map(architecture.arch, settings["num_hidden_layers"])
    made = {known.get_name(name, try_suffixes=(".weight", ".bias")) or "": name for name in names}
    if lost := [name for name in names if name not in made.values() or name == made.get("")]:
        raise BaseModelError(f"{base.name} has a weight {lost[0]}, which llama.cpp's {architecture.name} has no place for.", ELSEWHERE)
    return dict(sorted(made.items(), key=lambda pair: _order(pair[0])))


def _order(name: str) -> tuple[int, int, str]:
    layer = layer_of(name)
    return (1 if layer is not None else 0 if name.startswith("token_embd") else 2, layer or 0, name)


def layer_of(name: str) -> int | None:
    """The number of the layer that a tensor of the file belongs to; None for those outside."""
    found = re.match(r"blk\.(\d+)\.", name)
    return int(found[1]) if found else None


def changed(name: str, value: np.ndarray, settings: Settings, architecture: Architecture) -> np.ndarray:
    """A weight as llama.cpp wants it; `name` is transformers'."""
    for pattern, change in architecture.changes.items():
        if re.search(pattern, name):
            return change(value, settings)
    return value
