"""A training run from configuration to verified adapter: the one function behind train, resume and quickstart."""

import contextlib
import datetime
import errno
import hashlib
import itertools
import json
import logging
import random
import re
import shutil
import signal
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from safetensors import SafetensorError

from pete import __version__
from pete.config import Config, LoraConfig, OptimConfig, Resolved, TrainConfig
from pete.data.batch import Batch, Sequencer, in_batches
from pete.data.check import check_data, persona_prompts
from pete.data.examples import Example, Finding, Question, Split, read_examples
from pete.data.render import Message, Rendered, Renderer
from pete.data.split import read_splits, split_rows, write_splits
from pete.engines import open_trainer, set_environment
from pete.engines.base_models.resolve import look_up_base
from pete.engines.base_models.text_proof import prove_text
from pete.engines.protocol import Base, Trainer
from pete.errors import DataError, Interrupted, RunError, WorkError
from pete.events import Checked, Event, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned
from pete.persona import Persona, load_persona, run_persona
from pete.run import RunDir
from pete.tracking import sidecar
from pete.train import checkpoint
from pete.train.checkpoint import Progress
from pete.train.loop import train
from pete.train.publish import Proof, lineage_of, publish, train_again
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


@dataclass(frozen=True)
class Prepared:
    """Everything checked, nothing written yet."""

    persona: Persona
    base: Base
    renderer: Renderer
    splits: dict[Split, list[Example]]
    rendered: dict[Split, list[Rendered]]
    sequencer: Sequencer
    findings: list[Finding]
    prompts: Sequence[Question]
    """The persona's held-out prompts; sampled from while training."""
    done: int = 0
    """Steps an earlier session has taken and saved."""
    notes: tuple[str, ...] = ()
    """What a resumed run has to say before it goes on."""

    @property
    def valid(self) -> list[Batch]:
        """The validation rows as they are scored."""
        return list(in_batches(self.rendered["valid"]))


def prepare(
    config: Config,
    kept: dict[Split, list[Example]] | None = None,
    persona: Persona | None = None,
    began: datetime.datetime | None = None,
) -> Prepared:
    """Read and check persona, base and data; nothing is written.

    Args:
        config: the run's configuration.
        kept: splits that an earlier session wrote; None cuts them from the persona's examples.
        persona: the voice as an earlier session kept it; None finds the configuration's.
        began: when an earlier session began, for templates that write the date; None is now.

    Raises:
        UserError: everything that is wrong with the input.
    """
    sidecar.check(config)
    set_environment(config)
    persona = persona or load_persona(config.data.persona)
    read = read_examples(persona.examples) if kept is None else None
    splits = kept if read is None else split_rows(read.rows, config.data)
    assert splits is not None
    prompts = persona_prompts(persona)
    findings = check_data(persona, read, prompts) if read else []
    base = look_up_base(config.model)
    renderer = Renderer(
        base.folder, template=persona.template, system=persona.system, context=base.context, now=began,
        train_turns=config.data.train_turns,
    )  # fmt: skip
    prove_text(base, renderer)
    rendered: dict[Split, list[Rendered]] = {name: renderer.examples(rows, config.data.max_length) for name, rows in splits.items()}
    asked = prompts.rows if prompts else []
    return Prepared(persona, base, renderer, splits, rendered, Sequencer(rendered["train"], config), findings, asked)


def train_run(
    resolved: Resolved,
    prepared: Prepared,
    run: RunDir,
    on_event: OnEvent,
    *,
    resume: bool = False,
    before: Sequence[Event] = (),
    ask: Ask | None = None,
) -> Finished:
    """Train into a run folder, or go on in one, and leave a verified adapter there.

    Args:
        resolved: the configuration.
        prepared: what `prepare` or `resumable` made of it.
        run: an empty run folder, or with `resume` one that was interrupted.
        on_event: told everything that happens, after it is on disk.
        resume: go on from the newest checkpoint that verifies.
        before: what was found and planned beforehand (Checked, Planned), for the run's record.
        ask: how to sample an answer while training; None leaves train.sample_every without effect.

    Raises:
        Interrupted: a signal came; the run is saved and `resumable`.
        UserError, WorkError: also written to errors.jsonl with a traceback, as is any other failure.
    """
    try:
        with run.lock(), run.logging() as log:
            return _recorded(resolved, prepared, run, on_event, log, resume=resume, before=before, ask=ask)
    except (OSError, SafetensorError) as error:
        if isinstance(error, OSError) and error.errno not in DRIVE:
            raise
        raise WorkError(
            f"{run.folder} could not be written: {getattr(error, 'strerror', error)}. What was saved before is intact.",
            f"make room or mend the drive, then go on: pete resume {run.cli_argument}",
        ) from error


def _recorded(
    resolved: Resolved, prepared: Prepared, run: RunDir, on_event: OnEvent, log: logging.Logger, *, resume: bool,
    before: Sequence[Event], ask: Ask | None,
) -> Finished:  # fmt: skip
    """Train with everything that happens on record, failures too."""
    deaf: set[str] = set()

    def hear(who: str, listener: OnEvent, event: Event) -> None:
        """No listener can end a training; the first failure of each is worth a line."""
        try:
            listener(event)
        except Exception as error:
            if who not in deaf:
                deaf.add(who)
                log.warning("%s does not take what happens, and training goes on: %s: %s", who, type(error).__name__, error)

    def tell(event: Event) -> None:
        hear("events.jsonl", run.append_event, event)
        log.log(30 if isinstance(event, Warned) else 20, in_words(event))
        hear("the screen", on_event, event)

    tracker = None
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _listen(tell, log)
            for event in before:
                tell(event)
            for note in prepared.notes:
                tell(Warned(message=note))
            tracker = sidecar.start(resolved.config, run)
            return _train_run(resolved, prepared, run, tell, resume, ask)
    except Interrupted:
        raise
    except Exception as error:
        with contextlib.suppress(OSError):  # the drive may be what failed
            run.record_error(error)
        log.error("%s: %s", type(error).__name__, error)
        raise
    finally:
        if tracker is not None and (problem := tracker.finish(waiting=lambda text: hear("the screen", on_event, Warned(message=text)))):
            tell(Warned(message=problem))


def _listen(tell: OnEvent, log: logging.Logger) -> Callable[..., None]:
    """A listener for Python's warnings: an operator that leaves the GPU for the CPU is worth telling, the rest goes to train.log."""

    def heard(message: Warning | str, category: type[Warning], filename: str, lineno: int, *_: object) -> None:
        if found := FALLBACK.search(str(message)):
            operator, device = found.groups()
            tell(Warned(message=f"{operator} is computed on the CPU, PyTorch has it not for {device}: slower, and right"))
        else:
            log.info("%s: %s (%s:%d)", category.__name__, message, Path(filename).name, lineno)

    return heard


def _train_run(resolved: Resolved, prepared: Prepared, run: RunDir, tell: OnEvent, resume: bool, ask: Ask | None) -> Finished:
    engine = open_trainer(resolved.config)
    found = checkpoint.newest(run.checkpoints, set_aside=True) if resume else None
    if not resume:
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
    else:
        fingerprint = read_splits(run)[1]
        engine.load(resolved.config.model, found[0] if found else None)
    config = resolved.config
    facts = facts_of(config, prepared, engine)
    if found:
        progress = found[1]
        trainable = _count_trainable(found[0])
    else:
        progress = Progress()
        trainable = engine.add_lora(config.lora)
    for finding in prepared.findings if not resume else ():
        tell(Warned(message=finding.in_words()))

    valid = prepared.valid
    probe = prepared.renderer.answer_ids([Message("user", PROBE)])
    at_best: np.ndarray | None = None
    last: Validated | None = None
    finished: Finished | None = None
    with StopSignal() as stop:
        events = train(
            engine, prepared.sequencer, valid, config, run.checkpoints, facts, progress, trainable, stop,
            _sampler(engine, prepared, ask) if ask else None,
        )  # fmt: skip
        for event in events:
            if (isinstance(event, Validated) and event.best) or (isinstance(event, Saved) and not valid):
                at_best = engine.logits(probe)  # the generator rests: this is the model of the best step
            if isinstance(event, Validated):
                last = event
            if isinstance(event, Finished):
                finished = event
                if event.reason == "done":
                    best = run.checkpoints / checkpoint.name_of(event.best_step)
                    lineage = lineage_of(engine, config, prepared, fingerprint, config_hash(config))
                    try:
                        publish(engine, config.model, run, best, lineage, prepared, Proof(probe, at_best, valid, event.best_loss))
                    except BaseException:
                        tell(replace(event, reason="not published"))
                        raise
            tell(event)
    assert finished is not None
    if finished.reason == "not better":
        raise _in_vain(run, config, finished, last)
    if finished.reason != "done":
        raise Interrupted(
            f"Stopped at step {finished.step} of {prepared.sequencer.steps}; saved.", f"pete resume {run.cli_argument}", stop.number
        )
    return finished


def _in_vain(run: RunDir, config: Config, finished: Finished, last: Validated | None) -> WorkError:
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


def _sampler(engine: Trainer, prepared: Prepared, ask: Ask) -> Callable[[], tuple[str, str]] | None:
    """The persona's held-out prompts in turn, one an answer."""
    prompts = prepared.prompts
    if not prompts:
        return None
    asked = itertools.cycle(random.Random(0).sample(prompts, len(prompts)))  # not one category after the other

    def sample() -> tuple[str, str]:
        prompt = next(asked).prompt
        return prompt, ask(engine, prepared.renderer, prompt, prepared.persona.stop)

    return sample


def resumable(run: RunDir) -> tuple[Resolved, Prepared]:
    """What `pete resume` goes on with. Only looks: nothing in the run folder is changed.

    Raises:
        RunError: the run is finished, is being trained, cannot be written, has no good checkpoint, or went all its way in vain.
        DataError: its data was changed since it began.
    """
    if run.adapter.is_dir():
        raise RunError(f"{run.folder} is finished: its adapter is there.", f"try it: pete test {run.cli_argument}")
    if (lock_owner_pid := run.lock_owner_pid()) is not None:
        raise run.taken(lock_owner_pid)
    run.require_writable()
    resolved = run.read_config()
    if not run.manifest_file.is_file():
        raise RunError(f"{run.folder} has no data yet: it stopped before training began.", "start again: pete train")
    splits, fingerprint = read_splits(run)
    written, began = _manifest(run)
    if fingerprint != written:
        raise DataError(
            f"{run.data} was changed since training began: going on would mix two datasets.",
            "undo the change, or start a new run: pete train",
        )
    mode, said = sidecar.usable(resolved.config)
    if said:
        resolved = resolved.replace("tracking.wandb", mode, said)
    prepared = prepare(resolved.config, splits, run_persona(run), began)
    notes = [said] if said else []
    found = checkpoint.newest(run.checkpoints)
    if found is None:
        notes.append("the run stopped before its first checkpoint: it begins again at step 0")
        return resolved, replace(prepared, notes=tuple(notes))
    progress, facts = found[1:]
    notes += _same(run, facts, facts_of(resolved.config, prepared, open_trainer(resolved.config)))
    if progress.step == prepared.sequencer.steps and progress.base_loss is not None and not progress.best_step:
        raise RunError(
            f"{run.folder} has taken all its {progress.step:,} steps, and none was better than the untrained base: "
            "there is nothing to go on with.",
            f"train again with something changed: {train_again(run, f'optim.learning_rate={resolved.config.optim.learning_rate / 2:g}')}",
        )
    return resolved, replace(prepared, done=progress.step, notes=tuple(notes))


def _manifest(run: RunDir) -> tuple[str, datetime.datetime | None]:
    """The fingerprint of the rows as they were written, and when that was; runs of an earlier version did not note the latter."""
    try:
        kept = json.loads(run.manifest_file.read_bytes())
        return str(kept["fingerprint"]), datetime.datetime.fromisoformat(kept["began"]) if "began" in kept else None
    except (ValueError, KeyError, TypeError):
        raise DataError(f"{run.manifest_file} is damaged.", "put a good copy back, or start a new run: pete train") from None


UNTRAINED = {"save_every", "sample_every"}
"""Of [train], what changes no number and no choice."""


def training_values(config: Config) -> dict[str, Any]:
    """Every value that training depends on, by dotted key; which base and which rows are facts of their own."""
    what = {
        "model": {"dtype"},
        "lora": set(LoraConfig.model_fields),
        "data": {"max_length", "packing"},
        "optim": set(OptimConfig.model_fields),
        "train": set(TrainConfig.model_fields) - UNTRAINED,
        "engine": {"name", "device"},
    }
    tables = config.model_dump(mode="json", include=what)
    return {f"{section}.{key}": value for section, table in tables.items() for key, value in table.items()}


def config_hash(config: Config) -> str:
    """sha256 of what training depends on."""
    return hashlib.sha256(json.dumps(training_values(config), sort_keys=True).encode()).hexdigest()


def facts_of(config: Config, prepared: Prepared, engine: Trainer) -> dict[str, Any]:
    """What must be as it was for a run to go on: settings, rows as the model sees them, base, package versions."""
    rows = hashlib.sha256()
    for name in ("train", "valid"):
        for row in prepared.rendered[name]:
            rows.update(b"%d" % len(row) + row.ids.tobytes() + row.trained.tobytes())
    return {
        "training": training_values(config),
        "rows": rows.hexdigest(),
        "base": prepared.base.fingerprint,
        "versions": {"pete": __version__, **engine.versions()},
    }


def in_words(event: Event) -> str:
    """An event as a line of train.log."""
    match event:
        case Started():
            return (
                f"started: {event.base} on {event.engine}/{event.device} in {event.dtype} ({event.dtype_reason}); "
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


class StopSignal:
    """Ctrl-C, a closed window or a shutdown ask the loop to save at the next step; asked twice, it stops at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self.number = 0

    def __call__(self) -> bool:
        """Whether a signal came."""
        return self.number != 0

    def __enter__(self) -> Self:
        """Listen."""
        self._previous = {number: signal.signal(number, self._ask) for number in self.SIGNALS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: types.TracebackType | None) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _ask(self, number: int, _: types.FrameType | None) -> None:
        if self.number and number != signal.SIGHUP:  # a closing window may send it twice, from the shell and from the kernel
            raise KeyboardInterrupt
        self.number = number


def _same(run: RunDir, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Refuse what is not as it was; returns what may be noted.

    Raises:
        RunError: going on would mix two trainings.
    """
    new = "undo the change, or start a new run: pete train"
    if "training" not in before or "rows" not in before:
        raise RunError(
            f"{run.folder} was begun by an earlier version of Pete, which put the rows before the model in another way.",
            f"start a new run: {train_again(run)}",
        )
    changed = [key for key, value in now["training"].items() if key in before["training"] and before["training"][key] != value]
    if changed:
        was = "; ".join(f"{key} was {before['training'][key]!r} and is {now['training'][key]!r}" for key in changed)
        raise RunError(f"{run.config_file} is not what this run was started with: {was}.", new)
    for key, name in (("base", "base model"), ("rows", "rows' template, system line or tokenizer")):
        if before.get(key) != now[key]:
            raise RunError(f"The {name} is not what this run was started with.", new)
    if before.get("versions") == now["versions"]:
        return []
    return [f"package versions changed since this run began ({before.get('versions')}): going on, but not bit for bit"]


def _count_trainable(folder: Path) -> int:
    from safetensors.numpy import load_file

    return sum(t.size for t in load_file(folder / "adapter_model.safetensors").values())
