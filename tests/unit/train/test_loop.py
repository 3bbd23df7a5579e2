import pytest

from pete.config import Config, ModelConfig
from pete.data.batch import Sequencer, in_batches
from pete.data.examples import Example
from pete.data.render import Renderer
from pete.engines import open_engine
from pete.engines.protocol import StepResult
from pete.errors import WorkError
from pete.events import Finished, Saved, Started, Step, Validated
from pete.persona import PLAIN_TEMPLATE
from pete.train.checkpoint import Progress, newest
from pete.train.loop import train


def setting(tmp_path, **train_section):
    config = Config.model_validate(
        {"engine": {"name": "fake"}, "optim": {"warmup_steps": 2, "learning_rate": 0.05},
         "train": {"steps": 12, "micro_batch": 2, "accumulation": 1, "eval_every": 4, "save_every": 5} | train_section}
    )  # fmt: skip
    engine = open_engine(config)
    engine.load(ModelConfig(base="fake"))
    renderer = Renderer(engine.base.folder, template=PLAIN_TEMPLATE, system="", context=2048)
    rows = [renderer.example(Example(prompt=f"p{i}", completion=f"the answer is {i}")) for i in range(10)]
    return config, engine, Sequencer(rows[:8], config), list(in_batches(rows[8:]))


def run(tmp_path, stop=lambda: False, valid=True, **train_section):
    config, engine, sequencer, batches = setting(tmp_path, **train_section)
    trainable = engine.add_lora(config.lora)
    return list(train(engine, sequencer, batches if valid else [], config, tmp_path, {}, Progress(), trainable, stop))


def test_the_events_of_a_run(tmp_path):
    events = run(tmp_path)
    assert isinstance(events[0], Started) and isinstance(events[-1], Finished)
    assert [e.step for e in events if isinstance(e, Step)] == list(range(1, 13))
    checks = [e for e in events if isinstance(e, Validated)]
    assert [e.step for e in checks] == [0, 4, 8, 12], "the first is the base, before training"
    assert checks[-1].loss < checks[0].loss
    saves = {e.step for e in events if isinstance(e, Saved)}
    assert {5, 10, 12} | {e.step for e in checks if e.best} == saves
    best = min((e for e in checks if e.step), key=lambda e: e.loss)
    assert (events[-1].best_step, events[-1].best_loss, events[-1].reason) == (best.step, best.loss, "done")


def test_stopping_saves_at_once_and_says_so(tmp_path):
    asked = iter([False, False, True])
    events = run(tmp_path, stop=lambda: next(asked))
    assert isinstance(events[-2], Saved) and events[-2].step == 3
    assert events[-1].reason == "interrupted" and newest(tmp_path)[1].step == 3


def test_without_validation_rows_the_last_step_is_the_best(tmp_path):
    events = run(tmp_path, valid=False)
    assert not [e for e in events if isinstance(e, Validated)]
    assert events[-1].best_step == 12


def test_a_loss_that_is_not_a_number_stops_the_run_and_spares_the_checkpoints(tmp_path, monkeypatch):
    from pete.engines.fake_engine import FakeEngine

    real, calls = FakeEngine.train_step, []

    def sometimes(self, micro, lr):
        calls.append(1)
        return StepResult(float("nan"), 5, 1.0) if len(calls) == 7 else real(self, micro, lr)

    monkeypatch.setattr(FakeEngine, "train_step", sometimes)
    with pytest.raises(WorkError, match=r"Step 7: .*diverged") as error:
        run(tmp_path)
    assert "learning_rate" in error.value.hint and newest(tmp_path)[1].step == 5
