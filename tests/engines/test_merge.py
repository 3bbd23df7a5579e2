"""Merged in numpy is merged by peft, for every way round that a base keeps its weights."""

from pathlib import Path

import numpy as np
import peft
import pytest
import torch
import transformers

from pete.engines.base_models.merge import MergedWeights
from pete.engines.protocol import Base
from tests.engines.architectures import build

ROUNDING = {"float32": 1e-6, "bfloat16": 2**-8, "float16": 2**-11}
"""Of one number of a dtype; peft adds in the dtype of the weights."""


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("name", ["llama", "gpt_neox", "gpt2"])
def test_as_peft_merges(tmp_path: Path, name: str, dtype: str):
    model = build(name).to(getattr(torch, dtype))
    model.save_pretrained(tmp_path / "base", max_shard_size="20KB")
    layers = {"gpt2": ["c_attn", "attn.c_proj", "mlp.c_proj"], "gpt_neox": ["query_key_value", "lm_head"]}.get(name, "all-linear")
    settings = peft.LoraConfig(r=4, lora_alpha=12, target_modules=layers, rank_pattern={r".*\.1\..*": 2},
                               task_type="CAUSAL_LM", init_lora_weights=False, fan_in_fan_out=name == "gpt2")  # fmt: skip
    tuned = peft.get_peft_model(model, settings)
    tuned.save_pretrained(tmp_path / "adapter", save_embedding_layers=False)

    ours = MergedWeights(Base(str(tmp_path / "base"), tmp_path / "base", "", "", 128), tmp_path / "adapter")
    plain = MergedWeights(ours.base, None)
    theirs = {key: value.float().numpy() for key, value in tuned.merge_and_unload().state_dict().items()}
    if "embed_out.weight" in ours.names():
        theirs["embed_out.weight"] = theirs.pop("lm_head.weight")  # a GPT-NeoX's files have another name for it
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    assert set(ours.names()) == theirs.keys() - tied and len({ours.file(key) for key in ours.names()}) > 1
    assert {ours.dtype(key) for key in ours.names()} == {{"float32": "F32", "bfloat16": "BF16", "float16": "F16"}[dtype]}
    for key in ours.names():
        mine = ours.tensor(key)
        assert mine.shape == ours.shape(key) == theirs[key].shape
        np.testing.assert_allclose(mine, theirs[key], rtol=ROUNDING[dtype], atol=ROUNDING[dtype] * np.abs(mine).max(), err_msg=key)
        assert (key in ours.adapted()) == (not np.array_equal(mine, plain.tensor(key)))

    if dtype == "float32":  # and what is made of it computes the same
        again = transformers.AutoModelForCausalLM.from_config(model.config).eval()
        missing, extra = again.load_state_dict(
            {key.replace("embed_out", "lm_head"): torch.from_numpy(ours.tensor(key)) for key in ours.names()}, strict=False
        )
        assert set(missing) == tied and not extra
        ids = torch.arange(3, 40)[None]
        with torch.no_grad():
            torch.testing.assert_close(again(ids).logits, model(ids).logits, rtol=1e-4, atol=1e-4)
