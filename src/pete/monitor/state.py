"""What is known at one moment: history, clock and process put together. `--json` prints it, the terminal draws it."""

from dataclasses import dataclass
from typing import Literal

from pete.events import Started
from pete.history import NAP_SECONDS, History
from pete.terminal import harmless

Condition = Literal["waiting", "starting", "running", "stalled", "finished", "interrupted", "failed", "crashed"]
Curve = tuple[tuple[float, float], ...]
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
class Model:
    """What is trained, and on what."""

    base: str
    engine: str
    device: str
    dtype: str
    trainable: int
    parameters: int


@dataclass(frozen=True)
class Validation:
    """Losses over the validation rows, nats a token; `base` is the one before training."""

    step: int
    loss: float
    best_step: int | None
    best_loss: float | None
    base: float | None


@dataclass(frozen=True)
class Memory:
    """Bytes: on the device now and at the most in this run, of the process, swapped out by the machine, and its growth in this session."""

    device: int
    peak: int
    resident: int
    swap: int
    swap_growth: int


@dataclass(frozen=True)
class Plan:
    """What was predicted: bytes at the peak, bytes to be had, seconds, and the moment it would be done (since 1970)."""

    peak: int
    available: int
    seconds: float
    finish: float
    basis: str


@dataclass(frozen=True)
class Sleep:
    """The machine asleep while it trained: a moment it woke at, and seconds."""

    until: float
    seconds: float


@dataclass(frozen=True)
class Sample:
    """The last short answer."""

    step: int
    prompt: str
    text: str


@dataclass(frozen=True)
class Caution:
    """A finding of the check before the run that was not good."""

    name: str
    level: str
    found: str
    advice: str


@dataclass(frozen=True)
class Failure:
    """The last entry of errors.jsonl."""

    kind: str
    message: str


@dataclass(frozen=True)
class State:
    """A run at `now`. Moments are seconds since 1970, durations seconds, sizes bytes, losses nats a token.

    `condition` is waiting (no event, no process), starting, running, stalled (a process, and silence for much longer
    than a step takes), finished, interrupted (saved, can go on), failed (every step taken, no adapter published) or
    crashed (no process, and no end on record).
    `next` is the command that goes on from here.
    """

    run: str
    folder: str
    now: float
    condition: Condition
    pid: int | None
    next: str
    sessions: int
    began: float | None
    last_event: float | None
    silent: float
    model: Model | None
    step: int
    steps: int | None
    resumed_from: int
    saved_step: int | None
    remaining: float | None
    finish: float | None
    took: float | None
    seconds_per_step: float | None
    loss: float | None
    loss_smoothed: float | None
    lr: float | None
    grad_norm: float | None
    tokens_per_second: float | None
    tokens_per_second_overall: float | None
    validation: Validation | None
    memory: Memory | None
    plan: Plan | None
    sleeps: tuple[Sleep, ...]
    asleep: float
    unpublished: str
    """Why there is no adapter where condition is failed; else empty."""
    sample: Sample | None
    cautions: tuple[Caution, ...]
    warnings: tuple[str, ...]
    failure: Failure | None
    curves: dict[str, Curve]
    """(step, value) by name: loss (smoothed), validation, lr, grad_norm, speed (tokens a second), memory (bytes)."""

    @property
    def over(self) -> bool:
        """Whether nothing more will come by itself."""
        return self.condition in ("finished", "interrupted", "failed", "crashed")


@dataclass(frozen=True)
class RunFacts:
    """What is known of the run beside its events: where it is, who trains in it, what failed, whether it has its data."""

    name: str
    folder: str
    cli_argument: str
    lock_owner_pid: int | None
    failure: Failure | None
    resumable: bool


def observe(history: History, facts: RunFacts, now: float, monotonic: float) -> State:
    """The state of a run at `now` (wall clock) and `monotonic` (the same clock the events were stamped with)."""
    started, session = history.started, history.session
    awake, napping = _silence(history, now, monotonic)
    condition = _condition(history, facts, now, awake)
    here = history.steps[-1] if history.recent else None  # the last step of this session
    pace = history.pace
    remaining = finish = None
    if condition == "running" and started and pace is not None:
        remaining = max(0.0, (started.steps - history.last_step) * pace - awake)
        remaining = remaining if remaining < FARTHEST else None
        finish = now + remaining if remaining is not None else None
    sleeps = [Sleep(gap.until, gap.seconds) for gap in history.sleep_gaps]
    if condition in ALIVE and napping > NAP_SECONDS:
        sleeps.append(Sleep(now, napping))
    sampled = history.samples[-1] if history.samples else None
    return State(
        run=harmless(facts.name),
        folder=facts.folder,
        now=now,
        condition=condition,
        pid=facts.lock_owner_pid,
        next=_next(condition, facts, history),
        sessions=len(history.sessions),
        began=session.began if history.last else None,
        last_event=history.last.time if history.last else None,
        silent=awake,
        model=_model(started) if started else None,
        step=history.last_step,
        steps=started.steps if started else None,
        resumed_from=started.resumed_from if started else 0,
        saved_step=history.saved.step if history.saved else None,
        remaining=remaining,
        finish=finish,
        took=history.finished.seconds if history.finished else None,
        seconds_per_step=pace,
        loss=here.loss if here else None,
        loss_smoothed=history.smoothed_at(len(history.steps) - 1) if here else None,
        lr=here.lr if here else None,
        grad_norm=here.grad_norm if here else None,
        tokens_per_second=history.speed_now(NOW_STEPS) if here else None,
        tokens_per_second_overall=history.tokens_per_second if history.steps else None,
        validation=_validation(history),
        memory=_memory(history),
        plan=_plan(history, now),
        sleeps=tuple(sleeps[-LATEST:]),
        asleep=sum(s.seconds for s in sleeps),
        unpublished=history.unpublished,
        sample=Sample(sampled.step, harmless(sampled.prompt), harmless(sampled.text)) if sampled else None,
        cautions=tuple(
            Caution(*(harmless(found.get(key, "")) for key in ("name", "level", "found", "advice")))
            for found in (session.checked.findings if session.checked else ())
            if found.get("level") != "good"
        ),
        warnings=tuple(harmless(message) for message in [*history.warnings][-LATEST:]),
        failure=facts.failure,
        curves={
            "loss": tuple(history.loss_curve(CURVE_POINTS)),
            "validation": tuple((float(v.step), v.loss) for v in history.validations),
            **{name: tuple(history.curve(name, CURVE_POINTS)) for name in ("lr", "grad_norm", "speed", "memory")},
        },
    )


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


def _model(started: Started) -> Model:
    base, engine, device, dtype = map(harmless, (started.base, started.engine, started.device, started.dtype))
    return Model(base, engine, device, dtype, started.trainable, started.parameters)


def _plan(history: History, now: float) -> Plan | None:
    if not (planned := history.session.planned):
        return None
    begun = history.started.time if history.session.training and history.started else planned.time
    finish = min(begun + max(0.0, planned.seconds), now + FARTHEST)
    return Plan(planned.memory, planned.available, planned.seconds, finish, harmless(planned.basis))


def _validation(history: History) -> Validation | None:
    if not history.validations:
        return None
    last, best = history.validations[-1], history.best
    return Validation(last.step, last.loss, best.step if best else None, best.loss if best else None, history.base_loss)


def _memory(history: History) -> Memory | None:
    if not history.recent:
        return None
    first, last = history.steps[history.session.first], history.steps[-1]
    return Memory(last.memory, history.peak_memory, last.resident, last.swap, last.swap - first.swap)
