"""Tiny random models of many architectures: those the torch engine computes exactly, and those it refuses by name."""

from pathlib import Path
from typing import Any

import torch
import transformers

from pete.config import Config
from pete.engines.protocol import Base
from pete.engines.torch.engine import TorchEngine
from tests.engines import DEVICE

VOCABULARY = 64
WINDOW = 24
"""Wider than the proof's, so that narrowing it is tried as well."""
SHAPE = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 8, "intermediate_size": 48, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
SLIDING = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}
LATENT = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 12, "num_key_value_heads": 4}
GPT = {"n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 128}

EXACT: dict[str, dict[str, Any]] = {
    "arcee": {},
    "bitnet": {},
    "cohere": {"logit_scale": 0.0625},
    "cohere2": {"logit_scale": 0.25, **SLIDING},
    "deepseek_v3": {**LATENT, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_group": 1, "topk_group": 1,
                    "first_k_dense_replace": 1},
    "ernie4_5": {},
    "exaone4": SLIDING,
    "gemma": {},
    "gemma2": {**SLIDING, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 4.0, "query_pre_attn_scalar": 16},
    "gemma3_text": {**SLIDING, "query_pre_attn_scalar": 16},
    "glm4": {},
    "gpt2": {"n_embd": 32, "n_head": 4, "n_layer": 2, "n_positions": 128, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0},
    "gpt_neox": {"rotary_pct": 0.25},
    "gpt_oss": {**SLIDING, "num_local_experts": 4, "num_experts_per_tok": 2},
    "granite": {"logits_scaling": 8.0, "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "attention_multiplier": 0.1},
    "helium": {},
    "hunyuan_v1_dense": {},
    "llama": {"tie_word_embeddings": True},
    "llama4_text": {"attention_chunk_size": WINDOW, "layer_types": ["chunked_attention", "full_attention"], "num_local_experts": 4,
                    "intermediate_size_mlp": 48, "interleave_moe_layer_step": 2},
    "ministral": SLIDING,
    "mistral": {"sliding_window": WINDOW},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": WINDOW},
    "nanochat": {},
    "nemotron": {},
    "olmo2": {},
    "olmo3": SLIDING,
    "phi": {},
    "phi3": {"sliding_window": WINDOW},
    "qwen2": {"use_sliding_window": True, **SLIDING},
    "qwen2_moe": {**EXPERTS, "shared_expert_intermediate_size": 24, "mlp_only_layers": [1]},
    "qwen3": {"use_sliding_window": True, **SLIDING},
    "qwen3_moe": {**EXPERTS, "mlp_only_layers": [1]},
    "seed_oss": {"attention_dropout": 0.0, "residual_dropout": 0.0},
    "smollm3": {"use_sliding_window": True, **SLIDING, "no_rope_layers": [1, 0]},
    "stablelm": {},
    "starcoder2": {"sliding_window": WINDOW},
    "vaultgemma": {**SLIDING, "attn_logit_softcapping": 2.0, "final_logit_softcapping": 4.0},
}  # fmt: skip
"""Exact: what transformers computes, within rounding. The settings show what is special about each."""

REFUSED: dict[str, dict[str, Any]] = {
    "bamba": {"mamba_n_heads": 8, "mamba_d_head": 8},
    "bert": {"is_decoder": True},
    "biogpt": {},
    "bloom": {},
    "codegen": {**GPT, "rotary_dim": 8},
    "falcon_h1": {"mamba_n_heads": 8, "mamba_d_head": 8, "mamba_d_ssm": 64, "mamba_d_state": 8, "mamba_n_groups": 1},
    "gpt_neo": {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": WINDOW},
    "gptj": {**GPT, "rotary_dim": 8},
    "jamba": {},
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "mamba": {},
    "minimax": {},
    "mpt": {"d_model": 32, "n_heads": 4, "n_layers": 2},
    "openai-gpt": GPT,
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32},
    "qwen3_next": {
        **EXPERTS,
        "linear_num_value_heads": 4,
        "linear_num_key_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
        "shared_expert_intermediate_size": 24,
    },
    "recurrent_gemma": {},
    "rwkv": {},
    "xglm": {"d_model": 32, "attention_heads": 4, "num_layers": 2, "ffn_dim": 48},
}
"""Refused by name: a state, a convolution or a position of their own, a mask of their own making, or a body that is not one part."""


def build(name: str, **more: Any) -> Any:
    """A model of this architecture whose weights say something: normal, wide enough that attention looks somewhere."""
    settings = {**EXACT, **REFUSED}[name]
    shape = {key: value for key, value in SHAPE.items() if key != "head_dim" or "v_head_dim" not in settings}
    config = transformers.AutoConfig.for_model(name, **{**shape, **settings, **more})
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.3)
            else:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


CONFIG = Config.model_validate({"engine": {"device": DEVICE}, "lora": {"dropout": 0.0}, "train": {"epochs": 1}})
BASE = Base("tiny", Path("tiny"), "", "", 128)


def engine_on(model: Any, dtype: str = "float32") -> TorchEngine:
    """A torch engine with this model for its base, as `load` leaves one."""
    engine = TorchEngine(CONFIG)
    engine._model, engine.dtype, engine.base = model.to(getattr(torch, dtype)), dtype, BASE
    model.config._attn_implementation = "pete"
    engine._prepare()
    return engine
