import math
from dataclasses import replace

import numpy as np
import pytest

from pete.config import resolve
from pete.data.batch import Sequencer, pairs
from pete.data.render import Rendered
from pete.engines.fake import FakeEngine
from pete.engines.protocol import Forecast
from pete.errors import UserError
from pete.train.plan import Plan, make_plan, settle
from pete.train.prepare import prepare
from pete.words import GB

FAKE = ["engine.name=fake", "model.base=fake", "data.max_length=2000", "train.micro_batch=2", "train.accumulation=3",
        "optim.warmup_steps=1", "train.epochs=3"]  # fmt: skip


@pytest.fixture
def prepared(persona_folder):
    config = resolve("quickstart", None, [*FAKE, f'data.persona="{persona_folder}"']).config
    return config, prepare(config)


class Asked(FakeEngine):
    """A fake engine that keeps what it was asked to estimate."""

    def estimate(self, base, model, lora, *, largest, typical, scored):
        self.asked = (len(largest.ids), len(scored.ids))
        return Forecast({"weights": 30, "activations": 12}, 40, 50.0)


def test_the_plan_counts_what_the_training_will_do(prepared):
    config, ready = prepared
    engine = Asked(config)
    plan = make_plan(engine, ready, config)
    micro = [batch for step in ready.sequencer.steps_from(0) for batch in step]
    assert plan.tokens == sum(len(batch.ids) for batch in micro) > 0
    assert engine.asked[0] == max(len(batch.ids) for batch in micro)
    assert engine.asked[1] == max(len(batch.ids) for batch in ready.valid)
    looks = 1 + -(-ready.sequencer.steps // config.train.eval_every)
    assert plan.seconds == pytest.approx((plan.tokens + looks * sum(len(b.ids) for b in ready.valid) / 2) / 50)
    assert (plan.memory, plan.available, plan.tokens_per_second) == (42, 40, 50.0)


def row_of(length):
    return Rendered(np.zeros(length, np.int32), np.ones(length, bool), length)


class Rectangles(FakeEngine):
    """A fake engine whose activations are the scores of attention, and which keeps what it was asked to estimate."""

    def estimate(self, base, model, lora, *, largest, typical, scored):
        self.asked = [*getattr(self, "asked", []), (largest.lengths, typical is not None)]
        return Forecast({"activations": max(pairs(largest.lengths), pairs(scored.lengths))}, 1000, 50.0 if typical else math.nan)


def test_the_highest_point_is_sought_in_the_widest_rectangle_too(prepared):
    """8 rows of 400 and 7 x 30 tokens hold fewer tokens than 8 x 90, and 19 times the scores."""
    config, ready = prepared
    config = config.model_copy(update={"train": config.train.model_copy(update={"micro_batch": 8, "accumulation": 1})})
    mixed, even = (400, *[30] * 7), (90,) * 8
    assert sum(mixed) < sum(even) and pairs(mixed) > 19 * pairs(even)

    class Two(Sequencer):
        def micro_batches(self, first=0):
            yield from ([row_of(n) for n in lengths] for lengths in (mixed, even))

    engine = Rectangles(config)
    plan = make_plan(engine, replace(ready, sequencer=Two(ready.sequencer.rows, config)), config)
    assert engine.asked == [(mixed, False), (even, True)], "timed once"
    assert plan.parts["activations"] == pairs(mixed) and plan.tokens_per_second == 50.0


def test_a_resumed_run_plans_only_what_is_left(prepared):
    config, ready = prepared
    whole = make_plan(Asked(config), ready, config)
    rest = make_plan(Asked(config), replace(ready, done=2), config)
    left = sum(len(batch.ids) for step in ready.sequencer.steps_from(2) for batch in step)
    assert rest.tokens == left < whole.tokens and rest.seconds < whole.seconds
    over = make_plan(Asked(config), replace(ready, done=ready.sequencer.steps), config)
    assert over.tokens == 0, "every step is done, and only the adapter is missing"


def test_what_does_not_fit_is_refused_with_numbers_and_ways_out():
    parts = {name: int(size * GB) for name, size in (("program", 0.4), ("weights", 5.6), ("activations", 1.2))}
    plan = Plan(parts, int(7.2 * GB), int(5.3 * GB), 60.0, 100, 10.0)
    error = plan.refusal("pythia-1.4b", "mps")
    assert isinstance(error, UserError) and error.exit_code == 2
    assert "7.2 GB" in error.message and "5.3 GB" in error.message and "weights 5.6" in error.message
    assert "train.micro_batch=auto" in error.hint and "mac-8gb" in error.hint
    assert replace(plan, available=plan.memory).refusal("pythia-1.4b", "mps") is None


class ByRows(FakeEngine):
    """A fake engine that needs ten bytes a row that is computed together, and has 45."""

    def estimate(self, base, model, lora, *, largest, typical, scored):
        return Forecast({"activations": 10 * len(largest.lengths)}, 45, 50.0)


def test_auto_takes_the_most_rows_together_that_fit_and_a_step_keeps_its_rows(prepared):
    config, ready = prepared

    def settled(**train):
        chosen = config.model_copy(update={"train": config.train.model_copy(update={"accumulation": 3, **train})})
        return settle(ByRows(chosen), replace(ready, sequencer=Sequencer(ready.sequencer.rows, chosen)), chosen)

    auto, eight = settled(micro_batch="auto"), settled(micro_batch=8)
    assert (auto.config.train.micro_batch, auto.config.train.accumulation) == (4, 6) and auto.plan.memory == 40
    assert auto.prepared.sequencer.micro_batch == 4 and auto.prepared.sequencer.steps == eight.prepared.sequencer.steps
    both = (
        [np.concatenate([batch.ids for batch in step]).tolist() for step in one.prepared.sequencer.steps_from(0)] for one in (auto, eight)
    )
    assert next(both) == next(both), "row for row"
    assert eight.plan.refusal("b", "cpu") is not None and eight.config.train.micro_batch == 8, "a number is what was asked for"


def test_auto_ends_at_one_row(prepared):
    config, ready = prepared
    chosen = config.model_copy(update={"train": config.train.model_copy(update={"micro_batch": "auto", "accumulation": 1})})

    class Tiny(ByRows):
        def estimate(self, *args, **kwargs):
            return replace(super().estimate(*args, **kwargs), available=5)

    made = settle(Tiny(chosen), ready, chosen)
    assert (made.config.train.micro_batch, made.config.train.accumulation) == (1, 8) and made.plan.refusal("b", "cpu") is not None


def test_auto_leaves_a_micro_batch_for_each_device_and_a_step_is_as_fast_as_the_busiest(prepared):
    config, ready = prepared

    class Cards(ByRows):
        def estimate(self, *args, **kwargs):
            return replace(super().estimate(*args, **kwargs), available=1000, side_by_side=self.devices)

    def settled(devices, **train):
        chosen = config.model_copy(update={"train": config.train.model_copy(update={"devices": devices, **train})})
        engine = Cards(chosen)
        engine.devices = devices
        return settle(engine, replace(ready, sequencer=Sequencer(ready.sequencer.rows, chosen)), chosen)

    for devices, rows, accumulation in ((1, 8, 1), (2, 4, 2), (3, 2, 4), (16, 1, 8)):
        auto = settled(devices, micro_batch="auto", accumulation=1)
        assert (auto.config.train.micro_batch, auto.config.train.accumulation) == (rows, accumulation)
    speeds = [settled(devices, micro_batch=2, accumulation=6).plan.tokens_per_second for devices in (1, 2, 4, 6, 8)]
    assert speeds == [50, 100, 150, 300, 300]
