"""The torch engine on two devices against the same engine on one: the same steps, and the same adapter."""

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from safetensors.numpy import load_file
from typer.testing import CliRunner

from pete import events
from pete.cli import app
from pete.config import Config, LoraConfig
from pete.data.batch import Batch
from pete.engines import on_devices, open_trainer
from pete.engines.protocol import RankLost, StepResult, Trainer
from pete.errors import WorkError
from tests import forks
from tests.conftest import small_persona
from tests.engines.test_torch_engine import rows_of

WEIGHTS = "adapter_model.safetensors"
LORA = LoraConfig(rank=4, alpha=8.0, dropout=0.2)
"""With dropout: what it leaves out is the same on any number of devices."""


def config_for(folder: Path, devices: int = 1) -> Config:
    model = {"base": str(folder), "dtype": "float32"}
    return Config.model_validate(
        {"model": model, "engine": {"device": "cpu"}, "lora": LORA.model_dump(), "train": {"epochs": 1, "devices": devices}}
    )


@pytest.fixture(scope="module")
def two(tiny_models) -> Iterator[Trainer]:
    """The engine on two devices; gloo, whatever the others are tested on."""
    with pytest.MonkeyPatch.context() as patched:
        if sys.platform == "linux":
            patched.setattr("pete.engines.torch.ranks.subprocess", forks.WITH_TORCH)
        with on_devices(config_for(tiny_models["llama"], 2)) as engine:
            assert engine.devices == 2
            yield engine


@pytest.fixture
def one(tiny_models) -> Trainer:
    return open_trainer(config_for(tiny_models["llama"]))


def steps_of(engine: Trainer, first: int, last: int, micro_batches: int) -> list[StepResult]:
    """Steps of micro-batches of two unequal rows each, other ones in each step."""
    found = []
    for step in range(first, last):
        rows = rows_of([7 + step + 3 * row for row in range(2 * micro_batches)])
        found.append(engine.train_step([Batch.of(rows[at : at + 2]) for at in range(0, len(rows), 2)], 1e-3))
    return found


def saved(engine: Trainer, folder: Path) -> dict[str, np.ndarray]:
    folder.mkdir()
    engine.save(folder, with_optimizer=True)
    return load_file(folder / WEIGHTS)


def far(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> float:
    assert one.keys() == other.keys()
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


@pytest.mark.parametrize("micro_batches", [4, 3, 1])
def test_two_devices_take_the_steps_that_one_takes(two, one, tiny_models, tmp_path, micro_batches):
    """Also where they have unequal shares, and where one has none."""
    found, weights, scored = [], [], []
    for engine in (one, two):
        engine.load(config_for(tiny_models["llama"]).model)
        assert engine.add_lora(LORA) > 0
        before = saved(engine, tmp_path / f"{engine.devices}-before")
        found.append(steps_of(engine, 0, 6, micro_batches))
        weights.append(saved(engine, tmp_path / f"{engine.devices}"))
        assert far(before, weights[-1]) > 1e-3, "it has learned"
        scored.append(engine.losses([Batch.of(rows_of([length, 9])) for length in (11, 12, 13)]))
    for alone, together in zip(*found, strict=True):
        assert together.tokens == alone.tokens
        assert together.nats == pytest.approx(alone.nats, rel=1e-6)
        assert together.grad_norm == pytest.approx(alone.grad_norm, rel=1e-5)
    assert far(*weights) < 1e-6
    for alone, together in zip(*scored, strict=True):
        assert together.tokens == alone.tokens and together.nats == pytest.approx(alone.nats, rel=1e-6)


@pytest.mark.parametrize("first", ["one", "two"])
def test_what_one_number_of_devices_has_begun_another_ends(two, one, tiny_models, tmp_path, first):
    begins, ends = (one, two) if first == "one" else (two, one)
    model = config_for(tiny_models["llama"]).model
    begins.load(model)
    begins.add_lora(LORA)
    steps_of(begins, 0, 3, 3)
    saved(begins, tmp_path / "half")
    steps_of(begins, 3, 6, 3)
    straight = saved(begins, tmp_path / "straight")
    ends.load(model, tmp_path / "half")
    steps_of(ends, 3, 6, 3)
    assert far(straight, saved(ends, tmp_path / "ended")) < 1e-6


def test_a_row_that_is_left_out_by_dropout_depends_on_nothing_that_came_before(one, tiny_models):
    """Two engines that have drawn other numbers in between take the same steps."""
    found = []
    for noise in (0, 1000):
        one.load(config_for(tiny_models["llama"]).model)
        one.add_lora(LORA)
        steps_of(one, 0, 1, 2)
        torch.rand(noise)
        found.append(steps_of(one, 1, 3, 2))
    assert found[0] == found[1]
    one.load(config_for(tiny_models["llama"]).model)
    one.add_lora(LORA.model_copy(update={"dropout": 0.0}))
    assert [r.nats for r in steps_of(one, 0, 3, 2)][1:] != [r.nats for r in found[0]], "there was dropout"


def test_what_another_rank_cannot_do_is_told_with_its_number(two, tiny_models):
    """The last test of these two: what a rank could not do ends both."""
    two.load(config_for(tiny_models["llama"]).model)
    two.add_lora(LORA)
    beyond = Batch(np.full(8, 10**6, dtype=np.int32), np.arange(8) > 3, (8,))  # ids that the base has not
    with pytest.raises(WorkError, match=r"Rank 1 of 2: IndexError") as error:
        two.train_step([Batch.of(rows_of([8])), beyond], 1e-3)
    assert not isinstance(error.value, RankLost)


# --- the real command line ---------------------------------------------------------------------------------------------


SETTINGS = [
    "model.dtype=float32", "engine.device=cpu", "train.steps=24", "train.micro_batch=2", "train.accumulation=1", "train.save_every=8",
    "train.eval_every=12", "optim.warmup_steps=2", "optim.learning_rate=0.005", "lora.dropout=0.1", "tracking.wandb=off",
    "data.rewrite_share=0",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory, tiny_models) -> tuple[Path, list[str], dict[str, str]]:
    """A folder, what a training there is asked, and more of its environment."""
    folder = tmp_path_factory.mktemp("devices")
    sets = [part for value in (f"model.base={tiny_models['llama']}", *SETTINGS) for part in ("--set", value)]
    environment = {"PETE_CACHE": str(folder / "cache"), "PETE_RUNS": str(folder / "runs"), "OMP_NUM_THREADS": "1"}
    return folder, ["train", "--persona", str(small_persona(folder / "persona")), *sets], environment


def servants(pid: int) -> list[psutil.Process]:
    """The ranks that a leader has started."""
    return [one for one in psutil.Process(pid).children() if "pete.engines.torch.parallel" in one.cmdline()]


TORCHRUN = """
import sys
from torch.distributed import run
from pete.cli import main

def rank(*words):
    sys.argv = ["pete", *words]
    try:
        main()
    except SystemExit as left:
        assert not left.code

def launch(config, entrypoint, whole=run.elastic_launch):
    config.start_method = "fork"
    return lambda *command: whole(config, rank)(*command[command.index("pete") + 1 :])

if sys.platform == "linux":
    run.elastic_launch = launch
run.main()
"""
"""torchrun, whose ranks need not import PyTorch again: they are forked where that may be."""


@pytest.fixture(scope="module")
def by_torchrun(place) -> Path:
    """A run of two ranks that torchrun has started."""
    folder, train, environment = place
    run = folder / "torchrun"
    ranks = ["--standalone", "--nproc-per-node", 2, "-m", "pete"]
    done = forks.run(*ranks, *train, "--out", run, script=TORCHRUN, torch=True, **environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("run folder:") == 1, "rank 0 alone speaks"
    return run


def test_torchrun_gives_one_run_on_two_devices(by_torchrun):
    text = (by_torchrun / "config.toml").read_text()
    assert "devices = 2  # torchrun" in text
    assert "accumulation = 2  # raised from 1: a micro-batch for each of train.devices" in text
    (started,) = (event for event in events.read(by_torchrun / "events.jsonl") if isinstance(event, events.Started))
    assert started.devices == 2
    notes = [event.message for event in events.read(by_torchrun / "events.jsonl") if isinstance(event, events.Warned)]
    assert sum("raised from 1" in note for note in notes) == 1
    assert (by_torchrun / "adapter" / WEIGHTS).is_file()


def test_a_killed_rank_ends_the_run_which_goes_on_with_one_device(place, by_torchrun, monkeypatch):
    folder, train, environment = place
    run = folder / "killed"
    process = forks.start(*train, "--out", run, "--devices", 2, torch=True, **environment)
    tail, end = events.Tail(run / "events.jsonl"), time.monotonic() + 300
    while not any(isinstance(event, events.Step) and event.step >= 10 for event in tail.poll()[1]):
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.01)
    (servant,) = servants(process.pid)
    servant.send_signal(signal.SIGKILL)
    began = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and time.monotonic() - began < 30
    assert f"Rank 1 of 2 is gone: process {servant.pid}, killed by SIGKILL." in said and f"pete resume {run}" in said
    assert not (run / "adapter").exists() and (run / "checkpoints" / "step-000008").is_dir()
    assert "Rank 1 of 2 is gone" in (run / "errors.jsonl").read_text()

    monkeypatch.setenv("PETE_CACHE", environment["PETE_CACHE"])
    done = CliRunner().invoke(app, ["resume", str(run), "--devices", "1"])  # here, where PyTorch is imported already
    assert done.exit_code == 0, done.output
    started = [event.devices for event in events.read(run / "events.jsonl") if isinstance(event, events.Started)]
    assert started == [2, 1]
    assert far(load_file(run / "adapter" / WEIGHTS), load_file(by_torchrun / "adapter" / WEIGHTS)) < 1e-5
