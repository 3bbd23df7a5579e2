"""Real weights through the real command line: golden losses, exact resume after kill -9, and the whole quickstart."""

import json
import shutil
import signal
import subprocess

import numpy as np
import pytest
from typer.testing import CliRunner

from pete import events
from pete.cli import app
from pete.data.render import Message
from pete.engines import open_trainer
from pete.engines.base_models.embedded import embedded_base
from pete.generate.stream import open_tuned
from pete.resources import PERSONAS
from pete.run import RunDir
from tests.faults.test_interruptions import command, environment, resume, wait_for_step

# float32 on a CPU: the same on every machine up to the order of sums
GOLDEN = [
    "model.dtype=float32",
    "engine.device=cpu",
    "train.steps=3",
    "train.micro_batch=2",
    "train.accumulation=2",
    "optim.warmup_steps=2",
    "train.eval_every=3",
    "lora.dropout=0.0",
    "data.valid_share=0.01",
]
ROWS = {"marketing": 135, "copywriting": 106, "customer_service": 130}
"""The rows of the bundled persona that the losses were taken on, the first of each file: later ones and drafts move nothing."""
GOLDEN_LOSSES = [3.55898, 3.54718, 3.16159]
GOLDEN_VALID = [3.04662, 2.84712]


def sets(values: list[str]) -> list[str]:
    return [part for value in values for part in ("--set", value)]


def run(*args: object) -> subprocess.CompletedProcess:
    return subprocess.run(command(*args), env=environment(), capture_output=True, text=True, timeout=1500, check=False)


@pytest.fixture(scope="module")
def golden(tmp_path_factory, unplanned):
    """One run, for its losses and for its adapter."""
    place = tmp_path_factory.mktemp("golden")
    folder, persona = place / "run", place / "persona"
    shutil.copytree(PERSONAS / "pete-connor", persona)
    for drafts in (persona / "examples").glob("rewrite*.jsonl"):
        drafts.unlink()
    for name, count in ROWS.items():
        file = persona / "examples" / f"{name}.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        file.write_text("".join(lines[:count]), encoding="utf-8")
    done = CliRunner().invoke(app, ["train", "--persona", str(persona), "--out", str(folder), *sets(GOLDEN)])
    assert done.exit_code == 0, (done.output, done.exception)
    return RunDir(folder)


def test_golden_losses(golden):
    seen = list(events.read(golden.events_file))
    assert [e.loss for e in seen if isinstance(e, events.Step)] == pytest.approx(GOLDEN_LOSSES, abs=2e-3)
    assert [e.loss for e in seen if isinstance(e, events.Validated)] == pytest.approx(GOLDEN_VALID, abs=2e-3)


SMALL = [
    "train.steps=30",
    "train.micro_batch=1",
    "train.accumulation=1",
    "optim.warmup_steps=3",
    "train.eval_every=30",
    "train.save_every=5",
    "data.valid_share=0.02",
    "engine.device=cpu",
]


@pytest.mark.long
def test_thirty_steps_straight_equal_twelve_kill_and_resume(tmp_path):
    done = run("train", "--out", tmp_path / "straight", *sets(SMALL))
    assert done.returncode == 0, done.stderr
    out = tmp_path / "killed"
    process = subprocess.Popen(
        command("train", "--out", out, *sets(SMALL)), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    wait_for_step(out, 12, process)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL and not (out / "adapter").exists()
    again = resume(out)
    assert again.returncode == 0, again.stderr
    assert "going on after step" in again.stdout
    for name in ("adapter_model.safetensors", "adapter_config.json", "pete.json"):
        assert (tmp_path / "straight" / "adapter" / name).read_bytes() == (out / "adapter" / name).read_bytes()


def test_the_adapter_opens_in_peft_and_computes_the_same(golden):
    """What we save is PEFT's own format: transformers and peft, without us, read it to the same logits."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tuned = open_tuned(golden)
    turns = [Message("user", "Write a tagline for a bakery.")]
    ids = tuned.renderer.prompt_ids(turns)
    messages = [{"role": "system", "content": tuned.renderer.system}, {"role": "user", "content": turns[0].content}]
    tokenizer = AutoTokenizer.from_pretrained(golden.adapter)
    assert list(tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]) == ids
    base = AutoModelForCausalLM.from_pretrained(embedded_base().folder, dtype=torch.float32)

    def logits(model) -> np.ndarray:
        with torch.no_grad():
            return model(torch.tensor([ids])).logits[0, -1].numpy()

    plain, wanted = logits(base), logits(PeftModel.from_pretrained(base, golden.adapter))
    config = golden.read_config().config
    engine = open_trainer(config)
    engine.load(config.model, golden.adapter)
    assert np.abs(wanted - plain).max() > 1e-2
    np.testing.assert_allclose(engine.logits(ids), wanted, atol=2e-3)


@pytest.mark.long
def test_quickstart_leaves_everything_it_promises(tmp_path):
    """With the real base; every step of it with a tiny one: tests/pipeline/test_quickstart.py."""
    out = tmp_path / 'quick "start"'
    done = run("quickstart", "--out", out, "--steps", 8, "--seed", 3)
    assert done.returncode == 0, done.stderr
    for part in ("plan", "train", "base beside tuned", "report", "bits a byte", "pete chat"):
        assert part in done.stdout
    assert (out / "report.html").stat().st_size > 20_000 and (out / "report.md").is_file()
    log = json.loads((out / "evaluations" / "quickstart.json").read_text())
    assert len({s["prompt_id"] for s in log["samples"]}) == 15 and sum(s["leaks_clean"] for s in log["samples"]) == 0
    gain = sum(r["base_nats"] - r["tuned_nats"] for r in log["held_out"])
    assert gain > 0, "eight steps already help"
    assert str(tmp_path.parent) not in (out / "adapter" / "adapter_config.json").read_text() + (out / "adapter" / "pete.json").read_text()
