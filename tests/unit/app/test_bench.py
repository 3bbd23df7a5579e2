"""The conductor, with processes that only say what such processes say."""

import itertools
import json
from pathlib import Path
from typing import Any

import psutil
import pytest

from pete.app import bench as verb
from pete.app.bench import Size, bench, expected, same_rows, weights
from pete.app.notify import Silent
from pete.config import Config, resolve
from pete.engines.bench import DECODING, TRAINING, Way
from pete.engines.bench.job import Job
from pete.errors import BaseModelError, UserError, WorkError
from pete.train.prepare import prepare

FACTS = {"device": "cpu", "dtype": "bfloat16", "dtype_reason": "why", "card": "", "threads": 1, "parameters": 10**8, "layers": 4,
         "width": 64, "vocabulary": 1000, "available": 50 * 10**9}  # fmt: skip
SPEEDS = {"floor": 1000.0, "report": 10.0, "loop": 100.0, "trainer": 50.0, "trl": 25.0, "ours": 500.0}


class Heard(Silent):
    def __init__(self) -> None:
        self.said: list[str] = []

    def message(self, text: str, level: str = "info") -> None:
        self.said.append(text)


class Played:
    """A process that is none. What all of them did, in order, is in `log`."""

    log: list[tuple[str, Any]]
    facts: dict[str, Any]
    broken: dict[str, str]
    """Way -> what it fails at: hear, ask or end."""

    def __init__(self, way: Way, folder: Path) -> None:
        self.way, self.job, self.step = way, Job.read(folder), 0
        self.log.append((way.name, "start"))

    def __enter__(self) -> "Played":
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append((self.way.name, "gone"))

    def _fails(self, at: str) -> None:
        if self.broken.get(self.way.name) == at:
            raise WorkError(f"{self.way.title}: broke at {at}")

    def hear(self) -> dict[str, Any]:
        self._fails("hear")
        return {"peak": 10, "read": 10**6, **(self.facts if self.way.name == "floor" else {})}

    def ask(self, **order: Any) -> dict[str, Any]:
        self.log.append((self.way.name, order))
        self._fails("ask")
        name = self.way.name
        if name == "score":
            return {"loss": {"": 4.0, "ours": 3.0}.get(order["adapter"], 3.5)}
        if order.get("read"):
            return {"speed": 1e8}
        if rows := order.get("rows"):
            speed = {"generate": 10.0, "torch": 20.0, "llama": 50.0}[name]
            return {"tokens": 5 * rows, "seconds": 5 / speed, "first": 0.1, "peak": 20}
        tokens = sum(len(batch.ids) for batch in self.job.steps[self.step])
        self.step += 1
        return {"tokens": tokens, "seconds": tokens / SPEEDS[name], "peak": 30, "loss": 1.0, "flops": 2e9}

    def end(self) -> None:
        self._fails("end")
        self.log.append((self.way.name, "end"))


@pytest.fixture
def config(persona_folder: Path, tmp_path: Path) -> Config:
    given = {"data.persona": persona_folder, "model.base": "fake", "data.max_length": 2000, "train.micro_batch": 8,
             "engine.device": "cpu", "optim.warmup_steps": 0}  # fmt: skip
    return resolve("quickstart", None, [f"{key}={value}" for key, value in given.items()]).config


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> type[Played]:
    Here = type("Here", (Played,), {"log": [], "facts": dict(FACTS), "broken": {}})
    monkeypatch.setattr(verb, "Process", Here)
    monkeypatch.setattr(verb, "_busy_cores", lambda: 0.0)
    monkeypatch.setattr(verb, "_cpu_seconds", lambda: 0.0)
    monkeypatch.setattr(Way, "missing", property(lambda way: []))
    return Here


def test_ratios_are_of_the_same_round_and_files_are_written(config: Config, played: type[Played], tmp_path: Path):
    found = bench(config, Silent(), tmp_path / "out", quick=True)
    (device,) = found.devices
    by = {one.way: one for one in device.trained}
    assert [one.way for one in device.trained] == [way.name for way in TRAINING]
    assert by["trl"].ours_over == pytest.approx(20) and by["ours"].ours_over == 1.0 and by["ours"].of_floor == pytest.approx(0.5)
    assert by["ours"].speed.median == pytest.approx(500) and by["ours"].held_out == 3.0 and device.base_loss == 4.0
    assert len(by["ours"].tokens) == found.steps == verb.QUICK.steps and by["ours"].tokens == by["report"].tokens
    assert found.learned > sum(by["ours"].tokens), "what warms up is learned too"
    answers = {one.way: one for one in device.decoded}
    assert answers["llama"].over_peer == pytest.approx(5) and answers["llama"].of_floor == pytest.approx(50 / (1e8 / 1e6))
    assert answers["generate"].many.median == pytest.approx(8 * 10)
    assert json.loads((tmp_path / "out" / "bench.json").read_text())["devices"][0]["dtype"] == "bfloat16"
    assert (tmp_path / "out" / "bench.svg").read_text().startswith("<svg ")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["bench.json", "bench.svg"], "adapters and logs are gone"
    assert {"CUDA", "MPS", "MLX"} <= found.left_out.keys() and found.rows == 4


def test_they_take_their_steps_in_turn(config: Config, played: type[Played], tmp_path: Path):
    bench(config, Silent(), tmp_path / "out", quick=True, steps=2)
    asked = [name for name, what in played.log if what == {}]
    assert asked == ["floor", *(way.name for way in TRAINING)] * (2 + verb.QUICK.warm_up)
    rows = [(name, what["rows"]) for name, what in played.log if isinstance(what, dict) and "rows" in what]
    assert rows == [(way.name, rows) for way in DECODING for rows in (1, verb.TOGETHER)] * (1 + verb.QUICK.repeats)
    gone = [name for name, what in played.log if what == "gone"]
    assert set(gone) == {name for name, what in played.log if what == "start"} and gone[-1] == "floor"


def test_without_room_for_all_they_come_one_after_the_other(config: Config, played: type[Played], tmp_path: Path):
    played.facts["available"] = 3 * 10**9
    heard = Heard()
    found = bench(config, heard, tmp_path / "out", quick=True, steps=2)
    asked = [name for name, what in played.log if what == {}]
    assert asked[:6] == ["floor", "report"] * 3 and asked[6:9] == ["loop"] * 3 and not found.devices[0].together
    assert any("one after the other" in line for line in heard.said)


def test_a_way_that_does_not_fit_is_left_out_and_a_base_that_does_not_is_refused(config: Config, played: type[Played], tmp_path: Path):
    played.facts["available"] = weights(FACTS, "bfloat16") + 1
    found = bench(config, Silent(), tmp_path / "out", quick=True, steps=1)
    assert [one.way for one in found.devices[0].trained] == [way.name for way in TRAINING if way.name != "report"]
    assert "does not fit: its weights need" in found.left_out["the report's way"]
    played.facts["available"] = weights(FACTS, "bfloat16") - 1
    with pytest.raises(UserError, match=r"fake does not fit: in bfloat16 its weights and one process need 0\.8 GB, and 0\.8 GB can be had"):
        bench(config, Silent(), tmp_path / "out", quick=True)


@pytest.mark.parametrize("at", ["hear", "ask", "end"])
def test_one_that_fails_is_named_and_the_others_go_on(config: Config, played: type[Played], tmp_path: Path, at: str):
    played.broken["trainer"] = at
    found = bench(config, Silent(), tmp_path / "out", quick=True, steps=1)
    assert "trainer" not in [one.way for one in found.devices[0].trained] and len(found.devices[0].trained) == len(TRAINING) - 1
    assert found.left_out["peft, Trainer"].endswith(f"broke at {at}")


def test_an_answering_way_that_fails_is_left_out_and_ratios_to_it_are_none(config: Config, played: type[Played], tmp_path: Path):
    played.broken["generate"] = "ask"
    found = bench(config, Silent(), tmp_path / "out", quick=True, steps=1)
    assert [one.over_peer for one in found.devices[0].decoded] == [None, None] and "transformers" in found.left_out


def test_without_ours_there_is_no_bench(config: Config, played: type[Played], tmp_path: Path):
    played.broken["ours"] = "ask"
    with pytest.raises(WorkError, match="Pete: broke at ask"):
        bench(config, Silent(), tmp_path / "out", quick=True, steps=1)


def test_a_mac_is_measured_on_both_devices_and_its_cpu_remains_where_the_gpu_does_not_work(
    config: Config, played: type[Played], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    class Mac(played):  # type: ignore[misc, valid-type]
        gpu = True

        def hear(self) -> dict[str, Any]:
            device = self.job.config.engine.device
            if self.way.name == "floor" and device == "mps" and not self.gpu:
                raise WorkError("matrix floor: none here")
            return {**super().hear(), **({"device": device} if self.way.name == "floor" else {})}

    monkeypatch.setattr(verb, "Process", Mac)
    monkeypatch.setattr(verb.platform, "system", lambda: "Darwin")
    auto = config.model_copy(update={"engine": config.engine.model_copy(update={"device": "auto"})})
    both = bench(auto, Silent(), tmp_path / "both", quick=True, steps=1)
    assert [one.device for one in both.devices] == ["cpu", "mps"] and both.left_out.keys() == {"CUDA", "MLX"}
    assert len(bench(config, Silent(), tmp_path / "asked", quick=True, steps=1).devices) == 1, "engine.device = cpu asks for one"
    monkeypatch.setattr(Mac, "gpu", False)
    one = bench(auto, Silent(), tmp_path / "one", quick=True, steps=1)
    assert [each.device for each in one.devices] == ["cpu"] and one.left_out["MPS"] == "matrix floor: none here"


def test_training_stops_in_time(config: Config, played: type[Played], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verb, "QUICK", Size(steps=50, warm_up=1, rows=4, valid=4, answer=8, repeats=1, seconds=0.0))
    heard = Heard()
    found = bench(config, heard, tmp_path / "out", quick=True)
    assert found.steps == 1 and any("training stops after 2 rounds" in line for line in heard.said)


def test_peers_that_are_not_installed_are_named_with_the_command(config, played, tmp_path, monkeypatch):
    monkeypatch.setattr(Way, "missing", property(lambda way: ["datasets"] if way.needs else []))
    heard = Heard()
    found = bench(config, heard, tmp_path / "out", quick=True, steps=1)
    assert found.left_out["TRL SFTTrainer"] == "datasets not installed: pete install bench"
    assert "trl" not in [one.way for one in found.devices[0].trained] and any("pete install bench" in line for line in heard.said)


def test_a_busy_machine_is_said_before_anything_is_measured(config, played, tmp_path, monkeypatch):
    monkeypatch.setattr(verb, "_busy_cores", lambda: 1.5)
    monkeypatch.setattr(verb, "_cores", lambda: 2)
    heard = Heard()
    found = bench(config, heard, tmp_path / "out", quick=True, steps=1)
    assert heard.said[0].startswith("this machine is busy: 1.5 of 2 cores") and found.load.busy and found.load.before == 1.5


def test_the_load_is_measured_on_this_machine():
    assert 0 <= verb._busy_cores() <= (psutil.cpu_count() or 1) and verb._cpu_seconds() > verb._own_seconds() > 0


def test_a_base_that_nobody_knows_is_refused_before_anything_is_started(config, played, tmp_path):
    unknown = config.model_copy(update={"model": config.model.model_copy(update={"base": "nosuch"})})
    with pytest.raises(BaseModelError, match="nosuch"):
        bench(unknown, Silent(), tmp_path / "out")
    assert not played.log


def test_all_rows_of_about_a_length_stand_together(config: Config):
    given = config.model_copy(update={"train": config.train.model_copy(update={"micro_batch": 4, "accumulation": 2})})
    rows = prepare(given).rendered["train"]
    steps = same_rows(rows, given, 5)
    assert [len(micro) for micro in steps] == [2] * 5 and all(len(batch.lengths) == 4 for micro in steps for batch in micro)
    batches = sorted((batch.lengths for micro in steps for batch in micro), key=max)
    assert all(max(short) <= min(long) for short, long in itertools.pairwise(batches))
    again = same_rows(rows, given, 5)
    assert [[b.lengths for b in micro] for micro in steps] == [[b.lengths for b in micro] for micro in again]


def test_logits_of_all_positions_are_expected_of_those_who_make_them(config: Config, played, tmp_path: Path):
    rows = prepare(config).rendered["train"]
    job = Job(tmp_path, config, same_rows(rows, config, 1), [], [], 1)
    by = {way.name: expected(way, FACTS, job) for way in TRAINING}
    assert by["loop"] == by["trainer"] > by["trl"] == by["ours"] > weights(FACTS, "bfloat16")
    assert by["report"] > weights(FACTS, "float32") > weights(FACTS, "bfloat16")
    assert weights({**FACTS, "device": "cuda"}, "float32") == 4 * 10**8
