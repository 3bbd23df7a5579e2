"""The conductor, with processes that only say what such processes say."""

import itertools
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from pete.app import bench as verb
from pete.app import bench_record
from pete.app.bench import QUICK, SUSTAINED, Size, bench, expected, forecast, same_rows, weights
from pete.app.bench_record import Taken
from pete.app.notify import Silent
from pete.config import Config, resolve
from pete.data.batch import Batch
from pete.engines.bench import DECODING, TRAINING, Way
from pete.engines.bench.job import Job
from pete.errors import BaseModelError, UserError, WorkError
from pete.train.prepare import prepare

FACTS = {"device": "cpu", "dtype": "bfloat16", "dtype_reason": "why", "card": "", "threads": 1, "parameters": 10**8, "layers": 4,
         "width": 64, "vocabulary": 1000, "available": 50 * 10**9, "slower_in_float32": 3.0}  # fmt: skip
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
    clock: SimpleNamespace
    """`now`, which each step moves by what `takes` says of its way."""
    takes: dict[str, float]

    def __init__(self, way: Way, folder: Path) -> None:
        self.way, self.job, self.step = way, Job.read(folder), 0
        self.log.append((way.name, "start"))

    @classmethod
    def look_at_the_clock(cls) -> float:
        cls.clock.now += 1e-4
        return cls.clock.now

    def __enter__(self) -> "Played":
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append((self.way.name, "gone"))

    def stop(self, order: dict[str, Any]) -> bool:
        """Whether Ctrl-C comes while it is at an order."""
        return False

    def _fails(self, at: str) -> None:
        if self.broken.get(self.way.name) == at:
            raise WorkError(f"{self.way.title}: broke at {at}")

    def hear(self) -> dict[str, Any]:
        self._fails("hear")
        return {"peak": 10, "read": 10**6, **(self.facts if self.way.name == "floor" else {})}

    def ask(self, **order: Any) -> dict[str, Any]:
        self.log.append((self.way.name, order))
        self._fails("ask")
        if self.stop(order):
            raise KeyboardInterrupt
        name = self.way.name
        if name == "score":
            return {"loss": {"": 4.0, "ours": 3.0}.get(order["adapter"], 3.5)}
        if order.get("read"):
            return {"speed": 1e8}
        if rows := order.get("rows"):
            speed = {"generate": 10.0, "torch": 20.0, "llama": 50.0}[name]
            return {"tokens": 5 * rows, "seconds": 5 / speed, "first": 0.1, "peak": 20}
        tokens = sum(len(batch.ids) for batch in self.job.steps[order.get("step", self.step)])
        self.step += 1
        self.clock.now += self.takes.get(name, 0.0)
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
    given = {"log": [], "facts": dict(FACTS), "broken": {}, "clock": SimpleNamespace(now=0.0), "takes": {}}
    Here = type("Here", (Played,), given)
    for module in (verb, bench_record):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=Here.look_at_the_clock))
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
    assert len(by["ours"].tokens) == QUICK.steps and by["ours"].tokens == by["report"].tokens and found.finished
    assert by["ours"].learned > sum(by["ours"].tokens), "what warms up is learned too"
    assert {one.extent for one in device.trained} == {device.extent} and device.extent[:2] == (QUICK.warm_up, QUICK.steps)
    answers = {one.way: one for one in device.decoded}
    assert answers["llama"].over_peer == pytest.approx(5) and answers["llama"].of_floor == pytest.approx(50 / (1e8 / 1e6))
    assert answers["generate"].many.median == pytest.approx(8 * 10)
    assert json.loads((tmp_path / "out" / "bench.json").read_text())["devices"][0]["dtype"] == "bfloat16"
    assert (tmp_path / "out" / "bench.svg").read_text().startswith("<svg ")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["bench.json", "bench.svg"], "adapters and logs are gone"
    assert {"CUDA", "MPS", "MLX"} <= found.left_out.keys() and found.rows == 4


def test_they_take_their_steps_in_turn(config: Config, played: type[Played], tmp_path: Path):
    bench(config, Silent(), tmp_path / "out", quick=True, steps=2)
    steps = [(name, what) for name, what in played.log if what == {} or (isinstance(what, dict) and "step" in what)]
    assert steps.pop(0) == ("floor", {"step": 0, "seconds": SUSTAINED}), "for the forecast"
    each = [
        [("floor", {"step": number, "seconds": SUSTAINED}), *((way.name, {}) for way in TRAINING)] for number in range(2 + QUICK.warm_up)
    ]
    assert steps == list(itertools.chain(*each))
    rows = [(name, what["rows"]) for name, what in played.log if isinstance(what, dict) and "rows" in what]
    assert rows == [(way.name, rows) for way in DECODING for rows in (1, verb.TOGETHER)] * (1 + QUICK.repeats)
    gone = [name for name, what in played.log if what == "gone"]
    assert set(gone) == {name for name, what in played.log if what == "start"} and gone[-1] == "floor"


def test_without_room_for_all_they_come_one_after_the_other_ours_first_and_the_slowest_last(config, played, tmp_path):
    played.facts["available"] = 3 * 10**9
    heard = Heard()
    found = bench(config, heard, tmp_path / "out", quick=True, steps=2)
    asked = [name for name, what in played.log if what == {}]
    assert [name for name, _ in itertools.groupby(asked)] == ["ours", "loop", "trainer", "trl", "report"] and len(asked) == 5 * 3
    (device,) = found.devices
    assert [one.way for one in device.trained] == [way.name for way in TRAINING] and not device.together
    assert {one.of_floor for one in device.trained if one.way == "ours"} == {0.5} and device.floor.speed.median == 1000
    beside = [name for name, what in played.log if what in ({}, {"step": 0, "seconds": SUSTAINED})]
    assert beside[beside.index("ours") - 1] == "floor" and beside.count("floor") == 1 + len(TRAINING)
    assert any("one after the other" in line for line in heard.said)


def test_one_after_the_other_each_has_its_share_of_the_time(config, played, tmp_path, monkeypatch):
    played.facts["available"] = 3 * 10**9
    monkeypatch.setattr(verb, "QUICK", Size(steps=10, warm_up=2, rows=4, valid=4, answer=8, repeats=1, seconds=500.0))
    played.takes |= {"ours": 9.0, "loop": 30.0, "trainer": 40.0, "trl": 60.0, "report": 400.0, "floor": 200.0}
    heard = Heard()
    found = bench(config, heard, tmp_path / "out", quick=True)
    (device,) = found.devices
    extents = {one.way: one.extent[:2] for one in device.trained}
    assert extents == {"ours": (2, 9), "loop": (2, 1), "trainer": (1, 1), "trl": (0, 1), "report": (0, 1)}, "100 s each"
    by = {one.way: one for one in device.trained}
    assert by["report"].learned == by["report"].tokens[0] < by["trl"].learned + 1 < by["loop"].learned < by["ours"].learned
    assert device.extent == by["ours"].extent
    # another step than ours measured: its ratio is of the medians
    assert by["report"].ours_over == pytest.approx(50) and by["loop"].ours_over == pytest.approx(5)
    said = [line for line in heard.said if "stops after" in line]
    assert len(said) == 5 and any(line.startswith("Pete: stops after 11 of 12") for line in said)
    assert "first step is the measurement" in said[-1] and "first step" not in said[0]


def test_before_it_begins_it_says_about_how_long_it_will_be(config, played, tmp_path, monkeypatch):
    heard = Heard()
    bench(config, heard, tmp_path / "out", quick=True)
    first = next(at for at, line in enumerate(heard.said) if line.startswith("about "))
    assert "in all: the matrix products of one step alone take" in heard.said[first] and "loading" not in " ".join(heard.said[:first])


def test_a_forecast_is_of_what_the_shares_hold(config: Config, tmp_path: Path):
    rows = prepare(config).rendered["train"]
    job = Job(tmp_path, config, same_rows(rows, config, 5), [Batch.of(rows[:4])], [[1] * 100] * 8, 32)
    tokens = sum(len(batch.ids) for batch in job.steps[0])
    ways = [way for way in TRAINING if way.name in ("loop", "ours")]

    def seconds(of_products: float, together: bool, size: Size = QUICK, ways: Any = ways) -> float:
        taken = Taken(FACTS, "", together, size.warm_up, [1e10], {"tokens": tokens, "seconds": of_products, "flops": 1e9})
        return forecast(ways, taken, job, size)

    quick, slow = seconds(0.5, True), seconds(20.0, False)
    assert quick < 300 < slow < 600
    training = 2 * 20 / verb.OF_FLOOR + 2 * 20
    scoring = 3 * sum(len(batch.ids) for batch in job.valid) / tokens * 20 / verb.OF_FLOOR / 2
    assert training + scoring < slow < 3 * (training + scoring), "one step each, the floor's beside it; answers, and loading"
    assert seconds(20.0, False, ways=TRAINING) > slow + 3 * 512 * len(job.steps[0][0].lengths) / tokens * 20 / verb.OF_FLOOR
    assert seconds(20.0, False, verb.FULL) > slow + 2 * 300


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
    assert found.left_out["peft, Trainer"].endswith(f"broke at {at}") and "peft, Trainer" not in found.left_out["peft, Trainer"]


def test_an_answering_way_that_fails_is_left_out_and_ratios_to_it_are_none(config: Config, played: type[Played], tmp_path: Path):
    played.broken["generate"] = "ask"
    found = bench(config, Silent(), tmp_path / "out", quick=True, steps=1)
    assert [one.over_peer for one in found.devices[0].decoded] == [None, None] and "transformers" in found.left_out


def test_without_ours_there_is_no_bench_and_the_others_are_kept(config: Config, played: type[Played], tmp_path: Path):
    played.broken["ours"] = "ask"
    with pytest.raises(WorkError, match="Pete: broke at ask") as raised:
        bench(config, Silent(), tmp_path / "out", quick=True, steps=1)
    kept = json.loads((tmp_path / "out" / "bench.json").read_text())
    assert str(tmp_path / "out" / "bench.json") in raised.value.hint and not kept["finished"]
    assert [one["way"] for one in kept["devices"][0]["trained"]] == [way.name for way in TRAINING if not way.ours]
    assert not any(name == "score" for name, _ in played.log)


def test_what_is_measured_is_kept_as_it_comes(config, played, tmp_path):
    out, seen = tmp_path / "out", []

    def look(self: Played, order: dict[str, Any]) -> bool:
        if (out / "bench.json").exists():
            kept = json.loads((out / "bench.json").read_text())
            (device,) = kept["devices"]
            losses = [one["way"] for one in device["trained"] if one["held_out"] is not None]
            seen.append((self.way.name, [one["way"] for one in device["trained"]], losses, len(device["decoded"]), kept["left_out"]))
            assert kept["finished"] is False and (out / "bench.svg").read_text().startswith("<svg ")
        return False

    played.stop = look
    bench(config, Silent(), out, quick=True, steps=1)
    first = seen[0]
    assert first[:4] == ("loop", ["report"], [], 0) and {first[4][way.title] for way in (*TRAINING[1:], *DECODING)} == {"not reached"}
    assert first[4]["held-out loss"] == "not reached" and "the report's way" not in first[4]
    scored = [losses for name, _, losses, _, _ in seen if name == "score"]
    assert [len(losses) for losses in scored] == [0, 0, 1, 2, 3, 4]
    assert [decoded for name, _, _, decoded, _ in seen if name == "llama"] == [0, 0, 2, 2, 3, 3]
    kept = json.loads((out / "bench.json").read_text())
    assert kept["finished"] is True and "not reached" not in kept["left_out"].values()


@pytest.mark.parametrize(("at", "order"), [("trl", {}), ("score", {"adapter": "ours"}), ("llama", {"rows": 1})])
def test_a_stop_gives_what_there_is(config, played, tmp_path, at: str, order: dict[str, Any]):
    played.stop = lambda self, given: self.way.name == at and given == order
    found = bench(config, Silent(), tmp_path / "out", quick=True, steps=1)
    assert not found.finished and json.loads(json.dumps(found.record())) == json.loads((tmp_path / "out" / "bench.json").read_text())
    assert len(found.devices[0].trained) == (3 if at == "trl" else 5)
    assert ("TRL SFTTrainer" in found.left_out) == (at == "trl") and found.left_out["Pete, llama"] == "not reached"
    gone = [name for name, what in played.log if what == "gone"]
    assert sorted(gone) == sorted(name for name, what in played.log if what == "start")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["bench.json", "bench.svg"]


def test_a_stop_before_the_first_step_is_a_stop(config, played, tmp_path):
    played.stop = lambda self, given: self.way.name == "report"
    with pytest.raises(KeyboardInterrupt):
        bench(config, Silent(), tmp_path / "out", quick=True)
    assert not (tmp_path / "out" / "bench.json").exists()


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
    monkeypatch.setattr(verb, "QUICK", Size(steps=50, warm_up=1, rows=4, valid=4, answer=8, repeats=1, seconds=100.0))
    played.takes |= dict.fromkeys(SPEEDS, 6.0) | {"floor": 60.0}
    heard = Heard()
    found = bench(config, heard, tmp_path / "out", quick=True)
    assert found.devices[0].extent[:2] == (1, 2), "three rounds of 30 s"
    assert "rounds of training: stops after 3 of 51, for 1 min 40 s are meant for it" in heard.said
    played.takes |= dict.fromkeys(SPEEDS, 600.0)
    found = bench(config, heard, tmp_path / "out", quick=True)
    assert {one.extent[:2] for one in found.devices[0].trained} == {(0, 1)}, "nothing is left after what was to warm up"
    assert any("stops after 1 of 51" in line and "its first step is the measurement" in line for line in heard.said)
    monkeypatch.setattr(verb, "FULL", verb.QUICK)
    assert bench(config, heard, tmp_path / "out", steps=3).devices[0].extent[:2] == (1, 3), "who says how many is given as many"


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
    assert by["loop"] == by["trainer"] > by["trl"] > by["ours"] > weights(FACTS, "bfloat16")
    assert by["report"] > weights(FACTS, "float32") > weights(FACTS, "bfloat16")
    assert weights({**FACTS, "device": "cuda"}, "float32") == 4 * 10**8
