"""`pete bench --quick` as a user starts it, on a tiny base, with real processes; two ways of training and one of answering stand for all.

That every way computes the same: tests/unit/engines/bench/test_ways.py.
"""

import json
import sys
from pathlib import Path

from typer.testing import CliRunner

from pete.app import bench as verb
from pete.cli import app
from pete.config import resolve
from pete.engines.bench import WAYS
from pete.train.prepare import prepare
from tests import forks
from tests.conftest import small_persona


def test_the_table_its_files_and_their_numbers(tmp_path: Path, tiny_models: dict[str, Path], monkeypatch):
    monkeypatch.setattr(verb, "TRAINING", (WAYS["loop"], WAYS["ours"]))
    monkeypatch.setattr(verb, "DECODING", (WAYS["torch"],))
    monkeypatch.setattr(verb, "SUSTAINED", 0.1)
    if sys.platform == "linux":
        monkeypatch.setattr("pete.engines.bench.process.subprocess", forks.WITH_TORCH)
    given = {"data.persona": small_persona(tmp_path / "ada"), "model.base": tiny_models["llama"], "model.dtype": "float32",
             "engine.device": "cpu", "data.max_length": 200, "optim.learning_rate": 1e-2}  # fmt: skip
    options = [word for key, value in given.items() for word in ("--set", f"{key}={value}")]
    out = tmp_path / "out"
    done = CliRunner().invoke(app, ["bench", "--quick", "--steps", "2", "--json", "--out", str(out), *options])
    assert done.exit_code == 0, done.output[-3000:]
    found = json.loads(done.stdout)
    assert found == json.loads((out / "bench.json").read_text()) and (out / "bench.svg").read_text().startswith("<svg ")
    (device,) = found["devices"]
    assert (device["device"], device["dtype"], found["base"], found["rows"]) == ("cpu", "float32", "llama", 4)
    rows = {len(row) for row in prepare(resolve("quickstart", None, [*options[1::2], "train.epochs=20"]).config).rendered["train"]}
    loop, ours = device["trained"]
    assert (loop["way"], ours["way"]) == ("loop", "ours") and loop["tokens"] == ours["tokens"]
    assert all(4 * min(rows) <= tokens <= 4 * max(rows) for tokens in ours["tokens"]) and len(ours["tokens"]) == 2 and ours["warm_up"] == 1
    assert sum(ours["tokens"]) < ours["learned"] == loop["learned"] <= 12 * max(rows) and found["finished"] is True
    assert abs(loop["held_out"] / ours["held_out"] - 1) < 1e-3 and ours["held_out"] < device["base_loss"] - 1e-3
    assert ours["ours_over"] == 1.0 and 0 < ours["of_floor"] < 1 and device["floor"]["flops"] > 1e6 and device["floor"]["read"] > 1e8
    for one in (loop, ours, *device["decoded"]):
        assert 50e6 < one["peak"] < 4e9, one["way"]
    for speed in (loop["speed"], ours["speed"], *(one[name] for one in device["decoded"] for name in ("first", "one", "many"))):
        assert 0 < speed["low"] <= speed["median"] <= speed["high"]
    (torch,) = device["decoded"]
    assert torch["over_peer"] is None and torch["read"] > 10_000 and torch["of_floor"] > 0
    assert found["versions"].keys() >= {"pete", "torch", "transformers", "peft"} and found["machine"]["cores"] >= 1 and found["seconds"] > 1
    assert not [path for path in out.iterdir() if path.name.startswith(".bench")]
