import pytest

from pete.app import devices as module
from pete.app.devices import enough_micro_batches, idle, led, on_devices
from pete.app.preflight import describe
from pete.app.resume import resumed_training
from pete.app.train import new_training, train
from pete.config import resolve
from pete.errors import ConfigError, Interrupted, UserError
from pete.run import RunDir
from pete.train.loop import Stop
from pete.train.plan import Plan
from tests.unit.app.conftest import Heard


@pytest.fixture
def enough(monkeypatch) -> list[int]:
    """Devices there are: any number; what was asked for is kept."""
    asked: list[int] = []
    monkeypatch.setattr(module, "check_devices", lambda config: asked.append(config.train.devices))
    return asked


def torchrun(monkeypatch, rank: int, world: int) -> None:
    monkeypatch.setenv("RANK", str(rank))
    monkeypatch.setenv("WORLD_SIZE", str(world))


def test_a_number_of_devices_is_kept_with_who_named_it(enough, monkeypatch):
    plain = resolve(overrides=["train.devices=3"])
    assert on_devices(plain, None) is plain and enough == [3]
    asked = on_devices(plain, 2)
    assert (asked.config.train.devices, asked.sources["train.devices"]) == (2, "--devices")
    torchrun(monkeypatch, 0, 4)
    launched = on_devices(plain, None)
    assert (launched.config.train.devices, launched.sources["train.devices"]) == (4, "torchrun")
    assert on_devices(plain, 4).config.train.devices == 4 and enough == [3, 2, 4, 4]
    with pytest.raises(UserError, match="--devices 2, and torchrun has started 4"):
        on_devices(plain, 2)


def test_an_engine_that_trains_on_one_device_refuses_more_by_name():
    fake = resolve(overrides=["engine.name=fake", "model.base=fake"])
    assert on_devices(fake, 1).config.train.devices == 1
    with pytest.raises(ConfigError, match="the fake engine does not train on several") as error:
        on_devices(fake, 2)
    assert "--devices 1" in error.value.hint


def test_every_device_gets_a_micro_batch_in_a_new_run_and_it_is_said_once(enough, sets):
    training = new_training(None, None, [*sets, "train.accumulation=2"], 4)
    assert training.resolved.config.train.accumulation == 4 == training.prepared.sequencer.accumulation
    why = "raised from 2: a micro-batch for each of train.devices"
    assert training.resolved.sources["train.accumulation"] == why and training.prepared.notes == (f"train.accumulation = 4, {why}",)
    kept, notes = enough_micro_batches(resolve(overrides=["train.devices=4", "train.accumulation=4"]))
    assert (kept.config.train.accumulation, notes) == (4, ())
    for devices, accumulation in ((8, 1), (9, 2)):  # the plan may cut a micro-batch of 8 rows
        auto, _ = enough_micro_batches(resolve(overrides=[f"train.devices={devices}", "train.accumulation=1", "train.micro_batch=auto"]))
        assert auto.config.train.accumulation == accumulation


def test_a_run_that_goes_on_keeps_its_steps_and_says_which_devices_rest(enough, sets, tmp_path):
    stop = Stop()
    stop.request()
    with pytest.raises(Interrupted):
        train(new_training(None, None, sets), Heard(), stop, tmp_path / "run")
    training = resumed_training(RunDir(tmp_path / "run"), 3)
    assert (training.resolved.config.train.devices, training.resolved.config.train.accumulation) == (3, 1)
    assert training.prepared.notes == ("train.accumulation = 1 leaves 2 of 3 devices without work",)
    assert idle(resolve(overrides=["train.devices=2", "train.accumulation=2"])) == ()


def test_a_process_that_is_led_only_computes(monkeypatch):
    served = []
    monkeypatch.setattr(module, "serve_leader", lambda: served.append(True))
    assert not led()
    torchrun(monkeypatch, 0, 2)
    assert not led() and not served
    torchrun(monkeypatch, 1, 2)
    assert led() and served == [True]


def test_a_plan_says_what_it_assumes_of_several_devices(sets):
    prepared, plan = new_training(None, None, sets).prepared, Plan({}, 1, 2, 1.0, 1, 1.0)
    for device, words in (("cuda", "taken to be as fast as the one that was timed"), ("cpu", "share the cores that were timed")):
        heard = Heard()
        describe(prepared, plan, device, heard, 4)
        text = "\n".join(line for _, line in heard.lines)
        assert words in text and f"on each of 4 {device} devices" in text
    heard = Heard()
    describe(prepared, plan, "cpu", heard)
    assert not any("devices" in line for _, line in heard.lines)
