"""Events folded into one history. No clock, no file: the same events always give the same history."""

from array import array
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from pete.events import Checked, Event, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned

NAP_SECONDS = 30.0
"""Wall clock ahead of the monotonic clock by more than this: the machine slept."""
RECENT = 100
"""Steps whose pace stands for the steps to come; enough to hold validations and checkpoints in their share."""
COLUMNS = ("step", "loss", "lr", "grad_norm", "tokens", "seconds", "memory", "resident", "swap", "time", "monotonic")


@dataclass(frozen=True)
class Nap:
    """A sleep of the machine while it trained: when it ended (seconds since 1970), and how many seconds it took."""

    until: float
    seconds: float


class History:
    """What is known of a run. `take` is the fold; a resumed sitting takes back what came after its checkpoint."""

    def __init__(self) -> None:
        self.columns = {name: array("d") for name in COLUMNS}
        self.validations: list[Validated] = []
        self.warnings: dict[str, Warned] = {}
        self.naps: list[Nap] = []
        self.checked: Checked | None = None
        self.planned: Planned | None = None
        self.started: Started | None = None
        self.sampled: Sampled | None = None
        self.saved: Saved | None = None
        self.finished: Finished | None = None
        self.last: Event | None = None
        self.sittings = 0
        self.began = 0.0
        """Wall clock of the first event of this sitting."""
        self.training = False
        """Whether this sitting got as far as Started."""
        self.sitting_from = 0
        """Index of the first step of this sitting."""
        self.longest_gap = 0.0
        """The longest silence between two events of this sitting, in seconds awake."""
        self._nats = array("d", [0.0])  # running sums, so that a smoothed loss costs two subtractions
        self._trained = array("d", [0.0])

    def take(self, event: Event) -> None:
        """Add one event."""
        if self.last is None or isinstance(event, Checked) or (isinstance(event, Planned | Started) and self._over):
            self._sit_down(event)
        else:
            awake = event.monotonic - self.last.monotonic
            asleep = event.time - self.last.time - awake
            if asleep > NAP_SECONDS:
                self.naps.append(Nap(event.time, asleep))
            self.longest_gap = max(self.longest_gap, awake)
        match event:
            case Checked():
                self.checked = event
            case Planned():
                self.planned = event
            case Started():
                self._go_back_to(event.resumed_from)
                self.started, self.training, self.sitting_from = event, True, len(self)
                self.longest_gap = 0.0  # loading a model may take longer than any step
            case Step():
                if len(self) and event.step <= self.columns["step"][-1]:
                    self._go_back_to(event.step - 1)
                for name, column in self.columns.items():
                    column.append(getattr(event, name))
                self._nats.append(self._nats[-1] + event.loss * event.trained_tokens)
                self._trained.append(self._trained[-1] + event.trained_tokens)
            case Validated():
                self.validations = [v for v in self.validations if v.step < event.step] + [event]
            case Sampled():
                self.sampled = event
            case Saved():
                self.saved = event
            case Warned():
                self.warnings.pop(event.message, None)
                self.warnings[event.message] = event
            case Finished():
                self.finished = event
        self.last = event

    @property
    def _over(self) -> bool:
        return self.training or self.finished is not None

    def _sit_down(self, event: Event) -> None:
        self.sittings += 1
        self.began = event.time
        self.checked = self.planned = self.finished = None
        self.training, self.sitting_from, self.longest_gap = False, len(self), 0.0

    def _go_back_to(self, step: int) -> None:
        keep = bisect_left(self.columns["step"], step + 1)
        for column in self.columns.values():
            del column[keep:]
        del self._nats[keep + 1 :], self._trained[keep + 1 :]
        self.sitting_from = min(self.sitting_from, keep)
        self.validations = [v for v in self.validations if v.step <= step]
        self.sampled = self.sampled if self.sampled and self.sampled.step <= step else None
        self.saved = self.saved if self.saved and self.saved.step <= step else None

    # --- what follows from it ------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.columns["step"])

    @property
    def step(self) -> int:
        """The last step that counts: done, or the checkpoint a resumed sitting began at."""
        return int(self.columns["step"][-1]) if len(self) else self.started.resumed_from if self.started else 0

    @property
    def base_loss(self) -> float | None:
        """Validation loss before training, nats a token."""
        return self.validations[0].loss if self.validations and self.validations[0].step == 0 else None

    @property
    def best(self) -> Validated | None:
        """The validation with the lowest loss after step 0."""
        return min((v for v in self.validations if v.step > 0), key=lambda v: v.loss, default=None)

    @property
    def pace(self) -> float | None:
        """Seconds awake from one step to the next, validations and checkpoints included; None before the first of this sitting."""
        first = max(self.sitting_from, len(self) - RECENT)
        if first >= len(self):
            return None
        monotonic = self.columns["monotonic"]
        return max(0.0, monotonic[-1] - monotonic[first] + self.columns["seconds"][first]) / (len(self) - first)

    @property
    def patience(self) -> float:
        """Seconds of silence after which something is wrong: long beside a step and beside the longest silence so far."""
        pace = self.pace
        return max(900.0 if pace is None else 60.0, 10 * (pace or 0.0), 3 * self.longest_gap)

    def speed(self, steps: int) -> float | None:
        """Tokens a second over the last `steps` steps, prompts included."""
        tokens, seconds = (sum(self.columns[name][-steps:]) for name in ("tokens", "seconds"))
        return tokens / seconds if seconds > 0 else None

    def smoothed(self, index: int) -> float:
        """Loss around a step, sums over sums: nats a trained token."""
        reach = max(2, len(self) // 40)
        low, high = max(0, index - reach), min(len(self), index + reach + 1)
        tokens = self._trained[high] - self._trained[low]
        return (self._nats[high] - self._nats[low]) / tokens if tokens > 0 else self.columns["loss"][index]

    def loss_curve(self, points: int) -> list[tuple[float, float]]:
        """(step, smoothed loss), at most `points` of them."""
        return [(self.columns["step"][i], self.smoothed(i)) for i in _spread(len(self), points)]

    def curve(self, name: str, points: int) -> list[tuple[float, float]]:
        """(step, mean of a column up to the next point), at most `points` of them; "speed" is tokens a second."""
        top, under = ("tokens", "seconds") if name == "speed" else (name, None)
        count = min(len(self), max(1, points))
        at = [i * len(self) // count for i in range(count)]
        drawn = []
        for low, high in pairwise([*at, len(self)]):
            below = sum(self.columns[under][low:high]) if under else float(high - low)
            if below > 0:
                drawn.append((self.columns["step"][low], sum(self.columns[top][low:high]) / below))
        return drawn


def _spread(count: int, points: int) -> list[int]:
    """Indices from the first to the last, evenly, at most `points`."""
    if count <= points:
        return list(range(count))
    return sorted({round(i * (count - 1) / max(1, points - 1)) for i in range(points)})
