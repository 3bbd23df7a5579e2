"""pete train from its first word to its last: what is said before, during and after a run, and what a refusal costs."""

import json
import os
import re
import warnings
from contextlib import contextmanager
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from pete import events
from pete.cli import app
from pete.config import EngineConfig
from pete.engines.fake import FakeEngine
from pete.engines.protocol import Forecast
from pete.engines.torch import environment
from pete.errors import UserError, WorkError
from pete.machine.awake import Awake
from pete.machine.memory import Memory
from tests.pipeline.conftest import FAKE
from tests.unit.machine.macs import GIB, M1, M4_PRO, mac

FELL_BACK = (
    "The operator 'aten::linalg_svd' is not currently supported on the MPS backend and will fall back to run on the CPU. "
    "This may have performance implications."
)


class Night:
    """One training into `folder`, on a Mac on paper."""

    def __init__(self, monkeypatch, tmp_path, persona_folder) -> None:
        self.patch, self.persona, self.folder = monkeypatch, persona_folder, tmp_path / "run"
        self.awake = Awake(held=True, caution=False, words="held")
        self.happened: list[str] = []

        @contextmanager
        def keep_awake(pid: int):
            self.happened.append(f"held for {'us' if pid == os.getpid() else pid}")
            yield self.awake
            self.happened.append("let go")

        for key in environment(EngineConfig()):  # type: ignore[call-arg]
            monkeypatch.setenv(key, "")  # so that what training puts there is gone after the test
        monkeypatch.setattr("pete.machine.awake.keep_awake", keep_awake)
        monkeypatch.setattr("pete.machine.notify.notify", lambda text: self.happened.append(text))
        self.on(mac())

    def on(self, probes) -> None:
        self.patch.setattr("pete.machine.doctor.Probes", lambda: probes)

    def train(self, *args: str):
        command = ["train", "--persona", str(self.persona), "--out", str(self.folder), *FAKE, "--set", "train.steps=6", *args]
        return CliRunner().invoke(app, command, env={"COLUMNS": "140"})

    def told(self, kind: type) -> list:
        return [event for event in events.read(self.folder / "events.jsonl") if isinstance(event, kind)]


@pytest.fixture
def night(monkeypatch, tmp_path, persona_folder) -> Night:
    return Night(monkeypatch, tmp_path, persona_folder)


def test_before_it_begins_the_machine_and_the_plan_with_the_hour_it_ends(night: Night):
    done = night.train("--plan")
    assert done.exit_code == 0, done.output
    assert "Apple M4 Pro with 24 GB (15 GB free), macOS 26.1, torch 2.14.1, on mains power" in done.output
    assert "Ada on fake: 20 rows to learn from, 2 to choose the best step, 2 held out" in done.output
    assert re.search(r"work      6 steps of \d+ rows: [\d.]+ passes, [\d,]+ tokens", done.output)
    assert re.search(r"memory    [\d.]+ \w+ at the highest, [\d.]+ GB to be had on cpu", done.output)
    assert re.search(r"at 100,000 tokens a second: done about \d\d:\d\d", done.output)
    assert not night.folder.exists() and night.happened == []


def test_cautions_stand_before_the_plan_and_in_the_runs_record(night: Night):
    night.on(mac(M1, Memory(8 * GIB, GIB, 0)))
    done = night.train()
    assert done.exit_code == 0, done.output
    assert done.output.index("caution: On battery at 37%") < done.output.index("plan  ")
    (checked,) = night.told(events.Checked)
    assert {f["name"] for f in checked.findings if f["level"] == "caution"} >= {"power", "low power"}
    assert checked.machine["chip"] == "Apple M1" and "PYTORCH_ENABLE_MPS_FALLBACK" not in checked.machine
    (planned,) = night.told(events.Planned)
    assert planned.seconds > 0 and planned.tokens > 0 and planned.available > 0


def test_what_cannot_fit_is_refused_before_there_is_a_run_folder(night: Night):
    night.patch.setattr(FakeEngine, "estimate", lambda *_, **__: Forecast({"weights": 10**12, "activations": 10**11}, 8 * 10**9, 100.0))
    for more in ((), ("--plan",)):
        done = night.train(*more)
        assert isinstance(done.exception, UserError) and done.exception.exit_code == 2
        assert "This does not fit: training fake needs about 1024.5 GB on cpu" in done.exception.message
        assert "weights 931.3 GB, activations 93.1 GB" in done.exception.message and "--preset mac-8gb" in done.exception.hint
        assert "GB at the highest" in done.output, "the plan is shown, and then refused"
    assert not night.folder.exists() and night.happened == []


def test_a_machine_that_cannot_train_is_refused_before_there_is_a_run_folder(night: Night):
    night.on(mac(M4_PRO | {"sw_vers": "ProductVersion:\t\t13.7.2\n"}, disk=0))
    done = night.train()
    assert isinstance(done.exception, UserError) and done.exception.exit_code == 2
    assert "13.7.2" in done.exception.message and "not enough to save a checkpoint" in done.exception.message
    assert not night.folder.exists() and night.happened == []


def test_held_awake_while_it_trains_and_the_desktop_told_at_the_end(night: Night):
    done = night.train()
    assert done.exit_code == 0, done.output
    (finished,) = night.told(events.Finished)
    assert night.happened == ["held for us", "let go", f"run is trained: 6 steps, best at {finished.best_step}."]
    assert not night.told(events.Warned)
    assert "planned" in done.output and "began" in done.output and "6 of 6 steps" in done.output, "what happened meanwhile"


def test_a_mac_that_may_fall_asleep_is_a_warning_in_the_record(night: Night):
    night.awake = Awake(held=False, caution=True, words="caffeinate did not start")
    assert night.train().exit_code == 0
    assert [event.message for event in night.told(events.Warned)] == ["caffeinate did not start"]


def test_a_run_that_diverges_says_so_keeps_its_checkpoints_and_its_traceback(night: Night):
    real, seen = FakeEngine.train_step, []

    def step(self, micro, lr):
        seen.append(lr)
        result = real(self, micro, lr)
        return replace(result, nats=float("nan")) if len(seen) == 4 else result

    night.patch.setattr(FakeEngine, "train_step", step)
    done = night.train("--set", "train.save_every=2")
    assert isinstance(done.exception, WorkError) and done.exception.exit_code == 1
    assert "Step 4" in done.exception.message and "diverged" in done.exception.message and "learning_rate=" in done.exception.hint
    assert night.happened[-1].startswith("run failed: Step 4")
    (record,) = [json.loads(line) for line in (night.folder / "errors.jsonl").read_text().splitlines()]
    assert record["kind"] == "WorkError" and any("guard.py" in line for line in record["traceback"])
    assert (night.folder / "checkpoints" / "step-000002").is_dir() and not (night.folder / "adapter").exists()
    assert "WorkError" in (night.folder / "train.log").read_text()


def test_an_operator_that_leaves_the_gpu_is_told_and_other_warnings_are_only_logged(night: Night):
    real = FakeEngine.train_step

    def step(self, micro, lr):
        warnings.warn(FELL_BACK, stacklevel=1)
        warnings.warn("something about a cache", stacklevel=1)
        return real(self, micro, lr)

    night.patch.setattr(FakeEngine, "train_step", step)
    assert night.train().exit_code == 0
    (told,) = night.told(events.Warned)
    assert told.message == "aten::linalg_svd is computed on the CPU, PyTorch has it not for MPS: slower, and right"
    assert "something about a cache" in (night.folder / "train.log").read_text()


def test_samples_while_it_trains_only_when_asked_for(night: Night):
    assert night.train("--set", "train.sample_every=2").exit_code == 0
    sampled = night.told(events.Sampled)
    assert [event.step for event in sampled] == [2, 4, 6]
    assert len({event.prompt for event in sampled}) == 3 and all(event.prompt.startswith("Ask ") for event in sampled)
    night.folder = night.folder.with_name("another")
    assert night.train().exit_code == 0 and not night.told(events.Sampled)
