"""Every way computes the same: the same loss at the first step, the same adapter after some, whoever's loop it is."""

import importlib.util
import io
import json
import pkgutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pete.app.bench import same_rows
from pete.config import resolve
from pete.engines.bench import DECODING, FLOOR, SCORE, TRAINING, WAYS, Way
from pete.engines.bench.device import settle
from pete.engines.bench.job import Job
from pete.engines.bench.pace import Pace
from pete.train.prepare import prepare
from tests.conftest import small_persona

STEPS = 2


def run(way: Way, job: Job, *orders: dict[str, Any]) -> list[dict[str, Any]]:
    """Its answers to some orders."""
    answers = io.StringIO()
    pkgutil.resolve_name(way.runs)(job, Pace(io.StringIO("".join(json.dumps(order) + "\n" for order in orders)), answers))
    return [json.loads(line) for line in answers.getvalue().splitlines()]


@pytest.fixture(scope="module")
def job(tiny_models: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Job:
    folder = tmp_path_factory.mktemp("bench")
    given = {"data.persona": small_persona(folder / "ada"), "model.base": tiny_models["llama"], "model.dtype": "float32",
             "engine.device": "cpu", "data.max_length": 200, "train.micro_batch": 2, "train.accumulation": 2, "train.steps": STEPS,
             "optim.warmup_steps": 0, "optim.learning_rate": 1e-2}  # fmt: skip
    config = resolve("quickstart", None, [f"{key}={value}" for key, value in given.items()]).config
    config = config.model_copy(update={"train": config.train.model_copy(update={"epochs": None})})
    prepared = prepare(config)
    rows = prepared.rendered["train"]
    steps = same_rows(rows, config, STEPS)
    made = Job(folder / "cpu", config, steps, prepared.valid, [np.resize(row.ids, 20).tolist() for row in rows[:3]], 6, "ours")
    made.write()
    return made


@pytest.fixture(scope="module")
def trained(job: Job) -> dict[str, list[dict[str, Any]]]:
    """Answers of every way that is installed."""
    return {way.name: run(way, job, *[{}] * STEPS) for way in TRAINING if not way.missing}


def test_every_way_says_what_it_did(job: Job, trained: dict[str, list[dict[str, Any]]]):
    tokens = [sum(len(batch.ids) for batch in micro) for micro in job.steps]
    assert {"report", "loop", "trainer", "ours"} <= trained.keys()
    assert ("trl" in trained) == (importlib.util.find_spec("datasets") is not None)
    for name, (ready, *steps) in trained.items():
        assert [step["tokens"] for step in steps] == tokens, name
        assert all(step["seconds"] > 0 and step["peak"] >= ready["peak"] > 1e7 for step in steps), name
        assert ready["trainable"] == trained["ours"][0]["trainable"] > 0, name


def test_all_but_the_reports_compute_the_same_loss_and_the_same_adapter(job: Job, trained: dict[str, list[dict[str, Any]]]):
    first = {name: answers[1]["loss"] for name, answers in trained.items()}
    names = ["", *trained]
    said = run(SCORE, job, *[{"adapter": name} for name in names])[1:]
    held_out = {name: answer["loss"] for name, answer in zip(names, said, strict=True)}
    for name in trained.keys() - {"ours", "report"}:
        assert first[name] == pytest.approx(first["ours"], rel=1e-5), name
        assert held_out[name] == pytest.approx(held_out["ours"], rel=1e-4), name
    assert abs(held_out["ours"] - held_out[""]) > 1e-3, "nothing was learned, so nothing was compared"
    assert abs(first["report"] - first["ours"]) > 1e-3, "its loss is on every token"


def test_a_way_stops_when_no_more_is_asked_for_and_its_adapter_is_that_of_its_steps(job: Job, trained: dict[str, list[dict[str, Any]]]):
    for name in ("ours", "loop", "trainer"):
        weights = job.adapter_of(name) / "adapter_model.safetensors"
        whole = weights.read_bytes()
        assert len(run(WAYS[name], job, {})) == 2 and weights.read_bytes() != whole, name
        run(WAYS[name], job, *[{}] * STEPS)


def test_every_way_answers_with_the_same_number_of_tokens(job: Job, trained: dict[str, list[dict[str, Any]]]):
    for way in DECODING:
        ready, one, three = run(way, job, {"rows": 1}, {"rows": 3})
        assert ready["read"] > 10_000, way.name
        assert one["tokens"] == job.answer - 1 and three["tokens"] == 3 * (job.answer - 1), way.name
        assert all(answer["first"] > 0 and answer["seconds"] > 0 for answer in (one, three)), way.name


def test_the_floor_is_the_work_of_the_frozen_matrices(job: Job):
    ready, *said, read = run(FLOOR, job, {"step": 1, "seconds": 0.05}, {"step": 0, "seconds": 0.0}, {"read": True})
    assert (ready["device"], ready["dtype"], ready["layers"], ready["width"]) == ("cpu", "float32", 2, 48)
    assert ready["slower_in_float32"] == 1.0
    body = 2 * (2 * 48 * 48 + 2 * 48 * 24 + 3 * 48 * 96)  # q and o; k and v of half the heads; gate, up and down
    for micro, step in zip((job.steps[1], job.steps[0]), said, strict=True):
        tokens, learned = sum(len(batch.ids) for batch in micro), sum(int(batch.trained.sum()) for batch in micro)
        assert step["flops"] * step["seconds"] == pytest.approx(4 * (tokens * body + learned * 48 * ready["vocabulary"]))
        assert step["tokens"] == tokens and 1e8 < read["speed"] < 1e13


def test_the_devices_own_memory_is_looked_at_and_waited_for():
    pace = Pace(io.StringIO(), io.StringIO())
    settle(pace, "cpu")
    before = pace.peak
    settle(pace, "cuda")
    assert before is not pace.peak and pace.finish.__name__ == "synchronize"
