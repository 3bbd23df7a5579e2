"""What events.jsonl says about a training: one clean history out of several sittings."""

from collections.abc import Iterable
from dataclasses import dataclass

from pete.events import Event, Finished, Started, Step, Validated, Warned

NAP_SECONDS = 30.0
"""Wall clock ahead of the monotonic clock by more than this between two events: the machine slept."""


@dataclass(frozen=True)
class Sitting:
    """One stretch of training. `reason` is done, interrupted, or no end recorded (running, or broken off)."""

    began: float
    from_step: int
    ended: float
    last_step: int
    reason: str


@dataclass(frozen=True)
class Training:
    """The history that led to the adapter: each step once, the last telling of it."""

    started: Started | None
    steps: tuple[Step, ...]
    validations: tuple[Validated, ...]
    finished: Finished | None
    sittings: tuple[Sitting, ...]
    repeated: int
    """Steps that were done, lost with an interruption, and done again (or not yet)."""
    asleep: float
    """Seconds the machine slept while training."""
    warnings: tuple[str, ...]

    @property
    def last_step(self) -> int:
        """The last step on record; 0 before the first."""
        return self.steps[-1].step if self.steps else 0

    @property
    def base_loss(self) -> float | None:
        """Validation loss at step 0: the base before training, nats a token."""
        return next((v.loss for v in self.validations if v.step == 0), None)

    @property
    def best(self) -> Validated | None:
        """The validation with the lowest loss after step 0."""
        after = [v for v in self.validations if v.step > 0]
        return min(after, key=lambda v: v.loss) if after else None

    @property
    def best_step(self) -> int:
        """The step the adapter comes from; the last one when nothing was validated."""
        if self.best:
            return self.best.step
        return self.finished.best_step if self.finished else self.last_step

    @property
    def last_validation(self) -> Validated | None:
        """The validation nearest the end."""
        return self.validations[-1] if self.validations and self.validations[-1].step > 0 else None

    @property
    def seconds(self) -> float:
        """Time spent training: as the run counted it (saving and validating included), else the sum over its steps."""
        return self.finished.seconds if self.finished else sum(s.seconds for s in self.steps)

    @property
    def tokens(self) -> int:
        """Real tokens seen, prompts included."""
        return sum(s.tokens for s in self.steps)

    @property
    def tokens_per_second(self) -> float:
        """Real tokens over the seconds of the steps themselves."""
        seconds = sum(s.seconds for s in self.steps)
        return self.tokens / seconds if seconds > 0 else 0.0

    @property
    def peak_memory(self) -> int:
        """The most memory any step reported, bytes."""
        return max((s.memory for s in self.steps), default=0)

    @property
    def trainable_share(self) -> float:
        """Adapter parameters over all parameters, the adapter's own among them."""
        if self.started is None:
            return 0.0
        return self.started.trainable / (self.started.parameters + self.started.trainable)

    @property
    def smoothing(self) -> int:
        """How many steps on each side the smoothed curve averages."""
        return max(2, len(self.steps) // 40)

    def smoothed(self) -> list[float]:
        """Train loss averaged over neighbouring steps, sums over sums: one value a step."""
        reach, values = self.smoothing, []
        for i in range(len(self.steps)):
            near = self.steps[max(0, i - reach) : i + reach + 1]
            values.append(sum(s.loss * s.trained_tokens for s in near) / max(1, sum(s.trained_tokens for s in near)))
        return values


def read_training(events: Iterable[Event]) -> Training:
    """Replay events into one history.

    A resumed run goes back to its last checkpoint, so what an earlier sitting did after it no longer counts.
    """
    started: Started | None = None
    finished: Finished | None = None
    steps: dict[int, Step] = {}
    validations: dict[int, Validated] = {}
    sittings: list[Sitting] = []
    warnings: dict[str, None] = {}
    repeated, asleep = 0, 0.0
    before: Event | None = None
    for event in events:
        if isinstance(event, Started):
            kept = event.resumed_from
            repeated += sum(step > kept for step in steps)
            steps = {n: s for n, s in steps.items() if n <= kept}
            validations = {n: v for n, v in validations.items() if n <= kept}
            started, finished = event, None
            sittings.append(Sitting(event.time, kept, event.time, kept, "no end recorded"))
        elif before is not None:
            nap = (event.time - before.time) - (event.monotonic - before.monotonic)
            asleep += nap if nap > NAP_SECONDS else 0.0
        if isinstance(event, Step):
            repeated += event.step in steps
            steps[event.step] = event
        elif isinstance(event, Validated):
            validations[event.step] = event
        elif isinstance(event, Warned):
            warnings[event.message] = None
        elif isinstance(event, Finished):
            finished = event
        if sittings:
            now = sittings[-1]
            reason = event.reason if isinstance(event, Finished) else now.reason
            last = event.step if isinstance(event, Step) else now.last_step
            sittings[-1] = Sitting(now.began, now.from_step, event.time, last, reason)
        before = event
    return Training(
        started=started,
        steps=tuple(steps[n] for n in sorted(steps)),
        validations=tuple(validations[n] for n in sorted(validations)),
        finished=finished,
        sittings=tuple(sittings),
        repeated=repeated,
        asleep=asleep,
        warnings=tuple(warnings),
    )
