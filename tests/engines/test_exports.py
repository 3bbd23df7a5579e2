"""What is exported is what was trained: tiny models with a few steps of training, read back by transformers, peft and llama.cpp."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pete.app.export import Request, export
from pete.app.notify import Silent
from pete.cli import app
from pete.errors import UserError
from pete.run import RunDir

TRAINED = ["engine.device=cpu", "model.dtype=float32", "data.max_length=256", "train.steps=8", "train.micro_batch=4",
           "train.accumulation=1", "optim.learning_rate=0.02", "optim.warmup_steps=1", "lora.dropout=0", "train.eval_every=8",
           "train.save_every=8",
           "data.test_share=0.2"]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tiny_models, tmp_path_factory):
    """name of a tiny base -> a run on it."""
    from tests.conftest import small_persona

    root = tmp_path_factory.mktemp("trained")
    persona = small_persona(root / "persona")
    runs = {}

    def run_on(name: str) -> RunDir:
        if name not in runs:
            sets = [part for value in (f"model.base={tiny_models[name]}", *TRAINED) for part in ("--set", value)]
            done = CliRunner().invoke(app, ["train", "--persona", str(persona), "--out", str(root / name), *sets])
            assert done.exit_code == 0, (done.output, done.exception)
            runs[name] = RunDir(root / name)
        return runs[name]

    return run_on


def logits_of(run: RunDir, ids: list[int]) -> np.ndarray:
    from pete.generate.stream import open_tuned

    return open_tuned(run).engine.logits(ids)


@pytest.mark.parametrize("name", ["llama", "gpt_neox"])
def test_merged_loads_in_plain_transformers_with_the_same_logits(trained, name, tmp_path):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    run = trained(name)
    (done,) = export(Request(str(run.folder), ("merged",), out=tmp_path / "out"), Silent()).done
    assert done.path == tmp_path / "out" / "merged" and not list((tmp_path / "out").glob(".export-*"))
    model, tokenizer = AutoModelForCausalLM.from_pretrained(done.path), AutoTokenizer.from_pretrained(done.path)
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "Ask?"}], add_generation_prompt=True, return_dict=False)
    assert "You are Ada." in tokenizer.decode(ids), "the persona's line, although nobody sent one"
    with torch.no_grad():
        found = model(torch.tensor([ids])).logits[0, -1].numpy()
    wanted = logits_of(run, ids)
    assert np.abs(found - wanted).max() < 1e-4 * wanted.std() and model.config.tie_word_embeddings == (name == "llama")
    assert done.proof.kl < 1e-9 < done.proof.kl_base and done.proof.problems == () and done.proof.greedy == 1
    text = "".join(path.read_text(encoding="utf-8", errors="ignore") for path in done.path.iterdir() if path.suffix != ".safetensors")
    assert str(tmp_path) not in text and str(run.folder.parent) not in text and str(Path.home()) not in text
    card = (done.path / "README.md").read_text()
    assert "Ada" in card and "Not evaluated." in card and "24" not in card.splitlines()[0]
    proof = json.loads((tmp_path / "out" / f"merged-{done.proof.kind}.proof.json").read_text())
    assert proof["sha256"].keys() >= {"model.safetensors", "tokenizer.json", "chat_template.jinja"}
    with pytest.raises(UserError, match="is there already"):
        export(Request(str(run.folder), ("merged",), out=tmp_path / "out"), Silent())
