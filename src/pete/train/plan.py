"""Resource plan of a training: memory, time and tokens, predicted before a night is spent on it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pete.config import EMBEDDED_BASE, Config
from pete.data.batch import Batch, Sequencer, pairs
from pete.engines.protocol import Trainer
from pete.errors import UserError
from pete.events import Planned
from pete.train.prepare import Prepared
from pete.words import gigabytes

SCORING_SHARE = 1 / 2
"""A row that is only scored costs the forward pass: half of a training step's work, which leaves out the frozen matrices' gradients."""


@dataclass(frozen=True)
class Plan:
    """Predicted for one run: bytes at the highest point (by part) and to be had, seconds, tokens, tokens a second."""

    parts: Mapping[str, int]
    memory: int
    available: int
    seconds: float
    tokens: int
    tokens_per_second: float

    def event(self, basis: str) -> Planned:
        """The plan as the run's events keep it."""
        return Planned(memory=self.memory, available=self.available, seconds=self.seconds, tokens=self.tokens, basis=basis)

    def refusal(self, base: str, device: str) -> UserError | None:
        """The error to raise instead of training, if it cannot fit."""
        if self.memory <= self.available:
            return None
        parts = ", ".join(f"{name} {gigabytes(size)}" for name, size in self.parts.items())
        return UserError(
            f"This does not fit: training {base} needs about {gigabytes(self.memory)} on {device} at the highest point "
            f"({parts}), and {gigabytes(self.available)} can be had.",
            "close other programs; --set train.micro_batch=auto; --set train.gradient_checkpointing=true --set lora.dropout=0; "
            f"--set model.dtype=bfloat16; or a smaller base: --preset mac-8gb, --set model.base={EMBEDDED_BASE}",
        )


@dataclass(frozen=True)
class Settled:
    """A plan, and what it is made for: the configuration with nothing left to choose, and what was prepared for it."""

    plan: Plan
    prepared: Prepared
    config: Config


def settle(engine: Trainer, prepared: Prepared, config: Config) -> Settled:
    """Plan; where train.micro_batch is "auto", with the most rows together that fit, down to one. A step keeps its rows.

    What does not fit even so is planned all the same: `Plan.refusal` says so.
    """
    if config.train.micro_batch != "auto":
        return Settled(make_plan(engine, prepared, config), prepared, config)
    together, accumulation = config.train.rows_together, config.train.accumulation
    while together > 1 and accumulation < config.train.devices:  # a micro-batch for each
        together, accumulation = together // 2, accumulation * 2
    while True:
        chosen = config.model_copy(
            update={"train": config.train.model_copy(update={"micro_batch": together, "accumulation": accumulation})}
        )
        ready = replace(prepared, sequencer=Sequencer(prepared.sequencer.rows, chosen, prepared.sequencer.texts))
        plan = make_plan(engine, ready, chosen)
        if plan.memory <= plan.available or together == 1:
            return Settled(plan, ready, chosen)
        together, accumulation = together // 2, accumulation * 2


def make_plan(engine: Trainer, prepared: Prepared, config: Config) -> Plan:
    """Ask the engine what this base, data and configuration will take on this machine, from the step that is next."""
    sequencer, valid = prepared.sequencer, prepared.valid
    micro = sorted(sequencer.micro_batches(), key=lambda rows: sum(map(len, rows)))
    # one long row among short ones is a wide rectangle of few tokens: the highest point may be there
    widest = Batch.of(max(micro, key=lambda rows: pairs([*map(len, rows)])))
    largest, typical = (Batch.of(rows) for rows in (micro[-1], micro[len(micro) // 2]))
    widest_scored = max(valid, key=lambda batch: pairs(batch.lengths), default=None)
    largest_scored = max(valid, key=lambda batch: len(batch.ids), default=None)
    highest = [(widest, widest_scored), (largest, largest_scored)]
    if widest.lengths == largest.lengths and widest_scored is largest_scored:
        highest = highest[1:]
    forecasts = [
        engine.estimate(
            prepared.base,
            config.model,
            config.lora,
            largest=largest,
            typical=typical if number == len(highest) else None,
            scored=scored,
        )
        for number, (largest, scored) in enumerate(highest, 1)
    ]
    forecast = max(forecasts, key=lambda one: one.memory)
    # a step takes as long as the device with the most micro-batches; that nothing is lost between devices is assumed
    gain = sequencer.accumulation / -(-sequencer.accumulation // forecast.side_by_side)
    speed = forecasts[-1].tokens_per_second * gain
    tokens = sum(len(row) for rows in sequencer.micro_batches(prepared.done) for row in rows)
    looks = 1 + -(-(sequencer.steps - prepared.done) // config.train.eval_every)
    scored = looks * sum(len(batch.ids) for batch in valid)
    return Plan(forecast.parts, forecast.memory, forecast.available, (tokens + SCORING_SHARE * scored) / speed, tokens, speed)
