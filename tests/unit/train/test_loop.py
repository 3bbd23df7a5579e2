import math

import pytest

from pete.config import Config, ModelConfig
from pete.data.batch import Sequencer, in_batches
from pete.data.examples import Example
from pete.data.render import Renderer
from pete.engines import open_trainer
from pete.engines.protocol import LossSum, StepResult
from pete.errors import BaseModelError, UserError, WorkError
from pete.events import Finished, Sampled, Saved, Started, Step, Validated, Warned
from pete.persona import PLAIN_TEMPLATE
from pete.train.checkpoint import Progress, newest
from pete.train.loop import Job, Stop, train


def setting(tmp_path, **train_section):
    config = Config.model_validate(
        {"engine": {"name": "fake"}, "optim": {"warmup_steps": 2, "learning_rate": 0.05},
         "train": {"steps": 12, "micro_batch": 2, "accumulation": 1, "eval_every": 4, "save_every": 5} | train_section}
    )  # fmt: skip
    engine = open_trainer(config)
    engine.load(ModelConfig(base="fake"))
    renderer = Renderer(engine.base.folder, template=PLAIN_TEMPLATE, system="", context=2048)
    rows = [renderer.example(Example(prompt=f"p{i}", completion=f"the answer is {i}")) for i in range(10)]
    return config, engine, Sequencer(rows[:8], config), list(in_batches(rows[8:]))


def run(tmp_path, stop=lambda: False, valid=True, **train_section):
    config, engine, sequencer, batches = setting(tmp_path, **train_section)
    trainable = engine.add_lora(config.lora)
    return list(train(Job(engine, sequencer, batches if valid else [], config, tmp_path, {}, Progress(), trainable, stop)))


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
    from pete.engines.fake import FakeEngine

    real, calls = FakeEngine.train_step, []

    def sometimes(self, micro, lr):
        calls.append(1)
        return StepResult(float("nan"), 5, 1.0) if len(calls) == 7 else real(self, micro, lr)

    monkeypatch.setattr(FakeEngine, "train_step", sometimes)
    with pytest.raises(WorkError, match=r"Step 7: .*diverged") as error:
        run(tmp_path)
    assert "learning_rate" in error.value.hint and newest(tmp_path)[1].step == 5


def test_the_base_is_a_candidate_and_the_first_look_below_it_is_a_note(tmp_path):
    config, engine, sequencer, batches = setting(tmp_path)
    config = config.model_copy(update={"optim": config.optim.model_copy(update={"learning_rate": 50.0})})
    trainable = engine.add_lora(config.lora)
    events = list(train(Job(engine, sequencer, batches, config, tmp_path, {}, Progress(), trainable, lambda: False)))
    checks = [e for e in events if isinstance(e, Validated)]
    assert len(checks) == 4 and all(e.loss > checks[0].loss for e in checks[1:]), "the fault happened"
    assert not any(e.best for e in checks)
    assert (events[-1].reason, events[-1].best_step, events[-1].best_loss) == ("not better", 0, checks[0].loss)
    notes = [e.message for e in events if isinstance(e, Warned)]
    assert len(notes) == 1 and "at step 4" in notes[0] and "worse than" in notes[0] and "learning_rate" in notes[0]
    kept = newest(tmp_path)[1]
    assert (kept.step, kept.best_step, kept.base_loss) == (12, 0, checks[0].loss)


def test_without_validation_rows_nothing_can_be_said_of_the_base(tmp_path):
    assert run(tmp_path, valid=False)[-1].reason == "done"


def broken_from(monkeypatch, call):
    """From this look at the validation rows on, its loss is no number."""
    from pete.engines.fake import FakeEngine

    real, looks = FakeEngine.loss, []

    def loss(self, batch):
        looks.append(1)
        found = real(self, batch)
        return LossSum(tuple(math.nan for _ in found.nats), found.tokens) if len(looks) >= call else found

    monkeypatch.setattr(FakeEngine, "loss", loss)


def test_a_base_that_computes_no_numbers_is_named_at_the_first_look(tmp_path, monkeypatch):
    broken_from(monkeypatch, 1)
    with pytest.raises(BaseModelError, match=r"base model fake itself computes no numbers.*nan") as error:
        run(tmp_path)
    assert "learning_rate" not in error.value.hint and "float32" in error.value.hint and newest(tmp_path) is None


def test_without_validation_rows_it_is_named_at_the_first_step(tmp_path, monkeypatch):
    from pete.engines.fake import FakeEngine

    monkeypatch.setattr(FakeEngine, "train_step", lambda self, micro, lr: StepResult(math.nan, 5, math.nan))
    with pytest.raises(BaseModelError, match="itself computes no numbers"):
        run(tmp_path, valid=False)


def test_a_validation_that_is_no_number_later_has_diverged_and_is_never_the_best(tmp_path, monkeypatch):
    broken_from(monkeypatch, 3)
    with pytest.raises(WorkError, match=r"Step 8: the validation loss is nan; training has diverged"):
        run(tmp_path)
    kept = newest(tmp_path)[1]
    assert kept.step == 5 and kept.best_step == 4 and math.isfinite(kept.best_loss)


def test_a_sample_that_fails_is_a_note_and_the_next_is_tried(tmp_path):
    config, engine, sequencer, batches = setting(tmp_path, sample_every=3)
    asked = []

    def sample():
        asked.append(1)
        if len(asked) == 2:
            return "p", "answer"
        raise UserError("the prompt has 4000 tokens, and the model sees only 2048.")

    trainable = engine.add_lora(config.lora)
    events = list(train(Job(engine, sequencer, batches, config, tmp_path, {}, Progress(), trainable, lambda: False, sample)))
    assert len(asked) == 4 and [e.step for e in events if isinstance(e, Sampled)] == [6]
    assert {e.message for e in events if isinstance(e, Warned)} == {
        "no sample was drawn: the prompt has 4000 tokens, and the model sees only 2048."
    }
    assert events[-1].reason == "done"


def test_a_stop_is_requested_from_anywhere():
    stop = Stop()
    with stop:
        assert not stop()
        stop.request()
    assert stop() and stop.signal_number == 2
