"""What events.jsonl says about a training: one clean history out of several sittings."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from pete.events import Checked, Event, Finished, Planned, Sampled, Started, Step, Validated, Warned

NAP_SECONDS = 30.0
"""Wall clock ahead of the monotonic clock by more than this between two events: the machine slept."""


@dataclass(frozen=True)
class Sitting:
    """One stretch of training. `reason` is done, interrupted, or no end recorded (running, or broken off)."""

    began: float
    from_step: int
    ended: float
    last_step: int
    reason: str = "no end recorded"
    planned: Planned | None = None
    peak_memory: int = 0
    """Bytes at the highest point, as far as it was recorded."""


@dataclass(frozen=True)
class Nap:
    """The machine slept: until when (wall clock), for how many seconds, after which step."""

    until: float
    seconds: float
    step: int


@dataclass(frozen=True)
class Training:
    """The history that led to the adapter: each step once, the last telling of it."""

    started: Started | None
    checked: Checked | None
    """The machine, at the last look."""
    steps: tuple[Step, ...]
    validations: tuple[Validated, ...]
    samples: tuple[Sampled, ...]
    finished: Finished | None
    sittings: tuple[Sitting, ...]
    repeated: int
    """Steps that were done, lost with an interruption, and done again (or not yet)."""
    naps: tuple[Nap, ...]
    warnings: tuple[Warned, ...]
    """Each message once, at its first time."""
    counts: Mapping[str, int]
    """Lines of events.jsonl by kind, the lost ones included."""

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
        """The most memory any sitting reported, bytes; 0 where none did."""
        return max((s.peak_memory for s in self.sittings), default=0)

    @property
    def planned(self) -> Planned | None:
        """The last plan. Each one is for the whole run, a resumed one too."""
        return next((s.planned for s in reversed(self.sittings) if s.planned is not None), None)

    @property
    def done(self) -> bool:
        """Whether training came to its end."""
        return self.finished is not None and self.finished.reason == "done"

    @property
    def asleep(self) -> float:
        """Seconds the machine slept while training."""
        return sum(nap.seconds for nap in self.naps)

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
    checked: Checked | None = None
    planned: Planned | None = None
    finished: Finished | None = None
    steps: dict[int, Step] = {}
    validations: dict[int, Validated] = {}
    samples: dict[int, Sampled] = {}
    sittings: list[Sitting] = []
    warnings: dict[str, Warned] = {}
    naps: list[Nap] = []
    counts: Counter[str] = Counter()
    repeated = 0
    before: Event | None = None
    for event in events:
        counts[type(event).__name__] += 1
        # the clocks of two sittings have nothing to do with each other
        if sittings and before is not None and not isinstance(event, Checked | Planned | Started):
            nap = (event.time - before.time) - (event.monotonic - before.monotonic)
            if nap > NAP_SECONDS:
                naps.append(Nap(event.time, nap, sittings[-1].last_step))
        before = event
        match event:
            case Checked():
                checked = event
                continue
            case Planned():
                planned = event
                continue
            case Started():
                kept = event.resumed_from
                repeated += sum(step > kept for step in steps)
                steps = {n: s for n, s in steps.items() if n <= kept}
                validations = {n: v for n, v in validations.items() if n <= kept}
                samples = {n: s for n, s in samples.items() if n <= kept}
                started, finished = event, None
                sittings.append(Sitting(event.time, kept, event.time, kept, planned=planned))
                planned = None
            case Step():
                repeated += event.step in steps
                steps[event.step] = event
            case Validated():
                validations[event.step] = event
            case Sampled():
                samples[event.step] = event
            case Warned():
                warnings.setdefault(event.message, event)
            case Finished():
                finished = event
        if sittings:
            sittings[-1] = _longer(sittings[-1], event)
    return Training(
        started=started,
        checked=checked,
        steps=tuple(steps[n] for n in sorted(steps)),
        validations=tuple(validations[n] for n in sorted(validations)),
        samples=tuple(samples[n] for n in sorted(samples)),
        finished=finished,
        sittings=tuple(sittings),
        repeated=repeated,
        naps=tuple(naps),
        warnings=tuple(warnings.values()),
        counts=counts,
    )


def _longer(sitting: Sitting, event: Event) -> Sitting:
    sitting = replace(sitting, ended=event.time)
    match event:
        case Step():
            return replace(sitting, last_step=event.step, peak_memory=max(sitting.peak_memory, event.memory))
        case Finished():
            return replace(sitting, reason=event.reason, peak_memory=max(sitting.peak_memory, event.peak_memory))
        case _:
            return sitting
