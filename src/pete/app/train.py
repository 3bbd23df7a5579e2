"""Train: what is trained is chosen and checked, the machine examined, the work planned; then it runs, to a verified adapter."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pete import run as runs
from pete.app.devices import enough_micro_batches, on_devices
from pete.app.notify import Notify
from pete.app.preflight import Preflight, preflight
from pete.config import Resolved, resolve
from pete.data.render import Message, Renderer
from pete.engines.base_models.resolve import resolve_base
from pete.engines.protocol import Generator
from pete.errors import Interrupted
from pete.events import Event, Finished, Warned, read
from pete.generate.stream import answer_all
from pete.history import fold
from pete.machine import awake
from pete.machine import notify as desktop
from pete.report.night import night_summary
from pete.run import RunDir
from pete.tracking import sidecar
from pete.train.loop import Stop
from pete.train.prepare import Prepared, prepare
from pete.train.session import TrainingSession

SAMPLE_TOKENS = 60
"""Of an answer sampled while training: enough to hear the voice, a few seconds at most."""


@dataclass(frozen=True)
class Training:
    """A training that can begin: its configuration, its input read and checked, and the run that goes on; None is a new one."""

    label: str
    """Names a new run's folder."""
    resolved: Resolved
    prepared: Prepared
    run: RunDir | None = None


@dataclass(frozen=True)
class Trained:
    """A run that has its adapter, and what happened on the way in a few sentences, by their names."""

    run: RunDir
    finished: Finished
    summary: list[tuple[str, str]]


def new_training(preset: str | None, file: Path | None, overrides: Sequence[str], devices: int | None = None) -> Training:
    """A new run from a preset, a configuration file or both; quickstart where neither is given. `devices` is --devices.

    Raises:
        UserError: everything that is wrong with the input.
    """
    preset = preset or (None if file else "quickstart")
    resolved, notes = enough_micro_batches(on_devices(resolve(preset, file, overrides), devices))
    sidecar.check(resolved.config)
    prepared = prepare(resolved.config)
    return Training(preset or (file.stem if file else "run"), resolved, replace(prepared, notes=notes) if notes else prepared)


def plan(training: Training, notify: Notify, out: Path | None = None) -> Preflight:
    """Examine the machine and say what the training would take; raises UserError where it cannot be."""
    return preflight(training.resolved, training.prepared, training.run.folder if training.run else out or runs.RUNS, notify)


def train(training: Training, notify: Notify, stop: Stop | None = None, out: Path | None = None) -> Trained:
    """Plan and train, with the machine kept awake; the desktop is told how it ended.

    Args:
        training: what to train.
        notify: told everything.
        stop: ends the training at the next step, with everything saved.
        out: a new run's folder; runs/<date>-<label> unless given.

    Raises:
        Interrupted: `stop` was requested; the run can be resumed.
        UserError, WorkError: it cannot be trained, or training failed.
    """
    if out is not None and training.run is None:
        runs.refuse_taken(out)  # before a step is timed
    checked = plan(training, notify, out)
    config = training.resolved.config
    if training.prepared.base.missing:
        resolve_base(config.model)  # before there is a run folder: a download may fail
    run = training.run or RunDir.create(out, training.label)
    sampling = config.generate.model_copy(update={"max_new_tokens": SAMPLE_TOKENS})

    def ask(engine: Generator, renderer: Renderer, prompt: str, stops: tuple[str, ...]) -> str:
        return answer_all(engine, renderer, [[Message("user", prompt)]], sampling, stops)[0].text

    try:
        with awake.keep_awake(os.getpid()) as held:
            before: list[Event] = [*checked.events, *([Warned(message=held.words)] if held.caution else [])]
            finished = TrainingSession(
                checked.resolved, checked.prepared, run, notify.event, stop or Stop(), resume=training.run is not None, before=before,
                ask=ask, follow=lambda: sidecar.start(config, run),
            ).train()  # fmt: skip
    except Interrupted:
        raise
    except Exception as error:
        desktop.notify(f"{run.name} failed: {error}")
        raise
    desktop.notify(f"{run.name} is trained: {finished.step} steps, best at {finished.best_step}.")
    return Trained(run, finished, night_summary(fold(read(run.events_file))))
