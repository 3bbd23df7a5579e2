"""Tiny random models of many architectures: those the torch engine computes, and those it refuses by name."""

from typing import Any

import torch
import transformers

VOCABULARY = 64
WINDOW = 8
LAYERS = 2
SHAPE = {
    "vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": LAYERS, "num_attention_heads": 4, "num_key_value_heads": 2,
    "head_dim": 8, "intermediate_size": 48, "max_position_embeddings": 128, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
}  # fmt: skip
SLIDING = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 24}

EXACT: dict[str, dict[str, Any]] = {
    "gpt_neox": {"rotary_pct": 0.25},
    "llama": {"tie_word_embeddings": True},
    "qwen2": {"use_sliding_window": True, **SLIDING},
    "qwen3": {"use_sliding_window": True, **SLIDING},
    "mistral": {"sliding_window": WINDOW},
    "ministral": SLIDING,
    "gemma": {},
    "gemma2": {**SLIDING, "attn_logit_softcapping": 3.0, "final_logit_softcapping": 4.0, "query_pre_attn_scalar": 16},
    "gemma3_text": {**SLIDING, "query_pre_attn_scalar": 16},
    "phi": {},
    "phi3": {"sliding_window": WINDOW},
    "granite": {"logits_scaling": 8.0, "embedding_multiplier": 12.0, "residual_multiplier": 0.22, "attention_multiplier": 0.1},
    "cohere": {"logit_scale": 0.0625},
    "cohere2": {"logit_scale": 0.25, **SLIDING},
    "olmo2": {},
    "olmo3": SLIDING,
    "smollm3": {"use_sliding_window": True, **SLIDING, "no_rope_layers": [1, 0]},
    "starcoder2": {"sliding_window": WINDOW},
    "exaone4": SLIDING,
    "glm4": {},
    "helium": {},
    "hunyuan_v1_dense": {},
    "ernie4_5": {},
    "seed_oss": {},
    "stablelm": {},
    "nemotron": {},
    "arcee": {},
    "gpt_oss": {**SLIDING, "num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen2_moe": {**EXPERTS, "shared_expert_intermediate_size": 24, "mlp_only_layers": [1]},
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2, "sliding_window": WINDOW},
    "qwen3_moe": {**EXPERTS, "mlp_only_layers": [1]},
}

MLA = {"q_lora_rank": 16, "kv_lora_rank": 16, "qk_rope_head_dim": 8, "qk_nope_head_dim": 8, "v_head_dim": 12, "num_key_value_heads": 4, "n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16, "n_group": 1, "topk_group": 1, "first_k_dense_replace": 1}
HEADLESS = ("falcon", "dbrx", "deepseek_v3", "youtu", "mamba2", "minicpm3", "longcat_flash")
BERT = {"is_decoder": True}
OTHERS: dict[str, dict[str, Any]] = {
    "mamba": {}, "mamba2": {"num_heads": 8, "head_dim": 8, "n_groups": 1, "state_size": 8}, "lfm2": {"layer_types": ["conv", "full_attention"]}, "jamba": {}, "bamba": {"mamba_n_heads": 8, "mamba_d_head": 8}, "recurrent_gemma": {}, "falcon_h1": {}, "qwen3_next": {}, "falcon_mamba": {},
    "bloom": {}, "mpt": {"d_model": 32, "n_heads": 4, "n_layers": 2}, "falcon": {"alibi": True}, "codegen": {"n_embd": 32, "n_head": 4, "n_layer": 2, "rotary_dim": 8},
    "gptj": {"n_embd": 32, "n_head": 4, "n_layer": 2, "rotary_dim": 8},
    "gpt_neo": {"num_layers": 2, "num_heads": 4, "attention_types": [[["global", "local"], 1]], "window_size": WINDOW},
    "xglm": {"d_model": 32, "attention_heads": 4, "num_layers": 2, "ffn_dim": 48},
    "opt": {"ffn_dim": 48, "word_embed_proj_dim": 32}, "gpt2": {"n_embd": 32, "n_head": 4, "n_layer": 2}, "gpt_bigcode": {"n_embd": 32, "n_head": 4, "n_layer": 2}, "bert": BERT, "roberta": BERT, "rwkv": {},
    "olmo": {}, "olmoe": EXPERTS, "persimmon": {}, "deepseek_v3": MLA, "dbrx": {}, "phimoe": {}, "granitemoe": {"num_local_experts": 4},
    "minimax": {}, "nanochat": {}, "apertus": {}, "diffllama": {}, "vaultgemma": SLIDING, "gemma3n_text": {}, "lfm2_moe": {}, "zamba2": {}, "granitemoehybrid": {},
    "llama4_text": {"attention_chunk_size": WINDOW}, "glm": {}, "dots1": {}, "ernie4_5_moe": {}, "hunyuan_v1_moe": {}, "minimax_m2": {}, "doge": {}, "bitnet": {}, "moshi": {}, "biogpt": {}, "ctrl": {}, "openai-gpt": {}, "cpmant": {}, "glm4_moe": {}, "afmoe": {}, "flex_olmo": {}, "exaone_moe": {}, "jetmoe": {}, "xlnet": {}, "longcat_flash": {}, "solar_open": {},
    "gemma4_text": {}, "youtu": MLA, "qwen3_5_text": {}, "mimo_v2_flash": {},  "hyperclovax": {}, "minicpm3": {**MLA}, "csm": {}, "gemma4": {}, "t5": {}, "gemma3": {}, "mistral3": {}
}


def build(name: str, shape: dict[str, Any] = SHAPE) -> Any:
    """A model of this architecture whose weights say something: normal, wide enough that attention looks somewhere."""
    config = transformers.AutoConfig.for_model(name, **{k: v for k, v in shape.items() if not (k == "head_dim" and name in HEADLESS)}, **{**EXACT, **OTHERS}[name])
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, 0.3)
    return model.eval()
