"""The whole quickstart through the command line and torch, on a tiny random base; with the real one: tests/golden/test_embedded.py."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

from benchmarks.random_base import write_base
from pete.resources import PROJECT

QUICKSTART = """
import sys
from pete.app import quickstart
from pete.cli import main
begin = quickstart.new_training
base = [f"model.base={sys.argv[1]}", "engine.device=cpu", "generate.max_new_tokens=40"]
quickstart.new_training = lambda preset, file, overrides: begin(preset, file, [*overrides, *base])
sys.argv = ["pete", "quickstart", *sys.argv[2:]]
main()
"""
"""`pete quickstart` with another base, which its command line does not take, and with answers that end early: a random one never stops."""


def test_it_leaves_everything_it_promises(neox_tokenizer: Path, tmp_path: Path):
    base, out = tmp_path / "base", tmp_path / 'quick "start"'
    write_base(base, (2, 64, 4), "float32", neox_tokenizer)
    done = subprocess.run(
        [sys.executable, "-c", QUICKSTART, str(base), "--out", str(out), "--steps", "8", "--seed", "3"],
        env=os.environ | {"PYTHONPATH": str(PROJECT / "src")}, capture_output=True, text=True, timeout=1500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for part in ("plan", "train", "base beside tuned", "report", "bits a byte", "pete chat"):
        assert part in done.stdout
    assert (out / "report.html").stat().st_size > 20_000 and (out / "report.md").is_file()
    log = json.loads((out / "evaluations" / "quickstart.json").read_text())
    assert len({s["prompt_id"] for s in log["samples"]}) == 15 and {s["model"] for s in log["samples"]} == {"base", "tuned"}
    for rows in (log["held_out"], log["neutral"]):
        counts = Counter(row["category"] for row in rows)
        assert len(counts) == 3 and set(counts.values()) == {5}, "a first look scores as few texts as it asks prompts"
    assert sum(r["base_nats"] - r["tuned_nats"] for r in log["held_out"]) > 0, "eight steps already help"
    assert str(tmp_path.parent) not in (out / "adapter" / "adapter_config.json").read_text() + (out / "adapter" / "pete.json").read_text()
