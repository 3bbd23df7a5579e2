"""What is exported is what was trained: tiny models with a few steps of training, read back by transformers, peft and llama.cpp."""

import json
import os
import shutil
import signal
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.random_base import write_base
from pete.app.export import Request, export, quantize
from pete.app.notify import Silent
from pete.cli import app
from pete.engines import open_trainer
from pete.engines.gguf.known import sha256_of
from pete.errors import AdapterError, BaseModelError, UserError, WorkError
from pete.export.workshop import Workshop
from pete.run import RunDir
from tests import forks
from tests.unit.engines.gguf.conftest import END, USER, by_bytes

TRAINED = ["engine.device=cpu", "model.dtype=float32", "data.max_length=256", "train.steps=4", "train.micro_batch=4",
           "train.accumulation=1", "optim.learning_rate=0.02", "optim.warmup_steps=1", "lora.dropout=0", "train.eval_every=4",
           "train.save_every=4",
           "data.test_share=0.2"]  # fmt: skip


@pytest.fixture(scope="module")
def trained(tiny_models, neox_tokenizer, tmp_path_factory):
    """name of a tiny base -> a run on it; pythia has a real tokenizer, and neox one of 700 tokens, which is written in a moment."""
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, Olmo2Config, Olmo2ForCausalLM

    from tests.conftest import small_persona

    root = tmp_path_factory.mktemp("trained")
    persona = small_persona(root / "persona")
    write_base(root / "pythia", (2, 64, 4), "float16", neox_tokenizer, deviation=0.2)
    shape = {"vocab_size": 257, "hidden_size": 48, "num_hidden_layers": 1, "num_attention_heads": 4, "intermediate_size": 96}
    Olmo2ForCausalLM(Olmo2Config(**shape, max_position_embeddings=256, eos_token_id=256, pad_token_id=256)).save_pretrained(root / "olmo2")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(tiny_models["llama"] / name, root / "olmo2" / name)
    tokenizer = by_bytes()
    tokenizer.add_special_tokens([END, USER])
    end = tokenizer.token_to_id(END)
    torch.manual_seed(0)
    wide = {"vocab_size": 700, "hidden_size": 64, "num_hidden_layers": 2, "intermediate_size": 256}
    neox = GPTNeoXConfig(
        **shape | wide, max_position_embeddings=256, bos_token_id=end, eos_token_id=end, initializer_range=0.2
    )  # fmt: skip
    GPTNeoXForCausalLM(neox).half().save_pretrained(root / "neox")
    tokenizer.save(str(root / "neox" / "tokenizer.json"))
    (root / "neox" / "tokenizer_config.json").write_text(json.dumps({"eos_token": END}))
    tiny_models = tiny_models | {name: root / name for name in ("pythia", "olmo2", "neox")}
    runs = {}

    def run_on(name: str) -> RunDir:
        if name not in runs:
            sets = [part for value in (f"model.base={tiny_models[name]}", *TRAINED) for part in ("--set", value)]
            done = CliRunner().invoke(app, ["train", "--persona", str(persona), "--out", str(root / "runs" / name), *sets])
            assert done.exit_code == 0, (done.output, done.exception)
            runs[name] = RunDir(root / "runs" / name)
        return runs[name]

    return run_on


def logits_of(run: RunDir, ids: list[int]) -> np.ndarray:
    config = run.read_config().config
    engine = open_trainer(config)
    engine.load(config.model, run.adapter)
    return engine.logits(ids)


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


def test_everything_of_one_run(trained, tmp_path, monkeypatch):
    """Float16 on disk; Ollama is a program that stands for it, LM Studio is not here, MLX as it may be."""
    run = trained("pythia")
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ollama").write_text('#!/bin/sh\necho "$@" >"$0.said"; cat Modelfile >"$0.modelfile"; test -f ./*.gguf\n')
    (programs / "ollama").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HOME", str(tmp_path))
    forms = ("merged", "gguf", "ollama", "lmstudio", "adapter")
    exports = export(Request(str(run.folder), forms), Silent())
    assert not exports.refused, {form: error.message for form, error in exports.refused.items()}
    done = {one.form: one for one in exports.done}
    folder = run.folder / "exports"
    assert {form: one.path for form, one in done.items()} == {
        "merged": folder / "merged",
        "gguf": folder / "ada-pythia-q8_0.gguf",
        "ollama": folder / "ollama-q8_0",
        "lmstudio": folder / "lmstudio" / "pete" / "ada-pythia-q8_0",
        "adapter": folder / "ada-pythia-adapter.zip",
    }
    assert done["merged"].proof.kind == "f16" and done["merged"].proof.gap < 0.02 and done["merged"].proof.kl < 1e-4
    gguf = done["gguf"].path
    assert done["gguf"].proof.kl < 0.5 * done["gguf"].proof.kl_base and done["gguf"].proof.ids == "the reader"
    assert (folder / "ollama-q8_0" / gguf.name).samefile(gguf) and (done["lmstudio"].path / gguf.name).samefile(gguf), "hard links"
    assert (programs / "ollama.said").read_text() == "create ada-pythia -f Modelfile\n"
    said = (programs / "ollama.modelfile").read_text()
    assert f"FROM ./{gguf.name}" in said and 'SYSTEM """You are Ada."""' in said and 'PARAMETER stop "<|endoftext|>"' in said
    assert {path.name for path in folder.iterdir() if path.name.startswith(".")} == set()
    assert len(list(folder.glob("*.proof.json"))) == len(forms)


def test_an_ollama_that_fails_leaves_nothing(trained, tmp_path, monkeypatch):
    run = trained("neox")
    (tmp_path / "ollama").write_text("#!/bin/sh\necho 'Error: could not connect' >&2; exit 1\n")
    (tmp_path / "ollama").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(WorkError, match="could not connect"):
        export(Request(str(run.folder), ("ollama",), out=tmp_path / "out"), Silent())
    assert not (tmp_path / "out").exists()


def test_ctrl_c_in_the_middle_leaves_what_was_proven(trained, tmp_path):
    """The terminal's signal goes to pete and to the program that it waits for."""
    run, out = trained("neox"), tmp_path / "out"
    (tmp_path / "ollama").write_text('#!/bin/sh\ntouch "$0.begun"; sleep 60; touch "$0.ended"\n')
    (tmp_path / "ollama").chmod(0o755)
    process = forks.start(
        "export", run.folder, "--to", "merged,gguf,ollama,lmstudio", "--out", out, torch=True, session=True,
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
    begun = tmp_path / "ollama.begun"
    while process.poll() is None and not begun.exists():
        time.sleep(0.02)
    assert process.poll() is None, process.communicate()
    assert list(out.glob(".export-*/ollama/Modelfile")), "in the middle of the third form"
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    said = " ".join(said.split())
    assert process.returncode == 130 and "ollama was in work, and is gone" in said and "--to ollama,lmstudio" in said, said
    assert not (tmp_path / "ollama.ended").exists()
    assert {path.name for path in out.iterdir()} == {"merged", "merged-f16.proof.json", "ada-neox-q8_0.gguf", "gguf-q8_0.proof.json"}
    hashes = json.loads((out / "gguf-q8_0.proof.json").read_text())["sha256"]
    assert hashes == {"ada-neox-q8_0.gguf": sha256_of(out / "ada-neox-q8_0.gguf")}


def test_without_ollama_the_two_commands_are_said_and_lm_studio_is_found(trained, tmp_path, monkeypatch):
    run = trained("neox")
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".lmstudio" / "models").mkdir(parents=True)
    shutil.rmtree(run.folder / "exports", ignore_errors=True)
    exports = export(Request(str(run.folder), ("ollama", "lmstudio"), quant="f16"), Silent())
    ollama, lmstudio = exports.done
    assert any("ollama create ada-neox -f Modelfile" in line for line in ollama.said) and "ollama run ada-neox" in ollama.said
    assert lmstudio.path == tmp_path / ".lmstudio" / "models" / "pete" / "ada-neox-f16" and lmstudio.said == ()
    assert ollama.proof.kind == "f16" and ollama.proof.kl < 2e-3


def test_the_zip_opens_in_peft(trained, tmp_path):
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    run = trained("llama")
    (done,) = export(Request(str(run.folder), ("adapter",), out=tmp_path / "out"), Silent()).done
    with zipfile.ZipFile(done.path) as packed:
        packed.extractall(tmp_path / "again")
        assert not any(
            str(tmp_path).encode() in packed.read(n) or str(run.folder.parent).encode() in packed.read(n) for n in packed.namelist()
        )
    base = AutoModelForCausalLM.from_pretrained(run.read_config().config.model.base)
    model = PeftModel.from_pretrained(base, str(tmp_path / "again"))
    ids = [5, 9, 33, 70]
    with torch.no_grad():
        found = model(torch.tensor([ids])).logits[0, -1].numpy()
    assert np.abs(found - logits_of(run, ids)).max() < 1e-4
    assert done.proof.reader.startswith("peft") and done.proof.kl < 1e-9


def test_somebody_elses_adapter(trained, tmp_path, tiny_models):
    run = trained("llama")
    theirs = tmp_path / "their adapter"
    theirs.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(run.adapter / name, theirs / name)
    settings = json.loads((theirs / "adapter_config.json").read_text())
    (theirs / "adapter_config.json").write_text(json.dumps(settings | {"base_model_name_or_path": "/home/someone/llama-base"}))
    request = Request(str(theirs), ("merged", "adapter"), out=tmp_path / "out", base=str(tiny_models["llama"]))
    exports = export(request, Silent())
    assert not exports.refused, exports.refused
    assert all(b"someone" not in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert exports.done[0].proof.kl < 1e-9 and "prose that comes with Pete" in exports.done[0].proof.rows_of
    (theirs / "adapter_config.json").write_text(json.dumps(settings | {"modules_to_save": ["lm_head"]}))
    with pytest.raises(AdapterError, match="whole trained modules"):
        export(Request(str(theirs), ("merged",), out=tmp_path / "out2", base=str(tiny_models["llama"])), Silent())
    assert not (tmp_path / "out2").exists()


def test_an_architecture_without_a_map_says_what_still_works(trained, tmp_path):
    run = trained("olmo2")
    with pytest.raises(BaseModelError) as raised:
        export(Request(str(run.folder), ("gguf",), out=tmp_path / "out"), Silent())
    assert "--to merged" in raised.value.hint and not (tmp_path / "out").exists()


def test_a_merge_that_is_wrong_is_refused(trained, tmp_path, monkeypatch):
    from pete.engines.base_models.merge import MergedWeights

    run = trained("gpt_neox")
    whole = MergedWeights.tensor
    monkeypatch.setattr(MergedWeights, "tensor", lambda self, name: whole(self, name) * (1.02 if name.endswith("dense.weight") else 1))
    with pytest.raises(WorkError, match="is not what was trained, and was removed"):
        export(Request(str(run.folder), ("merged",), out=tmp_path / "out"), Silent())
    assert not (tmp_path / "out").exists()


def test_every_kind_is_measured_and_the_smallest_that_costs_nothing_is_taken(trained, tmp_path, monkeypatch):
    run = trained("neox")
    (done,) = (exports := export(Request(str(run.folder), ("gguf",), "auto", tmp_path / "out"), Silent())).done
    table = exports.table
    assert table is not None and [one.kind for one in table.tried] == ["q4_0", "q4_k_m", "q5_k_m", "q6_k", "q8_0", "f16"]
    fine = [one for one in table.tried if not one.refused]
    assert {"q8_0", "f16"} <= {one.kind for one in fine} and all(one.size > 0 and one.tokens_per_second > 0 for one in fine)
    assert table.chosen == next(one.kind for one in fine if one.cost < 0.01) and abs(fine[-1].cost) < 1e-3
    assert done.proof.kind == table.chosen
    assert [path.name for path in done.path.parent.glob("*.gguf")] == [f"ada-neox-{table.chosen}.gguf"]

    shops: list[Workshop] = []
    monkeypatch.setattr("pete.app.export.try_kinds", lambda shop: shops.append(shop) or table)  # which was measured above
    assert quantize(str(run.folder), Silent()) == table and shops[0].source.name == "ada-neox"
    assert json.loads((run.folder / "exports" / "ada-neox.quant.json").read_text())["chosen"] == table.chosen


@pytest.mark.parametrize("name", ["llama", "neox"])
def test_mlx_lm_loads_the_folder_and_computes_the_same(trained, name, tmp_path):
    pytest.importorskip("mlx_lm", reason="an extra: ./pete install mlx")
    (done,) = export(Request(str(trained(name).folder), ("mlx",), out=tmp_path / "out"), Silent()).done
    assert done.path == tmp_path / "out" / "mlx" and done.proof.reader.startswith("mlx-lm") and done.proof.kl < done.proof.kl_base / 100
    settings = json.loads((done.path / "config.json").read_text())
    assert settings["torch_dtype"] == settings["dtype"] and (name != "neox" or settings["rotary_pct"] == 0.25)
