"""Resource plan of a training: memory, time and tokens, predicted before a night is spent on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pete.config import EMBEDDED_BASE, Config
from pete.data.batch import pairs
from pete.engines.protocol import Trainer
from pete.errors import UserError
from pete.events import Planned
from pete.train.prepare import Prepared
from pete.words import gigabytes

SCORING_SHARE = 1 / 3
"""A row that is only scored costs the forward pass: a third of a training step's work."""


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
            "close other programs; --set train.micro_batch=1; --set train.gradient_checkpointing=true --set lora.dropout=0; "
            f"--set model.dtype=bfloat16; or a smaller base: --preset mac-8gb, --set model.base={EMBEDDED_BASE}",
        )


def make_plan(engine: Trainer, prepared: Prepared, config: Config) -> Plan:
    """Ask the engine what this base, data and configuration will take on this machine, from the step that is next."""
    sequencer, valid = prepared.sequencer, prepared.valid
    sizes = sorted(map(tuple, sequencer.micro_lengths()), key=sum)
    scores = [batch.lengths for batch in valid]
    # one long row among short ones is a wide rectangle of few tokens: the highest point may be there
    highest = dict.fromkeys((max(sizes, key=by), max(scores, key=by, default=())) for by in (pairs, sum))
    forecasts = [
        engine.estimate(
            prepared.base,
            config.model,
            config.lora,
            largest=largest,
            typical=sizes[len(sizes) // 2] if number == len(highest) else (),
            scored=scored,
        )
        for number, (largest, scored) in enumerate(highest, 1)
    ]
    forecast, speed = max(forecasts, key=lambda one: one.memory), forecasts[-1].tokens_per_second
    tokens = sum(map(sum, sequencer.micro_lengths(prepared.done)))
    looks = 1 + -(-(sequencer.steps - prepared.done) // config.train.eval_every)
    scored = looks * sum(len(batch.ids) for batch in valid)
    return Plan(forecast.parts, forecast.memory, forecast.available, (tokens + SCORING_SHARE * scored) / speed, tokens, speed)
