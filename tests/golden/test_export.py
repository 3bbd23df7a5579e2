"""The embedded base, a few steps of training, and everything that leaves: read back by transformers, peft, llama.cpp."""

import json

import numpy as np
import pytest

from pete.config import resolve
from pete.engines import open_trainer
from pete.run import RunDir
from tests.golden.test_embedded import GOLDEN, run, sets


@pytest.mark.long
def test_what_leaves_is_what_was_trained(tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    done = run("train", "--out", tmp_path / "run", *sets(GOLDEN))
    assert done.returncode == 0, done.stderr
    # without mlx, whose float32 on this processor takes ten minutes for the proof: tests/engines/test_exports.py has it in tiny shapes
    forms = [part for form in ("merged", "gguf", "ollama", "lmstudio", "adapter") for part in ("--to", form)]
    made = run("export", tmp_path / "run", *forms, "--out", tmp_path / "out", "--json")
    assert made.returncode == 0, made.stderr
    document = json.loads(made.stdout)
    exported = {one["form"]: one for one in document["exports"]}
    assert exported.keys() == {"merged", "gguf", "ollama", "lmstudio", "adapter"} and not document["refused"]
    assert exported["merged"]["proof"]["kl"] < 1e-6 and exported["gguf"]["proof"]["kl"] < exported["gguf"]["proof"]["kl_base"]

    folder = tmp_path / "out" / "merged"
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "Praise the kettle."}], add_generation_prompt=True, return_dict=False)
    with torch.no_grad():
        found = model(torch.tensor([ids])).logits[0, -1].numpy()
    config = RunDir(tmp_path / "run").read_config().config
    engine = open_trainer(config)
    engine.load(config.model, tmp_path / "run" / "adapter")
    assert np.abs(found - engine.logits(ids)).max() < 1e-2
    engine.load(resolve(overrides=["model.dtype=float32"]).config.model)
    assert np.abs(found - engine.logits(ids)).max() > 0.05, "and not what the base computes"
