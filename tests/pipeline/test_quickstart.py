"""The whole quickstart through the command line and torch, on a tiny random base; with the real one: tests/golden/test_embedded.py."""

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.random_base import write_base
from pete.app import quickstart
from pete.cli import app
from pete.evaluate import suite


def test_it_leaves_everything_it_promises(neox_tokenizer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """With another base, which its command line does not take, and with answers that end early: a random one never stops.

    How foreseeable texts are is said by the same base, opened once more; by the embedded one: tests/golden/test_foreseeable.py.
    """
    base, out = tmp_path / "base", tmp_path / 'quick "start"'
    write_base(base, (2, 64, 4), "float32", neox_tokenizer)
    begin, more = quickstart.new_training, [f"model.base={base}", "engine.device=cpu", "generate.max_new_tokens=40"]
    monkeypatch.setattr(quickstart, "new_training", lambda preset, file, overrides: begin(preset, file, [*overrides, *more]))
    monkeypatch.setattr(suite, "EMBEDDED_BASE", str(base))
    done = CliRunner().invoke(app, ["quickstart", "--out", str(out), "--steps", "8", "--seed", "3"])
    assert done.exit_code == 0, (done.output, done.exception)
    for part in ("plan", "train", "base beside tuned", "report", "bits a byte", "pete chat"):
        assert part in done.output
    assert (out / "report.html").stat().st_size > 20_000 and (out / "report.md").is_file()
    log = json.loads((out / "evaluations" / "quickstart.json").read_text())
    assert len({s["prompt_id"] for s in log["samples"]}) == 15 and {s["model"] for s in log["samples"]} == {"base", "tuned"}
    assert log["fluency_is_third"] and all(s["fluency_nats"] > 0 for s in log["samples"] if s["text"].strip())
    for rows in (log["held_out"], log["neutral"]):
        counts = Counter(row["category"] for row in rows)
        assert len(counts) == 3 and set(counts.values()) == {5}, "a first look scores as few texts as it asks prompts"
    assert sum(r["base_nats"] - r["tuned_nats"] for r in log["held_out"]) > 0, "eight steps already help"
    assert str(tmp_path.parent) not in (out / "adapter" / "adapter_config.json").read_text() + (out / "adapter" / "pete.json").read_text()
