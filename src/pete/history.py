"""A run's history: its events folded into steps, losses and sessions, for monitor and report alike; the same events, the same history."""

from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from pete.events import Checked, Event, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned

NAP_SECONDS = 30.0
"""Wall clock ahead of the monotonic clock by more than this between two events: the machine slept."""
RECENT = 100
"""Steps whose pace stands for the steps to come; enough to hold validations and checkpoints in their share."""


@dataclass
class Session:
    """One stretch of work, from its first event (the examination, loading) to its last."""

    began: float = 0.0
    ended: float = 0.0
    from_step: int = 0
    last_step: int = 0
    checked: Checked | None = None
    planned: Planned | None = None
    finished: Finished | None = None
    training: bool = False
    """Whether it got as far as Started."""
    peak_memory: int = 0
    """Bytes at the highest point, as far as it was recorded."""
    first: int = 0
    """Index of its first step among the history's."""
    longest_gap: float = 0.0
    """The longest silence between two of its events, in seconds awake."""

    @property
    def reason(self) -> str:
        """How it ended: done, interrupted, or no end recorded (running, or broken off)."""
        return self.finished.reason if self.finished else "no end recorded"


@dataclass(frozen=True)
class SleepGap:
    """The machine slept while it trained: until when (seconds since 1970), for how many seconds, after which step."""

    until: float
    seconds: float
    step: int


def fold(events: Iterable[Event]) -> "History":
    """The history of a whole run."""
    history = History()
    for event in events:
        history.take(event)
    return history


class History:
    """What is known of a run: each step once, as it was last recorded.

    `take` is the fold. A resumed run goes back to its last checkpoint, so what an earlier session did after it no longer counts.
    """

    def __init__(self) -> None:
        self.started: Started | None = None
        self.steps: list[Step] = []
        self.validations: list[Validated] = []
        self.samples: list[Sampled] = []
        self.saved: Saved | None = None
        self.sessions: list[Session] = []
        self.repeated = 0
        """Steps that were done, lost with an interruption, and done again (or not yet)."""
        self.sleep_gaps: list[SleepGap] = []
        self.warnings: dict[str, Warned] = {}
        """By message, in the order they were last given."""
        self.counts: Counter[str] = Counter()
        """Lines of events.jsonl by kind, the lost ones included."""
        self.last: Event | None = None
        self._nats = array("d", [0.0])  # running sums, so that a smoothed loss costs two subtractions
        self._trained = array("d", [0.0])

    def take(self, event: Event) -> None:
        """Add one event."""
        now = self.session
        if self.last is None or isinstance(event, Checked) or (isinstance(event, Planned | Started) and (now.training or now.finished)):
            now = Session(event.time, from_step=self.last_step, last_step=self.last_step, first=len(self.steps))
            self.sessions.append(now)  # the clocks of two sessions have nothing to do with each other
        else:
            awake = event.monotonic - self.last.monotonic
            asleep = event.time - self.last.time - awake
            if asleep > NAP_SECONDS:
                self.sleep_gaps.append(SleepGap(event.time, asleep, now.last_step))
            now.longest_gap = max(now.longest_gap, awake)
        self.last, now.ended = event, event.time
        self.counts[type(event).__name__] += 1
        match event:
            case Checked():
                now.checked = event
            case Planned():
                now.planned = event
            case Started():
                self._go_back_to(event.resumed_from)
                self.started, now.training, now.first = event, True, len(self.steps)
                now.from_step = now.last_step = event.resumed_from
                now.longest_gap = 0.0  # loading a model may take longer than any step
            case Step():
                if self.steps and event.step <= self.steps[-1].step:
                    self._go_back_to(event.step - 1)
                self.steps.append(event)
                self._nats.append(self._nats[-1] + event.loss * event.trained_tokens)
                self._trained.append(self._trained[-1] + event.trained_tokens)
                now.last_step, now.peak_memory = event.step, max(now.peak_memory, event.memory)
            case Validated():
                self.validations = [v for v in self.validations if v.step < event.step] + [event]
            case Sampled():
                self.samples.append(event)
            case Saved():
                self.saved = event
            case Warned():
                self.warnings.pop(event.message, None)
                self.warnings[event.message] = event
            case Finished():
                now.finished, now.peak_memory = event, max(now.peak_memory, event.peak_memory)

    def _go_back_to(self, step: int) -> None:
        keep = bisect_right(self.steps, step, key=lambda s: s.step)
        self.repeated += len(self.steps) - keep
        del self.steps[keep:], self._nats[keep + 1 :], self._trained[keep + 1 :]
        self.session.first = min(self.session.first, keep)
        self.validations = [v for v in self.validations if v.step <= step]
        self.samples = [s for s in self.samples if s.step <= step]
        self.saved = self.saved if self.saved and self.saved.step <= step else None

    # --- what follows from it ------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The present one; an empty one before the first event."""
        return self.sessions[-1] if self.sessions else Session()

    @property
    def checked(self) -> Checked | None:
        """The machine, at the last look."""
        return next((s.checked for s in reversed(self.sessions) if s.checked), None)

    @property
    def planned(self) -> Planned | None:
        """The last plan; that of a resumed session is for what was left."""
        return next((s.planned for s in reversed(self.sessions) if s.planned), None)

    @property
    def finished(self) -> Finished | None:
        """The end of the present session."""
        return self.session.finished

    @property
    def done(self) -> bool:
        """Whether training came to its end."""
        return self.session.reason == "done"

    @property
    def unpublished(self) -> str:
        """Why a run that took all its steps left no adapter; empty for every other."""
        reasons = {
            "not better": "no step was better than the untrained base on the validation rows",
            "not published": "its adapter did not pass the proof, or could not be written",
        }
        return reasons.get(self.session.reason, "")

    @property
    def last_step(self) -> int:
        """The last step that counts: done, or the checkpoint a resumed session began at; 0 before the first."""
        return self.steps[-1].step if self.steps else self.started.resumed_from if self.started else 0

    @property
    def base_loss(self) -> float | None:
        """Validation loss at step 0: the base before training, nats a token."""
        return self.validations[0].loss if self.validations and self.validations[0].step == 0 else None

    @property
    def best(self) -> Validated | None:
        """The validation with the lowest loss after step 0."""
        return min((v for v in self.validations if v.step > 0), key=lambda v: v.loss, default=None)

    @property
    def best_step(self) -> int:
        """The step the adapter comes from; the last one when nothing was validated."""
        return self.best.step if self.best else self.finished.best_step if self.finished else self.last_step

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
        """Real tokens over the seconds of the steps themselves; 0 before the first."""
        return _speed(self.steps)

    @property
    def peak_memory(self) -> int:
        """The most memory any session reported, bytes; 0 where none did."""
        return max((s.peak_memory for s in self.sessions), default=0)

    @property
    def asleep(self) -> float:
        """Seconds the machine slept while training."""
        return sum(gap.seconds for gap in self.sleep_gaps)

    @property
    def trainable_share(self) -> float:
        """Adapter parameters over all parameters, the adapter's own among them."""
        return self.started.trainable / (self.started.parameters + self.started.trainable) if self.started else 0.0

    @property
    def smoothing(self) -> int:
        """How many steps on each side the smoothed curve averages."""
        return max(2, len(self.steps) // 40)

    def smoothed(self) -> list[float]:
        """Train loss averaged over neighbouring steps: one value a step."""
        return [self.smoothed_at(i) for i in range(len(self.steps))]

    def smoothed_at(self, index: int) -> float:
        """Train loss around one step, sums over sums: nats a trained token."""
        low, high = max(0, index - self.smoothing), min(len(self.steps), index + self.smoothing + 1)
        tokens = self._trained[high] - self._trained[low]
        return (self._nats[high] - self._nats[low]) / tokens if tokens > 0 else self.steps[index].loss

    # --- while it runs -------------------------------------------------------------------------------------------

    @property
    def recent(self) -> list[Step]:
        """The last steps of this session."""
        return self.steps[max(self.session.first, len(self.steps) - RECENT) :]

    @property
    def pace(self) -> float | None:
        """Seconds awake from one step to the next, validations and checkpoints included; None before the first of this session."""
        recent = self.recent
        return max(0.0, recent[-1].monotonic - recent[0].monotonic + recent[0].seconds) / len(recent) if recent else None

    @property
    def patience(self) -> float:
        """Seconds of silence after which something is wrong: long beside a step and beside the longest silence so far."""
        pace = self.pace
        return max(900.0 if pace is None else 60.0, 10 * (pace or 0.0), 3 * self.session.longest_gap)

    def speed_now(self, steps: int) -> float:
        """Tokens a second over the last `steps` steps of this session, prompts included."""
        return _speed(self.recent[-steps:])

    def loss_curve(self, points: int) -> list[tuple[float, float]]:
        """(step, smoothed loss), at most `points` of them, from the first to the last."""
        last = len(self.steps) - 1
        at = range(last + 1) if last < points else sorted({round(i * last / max(1, points - 1)) for i in range(points)})
        return [(self.steps[i].step, self.smoothed_at(i)) for i in at]

    def curve(self, name: str, points: int) -> list[tuple[float, float]]:
        """(step, mean of a field of Step up to the next point), at most `points` of them; "speed" is tokens a second."""
        count = min(len(self.steps), max(1, points))
        parts = [self.steps[low:high] for low, high in pairwise([i * len(self.steps) // max(1, count) for i in range(count + 1)])]
        return [(p[0].step, _speed(p) if name == "speed" else sum(getattr(s, name) for s in p) / len(p)) for p in parts]


def _speed(steps: list[Step]) -> float:
    seconds = sum(s.seconds for s in steps)
    return sum(s.tokens for s in steps) / seconds if seconds > 0 else 0.0
