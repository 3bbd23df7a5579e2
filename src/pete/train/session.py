"""One session of a training run, new or resumed: run the loop, record what happens, verify the adapter and publish it."""

import contextlib
import errno
import itertools
import logging
import random
import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from pete.adapter import WEIGHTS
from pete.config import Config, Resolved
from pete.data.render import Message, Renderer
from pete.data.split import read_splits, write_splits
from pete.engines import on_devices
from pete.engines.protocol import RankLost, Trainer
from pete.errors import Interrupted, WorkError
from pete.events import Checked, Event, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned
from pete.run import RunDir
from pete.train import checkpoint
from pete.train.checkpoint import Progress
from pete.train.loop import Job, Stop, train
from pete.train.prepare import Prepared, config_hash, facts_of
from pete.train.publish import AdapterProof, lineage_of, publish, train_again
from pete.train.python_warnings import warnings_to
from pete.words import gigabytes

OnEvent = Callable[[Event], None]
Ask = Callable[[Trainer, Renderer, str, tuple[str, ...]], str]
"""(engine, renderer, prompt, stop strings) -> a short answer; generation is a later stage, so whoever starts a training brings it."""
FALLBACK = re.compile(r"operator '([^']+)' is not currently (?:supported|implemented) (?:on|for) the (\w+)")
DRIVE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""What a full or failing drive answers."""
HARDLY = 0.01
"""A validation loss that moved by less than this share was hardly moved by training."""
PROBE = "Write one line about a meeting that could have been an email."


class Follower(Protocol):
    """What reads the run's events while it is trained (tracking, say), and needs a moment at the end."""

    def finish(self, *, waiting: Callable[[str], None]) -> str | None:
        """Wait for it; `waiting` is told what for. Returns what a person should know."""
        ...


@dataclass
class TrainingSession:
    """What is trained, where, and who is told; `train` does it."""

    resolved: Resolved
    prepared: Prepared
    run: RunDir
    """An empty run folder, or with `resume` one that was interrupted."""
    on_event: OnEvent
    """Told everything that happens, after it is on disk. It cannot end a training: its first failure is logged."""
    stop: Stop = field(default_factory=Stop)
    resume: bool = False
    """Go on from the newest checkpoint that verifies."""
    before: Sequence[Event] = ()
    """What was found and planned beforehand (Checked, Planned), for the run's record."""
    ask: Ask | None = None
    """How to sample an answer while training; None leaves train.sample_every without effect."""
    follow: Callable[[], Follower | None] = lambda: None
    """Starts what follows the run; called once the run is locked."""

    def train(self) -> Finished:
        """Train, and leave a verified adapter in the run folder.

        Raises:
            Interrupted: it was asked to stop; the run is saved and can be resumed.
            UserError, WorkError: also written to errors.jsonl with a traceback, as is any other failure.
        """
        try:
            with self.run.lock(), self.run.logging() as self._log:
                return self._train_recorded()
        except (OSError, SafetensorError) as error:
            if isinstance(error, OSError) and error.errno not in DRIVE:
                raise
            raise WorkError(
                f"{self.run.folder} could not be written: {getattr(error, 'strerror', error)}. What was saved before is intact.",
                f"make room or mend the drive, then go on: pete resume {self.run.cli_argument}",
            ) from error

    def __post_init__(self) -> None:
        self._failed_listeners: set[str] = set()

    def _notify(self, who: str, listener: OnEvent, event: Event) -> None:
        """No listener can end a training; the first failure of each is worth a line."""
        try:
            listener(event)
        except Exception as error:
            if who not in self._failed_listeners:
                self._failed_listeners.add(who)
                self._log.warning("%s does not take what happens, and training goes on: %s: %s", who, type(error).__name__, error)

    def _record(self, event: Event) -> None:
        self._keep(event)
        self._notify("the screen", self.on_event, event)

    def _keep(self, event: Event) -> None:
        self._notify("events.jsonl", self.run.append_event, event)
        self._log.log(logging.WARNING if isinstance(event, Warned) else logging.INFO, in_words(event))

    def _show(self, text: str) -> None:
        self._notify("the screen", self.on_event, Warned(message=text))

    def _train_recorded(self) -> Finished:
        """Train with everything that happens on record, failures too."""
        follower = None
        try:
            with warnings_to(self._on_python_warning):
                for event in (*self.before, *(Warned(message=note) for note in self.prepared.notes)):
                    self._record(event)
                follower = self.follow()
                return self._run()
        except Interrupted:
            raise
        except Exception as error:
            with contextlib.suppress(OSError):  # the drive may be what failed
                self.run.record_error(error)
            self._log.error("%s: %s", type(error).__name__, error)
            raise
        finally:
            if follower is not None and (problem := follower.finish(waiting=self._show)):
                self._record(Warned(message=problem))

    def _on_python_warning(self, message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
        """An operator that leaves the GPU for the CPU is worth telling, the rest goes to train.log."""
        if match := FALLBACK.search(str(message)):
            operator, device = match.groups()
            self._record(Warned(message=f"{operator} is computed on the CPU, PyTorch has it not for {device}: slower, and right"))
        else:
            self._log.info("%s: %s (%s:%d)", category.__name__, message, Path(filename).name, lineno)

    def _run(self) -> Finished:
        try:
            with on_devices(self.resolved.config) as engine:
                return self._run_on(engine)
        except RankLost as lost:
            go_on = f"the checkpoints so far are good: pete resume {self.run.cli_argument}"
            raise WorkError(lost.message, go_on) from lost

    def _run_on(self, engine: Trainer) -> Finished:
        job, fingerprint = self._resume(engine) if self.resume else self._begin(engine)
        probe = self.prepared.renderer.answer_ids([Message("user", PROBE)])
        at_best: np.ndarray | None = None
        last: Validated | None = None
        finished: Finished | None = None
        with self.stop:
            for event in train(job):
                if (isinstance(event, Validated) and event.best) or (isinstance(event, Saved) and not job.valid):
                    at_best = engine.logits(probe)  # the generator rests: this is the model of the best step
                if isinstance(event, Validated):
                    last = event
                if isinstance(event, Finished):
                    finished = event
                    if event.reason == "done":
                        self._publish(engine, job.config, fingerprint, event, AdapterProof(probe, at_best, job.valid, event.best_loss))
                self._record(event)
        assert finished is not None
        if finished.reason == "not better":
            raise _not_better(self.run, job.config, finished, last)
        if finished.reason != "done":
            raise Interrupted(
                f"Stopped at step {finished.step} of {job.sequencer.steps}; saved.",
                f"pete resume {self.run.cli_argument}",
                self.stop.signal_number,
            )
        return finished

    def _begin(self, engine: Trainer) -> tuple[Job, str]:
        """Write what the run is made of, and put a fresh adapter on the base; returns the data's fingerprint too."""
        run, prepared, resolved = self.run, self.prepared, self.resolved
        run.data.mkdir(parents=True, exist_ok=True)
        run.checkpoints.mkdir(exist_ok=True)
        fingerprint = write_splits(run, prepared.splits, prepared.persona.examples, prepared.renderer.now)
        shutil.copyfile(prepared.persona.file, run.persona_file)
        if prepared.prompts:
            shutil.copyfile(prepared.persona.prompts, run.prompts_file)
        engine.load(resolved.config.model)
        if resolved.config.model.dtype == "auto" and engine.dtype in ("float32", "bfloat16"):
            resolved = resolved.replace("model.dtype", engine.dtype, f"measured: {engine.dtype_reason}")
        resolved = resolved.replace("model.revision", engine.base.revision, "resolved")
        run.write_config(resolved)
        trainable = engine.add_lora(resolved.config.lora)
        for finding in prepared.findings:  # the plan has said them
            self._keep(Warned(message=finding.in_words()))
        return self._job(engine, resolved.config, Progress(), trainable), fingerprint

    def _resume(self, engine: Trainer) -> tuple[Job, str]:
        """Load the newest checkpoint that verifies; without one, begin again on the same rows."""
        config = self.resolved.config
        saved = checkpoint.newest(self.run.checkpoints, set_aside=True)
        engine.load(config.model, saved.folder if saved else None)
        if saved:
            progress, trainable = saved.progress, sum(tensor.size for tensor in load_file(saved.folder / WEIGHTS).values())
        else:
            progress, trainable = Progress(), engine.add_lora(config.lora)
        return self._job(engine, config, progress, trainable), read_splits(self.run)[1]

    def _job(self, engine: Trainer, config: Config, progress: Progress, trainable: int) -> Job:
        prepared, facts = self.prepared, facts_of(config, self.prepared, engine.versions())
        return Job(
            engine, prepared.sequencer, prepared.valid, config, self.run.checkpoints, facts, progress, trainable,
            self.stop, self._sampler(engine),
        )  # fmt: skip

    def _publish(self, engine: Trainer, config: Config, fingerprint: str, finished: Finished, proof: AdapterProof) -> None:
        best = self.run.checkpoints / checkpoint.name_of(finished.best_step)
        lineage = lineage_of(engine, config, self.prepared, fingerprint, config_hash(config))
        try:
            publish(engine, config.model, self.run, best, lineage, self.prepared, proof)
        except BaseException:
            self._record(replace(finished, reason="not published"))
            raise

    def _sampler(self, engine: Trainer) -> Callable[[], tuple[str, str]] | None:
        """The persona's held-out prompts in turn, one an answer."""
        ask, prepared = self.ask, self.prepared
        if ask is None or not prepared.prompts:
            return None
        shuffled = itertools.cycle(random.Random(0).sample(prepared.prompts, len(prepared.prompts)))  # not one category after the other

        def sample() -> tuple[str, str]:
            prompt = next(shuffled).prompt
            return prompt, ask(engine, prepared.renderer, prompt, prepared.persona.stop)

        return sample


def _not_better(run: RunDir, config: Config, finished: Finished, last: Validated | None) -> WorkError:
    """No step was better than the untrained base."""
    base, end = finished.best_loss or 0.0, f", {last.loss:.4f} at the end" if last and last.step else ""
    moved = last is not None and abs(last.loss - base) > HARDLY * abs(base)
    rate = config.optim.learning_rate * (0.5 if moved else 2)
    return WorkError(
        f"No step was better than the untrained base on the validation rows: {base:.4f} before training{end}. "
        f"Nothing was published; the checkpoints are in {run.checkpoints}.",
        f"{'half' if moved else 'twice'} the learning rate: {train_again(run, f'optim.learning_rate={rate:g}')}; "
        f"or {'fewer' if moved else 'more'} train.epochs, or more and more even rows (pete data check)",
    )


def in_words(event: Event) -> str:
    """An event as a line of train.log."""
    match event:
        case Started():
            several = f" x {event.devices}" if event.devices > 1 else ""
            return (
                f"started: {event.base} on {event.engine}/{event.device}{several} in {event.dtype} ({event.dtype_reason}); "
                f"{event.trainable:,} of {event.parameters + event.trainable:,} parameters train "
                f"({event.trainable / (event.parameters + event.trainable):.2%}); {event.train_rows} rows, {event.steps} steps"
                + (f", going on after step {event.resumed_from}" if event.resumed_from else "")
            )
        case Step():
            return (
                f"step {event.step}: loss {event.loss:.4f}, lr {event.lr:.3g}, grad norm {event.grad_norm:.3f}, "
                f"{event.tokens / event.seconds:.0f} tok/s, {gigabytes(event.memory)}"
            )
        case Validated():
            return f"step {event.step}: validation loss {event.loss:.4f}{' (best so far)' if event.best else ''}"
        case Saved():
            return f"step {event.step}: saved {event.checkpoint}"
        case Finished():
            best = f"step {event.best_step}" if event.best_step else "the untrained base"
            return f"{event.reason} at step {event.step}; best was {best}; {event.seconds:.0f} s of training"
        case Warned():
            return event.message
        case Sampled():
            return f"step {event.step}: asked {event.prompt!r}, answered {event.text!r}"
        case Checked():
            noted = [f"{f['level']}: {f['found']}" for f in event.findings if f["level"] != "good"]
            return f"machine: {'; '.join(noted) or 'nothing to note'}"
        case Planned():
            return (
                f"plan: {gigabytes(event.memory)} at most of {gigabytes(event.available)} to be had, "
                f"{event.seconds:.0f} s for {event.tokens} tokens ({event.basis})"
            )
        case _:
            return str(event)
