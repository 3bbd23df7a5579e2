"""A run at one moment: its history, who trains in it, and what only a clock can tell. `--json` prints it, the terminal draws it."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from pete.events import Planned, Step
from pete.history import NAP_SECONDS, History, SleepGap

Condition = Literal["waiting", "starting", "running", "stalled", "finished", "interrupted", "failed", "crashed"]
ALIVE: tuple[Condition, ...] = ("starting", "running", "stalled")
NOW_STEPS = 10
"""Steps that "tokens a second now" looks back over."""
LEAVING_SECONDS = 5.0
"""A process may hold its run for a moment after it said that it was interrupted."""
CURVE_POINTS = 200
LATEST = 20
"""Warnings kept; all of them are in train.log."""
FARTHEST = 3e9
"""Seconds; an estimate beyond a century is none."""


@dataclass(frozen=True)
class Failure:
    """The last entry of errors.jsonl."""

    kind: str
    message: str


@dataclass(frozen=True)
class RunFacts:
    """What is known of the run beside its events: where it is, who trains in it, what failed, whether it has its data."""

    name: str
    folder: str
    cli_argument: str
    lock_owner_pid: int | None
    failure: Failure | None
    resumable: bool


@dataclass(frozen=True)
class State:
    """A run at `now`. Moments are seconds since 1970, durations seconds, sizes bytes, losses nats a token.

    `condition` is waiting (no event, no process), starting, running, stalled (a process, and silence for much longer
    than a step takes), finished, interrupted (saved, can go on), failed (every step taken, no adapter published) or
    crashed (no process, and no end on record).
    """

    facts: RunFacts
    history: History
    now: float
    condition: Condition
    silent: float
    """Seconds awake since the last event."""
    next: str
    """The command that goes on from here."""
    remaining: float | None
    """Seconds of training to come, while it runs."""
    sleep_gaps: tuple[SleepGap, ...]

    @property
    def over(self) -> bool:
        """Whether nothing more will come by itself."""
        return self.condition in ("finished", "interrupted", "failed", "crashed")

    @property
    def finish(self) -> float | None:
        """The moment that training will be done."""
        return None if self.remaining is None else self.now + self.remaining

    @property
    def began(self) -> float | None:
        """When this session began."""
        return self.history.session.began if self.history.last else None

    @property
    def last_event(self) -> float | None:
        """When the run last said something."""
        return self.history.last.time if self.history.last else None

    @property
    def steps(self) -> int | None:
        """How many there will be in all."""
        return self.history.started.steps if self.history.started else None

    @property
    def last(self) -> Step | None:
        """The last step of this session."""
        return self.history.steps[-1] if self.history.recent else None

    @property
    def loss_smoothed(self) -> float | None:
        """The loss around the last step of this session."""
        return self.history.smoothed_at(len(self.history.steps) - 1) if self.last else None

    @property
    def swap_growth(self) -> int:
        """Swapped out by the machine since this session's first step."""
        return self.last.swap - self.history.steps[self.history.session.first].swap if self.last else 0

    @property
    def plan(self) -> tuple[Planned, float] | None:
        """What this session predicted, and the moment it would be done."""
        if not (planned := self.history.session.planned):
            return None
        begun = self.history.started.time if self.history.session.training and self.history.started else planned.time
        return planned, min(begun + max(0.0, planned.seconds), self.now + FARTHEST)

    @property
    def cautions(self) -> list[dict[str, str]]:
        """Findings of the check before the run that were not good: name, level, found, advice."""
        checked = self.history.session.checked
        return [f for f in (checked.findings if checked else ()) if f.get("level") != "good"]

    @property
    def warnings(self) -> tuple[str, ...]:
        """The latest, the newest last."""
        return tuple([*self.history.warnings][-LATEST:])

    def curve(self, name: str) -> list[tuple[float, float]]:
        """(step, value) of loss (smoothed), lr, grad_norm, speed (tokens a second) or memory (bytes)."""
        return self.history.loss_curve(CURVE_POINTS) if name == "loss" else self.history.curve(name, CURVE_POINTS)

    @property
    def validation_curve(self) -> list[tuple[float, float]]:
        """(step, loss over the validation rows)."""
        return [(float(v.step), v.loss) for v in self.history.validations]


def observe(history: History, facts: RunFacts, now: float, monotonic: float) -> State:
    """The state of a run at `now` (wall clock) and `monotonic` (the same clock the events were stamped with)."""
    awake, asleep = _silence(history, now, monotonic)
    condition = _condition(history, facts, now, awake)
    remaining = None
    if condition == "running" and history.started and history.pace is not None:
        remaining = max(0.0, (history.started.steps - history.last_step) * history.pace - awake)
        remaining = remaining if remaining < FARTHEST else None
    gaps = list(history.sleep_gaps)
    if condition in ALIVE and asleep > NAP_SECONDS:
        gaps.append(SleepGap(now, asleep, history.last_step))
    return State(facts, history, now, condition, awake, _next(condition, facts, history), remaining, tuple(gaps))


def document(state: State) -> dict[str, Any]:
    """What `pete monitor --json` prints: the state as one object. Its keys are promised to other programs."""
    h, last, plan = state.history, state.last, state.plan
    started, validated, sample = h.started, h.validations[-1] if h.validations else None, h.samples[-1] if h.samples else None
    return {
        "run": state.facts.name,
        "folder": state.facts.folder,
        "now": state.now,
        "condition": state.condition,
        "pid": state.facts.lock_owner_pid,
        "next": state.next,
        "sessions": len(h.sessions),
        "began": state.began,
        "last_event": state.last_event,
        "silent": state.silent,
        "model": started and {key: getattr(started, key) for key in ("base", "engine", "device", "dtype", "trainable", "parameters")},
        "step": h.last_step,
        "steps": state.steps,
        "resumed_from": started.resumed_from if started else 0,
        "saved_step": h.saved and h.saved.step,
        "remaining": state.remaining,
        "finish": state.finish,
        "took": h.finished and h.finished.seconds,
        "seconds_per_step": h.pace,
        "loss": last and last.loss,
        "loss_smoothed": state.loss_smoothed,
        "lr": last and last.lr,
        "grad_norm": last and last.grad_norm,
        "tokens_per_second": h.speed_now(NOW_STEPS) if last else None,
        "tokens_per_second_overall": h.tokens_per_second if h.steps else None,
        "validation": validated and {"step": validated.step, "loss": validated.loss, "base": h.base_loss, **_best(h)},
        "memory": last and {"device": last.memory, "peak": h.peak_memory, "resident": last.resident, "swap": last.swap,
                            "swap_growth": state.swap_growth},
        "plan": plan and {"peak": plan[0].memory, "available": plan[0].available, "seconds": plan[0].seconds, "finish": plan[1],
                          "basis": plan[0].basis},
        "sleeps": [{"until": gap.until, "seconds": gap.seconds} for gap in state.sleep_gaps[-LATEST:]],
        "asleep": sum(gap.seconds for gap in state.sleep_gaps),
        "unpublished": h.unpublished,
        "sample": sample and {"step": sample.step, "prompt": sample.prompt, "text": sample.text},
        "cautions": [{key: found.get(key, "") for key in ("name", "level", "found", "advice")} for found in state.cautions],
        "warnings": list(state.warnings),
        "failure": state.facts.failure and asdict(state.facts.failure),
        "curves": {"validation": state.validation_curve}
        | {name: state.curve(name) for name in ("loss", "lr", "grad_norm", "speed", "memory")},
    }  # fmt: skip


def _best(history: History) -> dict[str, Any]:
    return {"best_step": history.best and history.best.step, "best_loss": history.best and history.best.loss}


def _silence(history: History, now: float, monotonic: float) -> tuple[float, float]:
    """Seconds since the last event, awake and asleep. Another boot's monotonic clock says nothing: then all count as awake."""
    if history.last is None:
        return 0.0, 0.0
    wall, awake = max(0.0, now - history.last.time), monotonic - history.last.monotonic
    return (awake, max(0.0, wall - awake)) if 0 <= awake <= wall + 1 else (wall, 0.0)


def _condition(history: History, facts: RunFacts, now: float, silent: float) -> Condition:
    finished, training = history.finished, history.session.training
    if history.unpublished:
        return "failed"
    if facts.lock_owner_pid is None:
        if finished:
            return "finished" if finished.reason == "done" else "interrupted"
        return "crashed" if history.last or facts.failure else "waiting"
    if finished and finished.reason == "done":
        return "finished"
    if finished:
        return "interrupted" if now - finished.time < LEAVING_SECONDS else "starting"
    pid = history.started.pid if training and history.started else 0
    if history.last is None or pid not in (0, facts.lock_owner_pid):  # somebody new, who has not said anything yet
        return "starting"
    if silent > history.patience:
        return "stalled"
    return "running" if training else "starting"


def _next(condition: Condition, facts: RunFacts, history: History) -> str:
    if condition == "finished":
        return f"pete test {facts.cli_argument}"
    if condition == "failed":
        return f"pete resume {facts.cli_argument}" if history.session.reason == "not published" and facts.resumable else "pete train"
    if condition in ("interrupted", "crashed", "waiting"):
        return f"pete resume {facts.cli_argument}" if facts.resumable else "pete train"
    return ""
