"""A training run from configuration to verified adapter: the one function behind train, resume and quickstart."""

import contextlib
import hashlib
import importlib.metadata
import itertools
import json
import logging
import math
import os
import random
import re
import shutil
import signal
import types
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from pete import __version__
from pete.adapter import Lineage, write_lineage
from pete.config import Config, Resolved
from pete.data.batch import Batch, Sequencer, in_batches
from pete.data.examples import Example, Finding, Split, check_examples, load_examples, load_prompts
from pete.data.render import Message, Rendered, Renderer
from pete.data.split import read_splits, split_rows, write_splits
from pete.engines import open_engine, set_environment
from pete.engines.base_model import architecture_of, look_up_base
from pete.engines.protocol import Base, Engine
from pete.errors import DataError, Interrupted, RunError, WorkError
from pete.events import Checked, Event, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned
from pete.persona import Persona, load_persona, plain_asking, plain_limits
from pete.run import RunDir, sync_folder
from pete.tracking import sidecar
from pete.train import checkpoint
from pete.train.checkpoint import Progress
from pete.train.loop import mean_loss, train
from pete.words import gigabytes

OnEvent = Callable[[Event], None]
Ask = Callable[[Engine, Renderer, str, tuple[str, ...]], str]
"""(engine, renderer, prompt, stop strings) -> a short answer; generation is a later stage, so whoever starts a training brings it."""
FALLBACK = re.compile(r"operator '([^']+)' is not currently (?:supported|implemented) (?:on|for) the (\w+)")
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
    done: int = 0
    """Steps an earlier sitting has taken and saved."""

    @property
    def valid(self) -> list[Batch]:
        """The validation rows as they are scored."""
        return list(in_batches(self.rendered["valid"]))


def prepare(config: Config, kept: dict[Split, list[Example]] | None = None) -> Prepared:
    """Read and check persona, base and data; nothing is written.

    Args:
        config: the run's configuration.
        kept: splits that an earlier sitting wrote; None cuts them from the persona's examples.

    Raises:
        UserError: everything that is wrong with the input.
    """
    sidecar.check(config)
    set_environment(config.engine)
    persona = load_persona(config.data.persona)
    splits = kept if kept is not None else split_rows(load_examples(persona.examples), config.data)
    base = look_up_base(config.model)
    renderer = Renderer(base.folder, template=persona.template, system=persona.system, context=base.context)
    rendered: dict[Split, list[Rendered]] = {name: renderer.examples(rows, config.data.max_length) for name, rows in splits.items()}
    findings = check_examples([row for rows in splits.values() for row in rows], persona.categories, persona.avoid)
    return Prepared(persona, base, renderer, splits, rendered, Sequencer(rendered["train"], config), findings)


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
    with run.lock(), run.logging() as log:

        def tell(event: Event) -> None:
            run.append_event(event)
            log.log(30 if isinstance(event, Warned) else 20, in_words(event))
            with contextlib.suppress(OSError):  # the window was closed: the screen is gone, the run is not
                on_event(event)

        tracker = None
        try:
            with warnings.catch_warnings():
                warnings.showwarning = _listen(tell, log)
                for event in before:
                    tell(event)
                tracker = sidecar.start(resolved.config, run)
                return _train_run(resolved, prepared, run, tell, resume, ask)
        except Interrupted:
            raise
        except Exception as error:
            run.record_error(error)
            log.error("%s: %s", type(error).__name__, error)
            raise
        finally:
            if tracker is not None and (problem := tracker.finish()):
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
    engine = open_engine(resolved.config)
    found = checkpoint.newest(run.checkpoints) if resume else None
    if not resume:
        run.data.mkdir(parents=True, exist_ok=True)
        run.checkpoints.mkdir(exist_ok=True)
        fingerprint = write_splits(run, prepared.splits, prepared.persona.examples)
        if prepared.persona.prompts.is_file():
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
    facts = {
        "config": config_hash(config),
        "data": _sha256(fingerprint, prepared.renderer.template, prepared.renderer.system),
        "base": engine.base.fingerprint,
        "versions": _versions(),
    }
    if found:
        _same(found[2], facts, tell)
        progress = found[1]
        trainable = _count_trainable(found[0])
    else:
        progress = Progress()
        trainable = engine.add_lora(config.lora)
    for finding in prepared.findings if not resume else ():
        tell(Warned(message=f"{finding.where}: {finding.message}"))

    valid = prepared.valid
    probe = prepared.renderer.prompt_ids([Message("user", PROBE)])
    at_best: np.ndarray | None = None
    finished: Finished | None = None
    with StopSignal() as stop:
        events = train(
            engine, prepared.sequencer, valid, config, run.checkpoints, facts, progress, trainable, stop,
            _sampler(engine, prepared, ask) if ask else None,
        )  # fmt: skip
        for event in events:
            if (isinstance(event, Validated) and event.best) or (isinstance(event, Saved) and not valid):
                at_best = engine.logits(probe)  # the generator rests: this is the model of the best step
            if isinstance(event, Finished):
                finished = event
                if event.reason == "done":
                    _publish(engine, config, prepared, run, event, fingerprint)
                    _verify(engine, config, run, event, valid, probe, at_best)
            tell(event)
    assert finished is not None
    if finished.reason != "done":
        raise Interrupted(f"Stopped at step {finished.step} of {prepared.sequencer.steps}; saved.", f"pete resume {run.word}", stop.number)
    return finished


def _sampler(engine: Engine, prepared: Prepared, ask: Ask) -> Callable[[], tuple[str, str]] | None:
    """The persona's held-out prompts in turn, one an answer."""
    if not prepared.persona.prompts.is_file():
        return None
    prompts = load_prompts(prepared.persona.prompts)
    asked = itertools.cycle(random.Random(0).sample(prompts, len(prompts)))  # not one category after the other

    def sample() -> tuple[str, str]:
        prompt = next(asked).prompt
        return prompt, ask(engine, prepared.renderer, prompt, prepared.persona.stop)

    return sample


def _publish(engine: Engine, config: Config, prepared: Prepared, run: RunDir, finished: Finished, fingerprint: str) -> None:
    """Put the best checkpoint's adapter, with all it needs to speak, into adapter/; whole or not at all."""
    best = run.checkpoints / checkpoint.name_of(finished.best_step)
    aside = run.folder / f".tmp-adapter-{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        shutil.copyfile(best / name, aside / name)
    settings = json.loads((prepared.base.folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    prepared.renderer.write(aside, settings)
    persona = prepared.persona
    write_lineage(
        aside,
        Lineage(
            base=engine.base.name,
            base_revision=engine.base.revision,
            base_fingerprint=engine.base.fingerprint,
            data_fingerprint=fingerprint,
            config_sha256=config_hash(config),
            persona=persona.name,
            description=" ".join(persona.description.split()),
            rules=persona.rules,
            system=persona.system,
            stop=persona.stop,
            generate=config.generate.model_dump(),
            categories=persona.categories,
            avoid=persona.avoid,
            limits=plain_limits(persona.limits),
            formats=plain_limits(persona.formats),
            architecture=architecture_of(prepared.base.folder),
            asking=plain_asking(persona.asking, own_template=prepared.renderer.template == persona.template),
            pete=__version__,
        ),
    )
    sync_folder(aside)
    if run.adapter.exists():
        shutil.rmtree(run.adapter)
    os.replace(aside, run.adapter)


def _verify(
    engine: Engine, config: Config, run: RunDir, finished: Finished, valid: list[Batch], probe: list[int], at_best: np.ndarray | None
) -> None:
    """Reload adapter/ from disk: it must compute what the model in memory computed, and not what the base computes.

    Raises:
        WorkError: it does not.
    """
    exact = engine.device == "cpu"
    engine.load(config.model, run.adapter)
    logits = engine.logits(probe)
    if at_best is not None:
        gap = float(np.abs(logits - at_best).max())
        if gap > (0.0 if exact else 0.05 * float(np.abs(at_best).max())):
            raise WorkError(
                f"The saved adapter is not the trained one: reloaded, its logits differ by up to {gap:.3g}.",
                f"the checkpoints are intact in {run.checkpoints}; please report this",
            )
    if valid and finished.best_loss is not None:
        loss = mean_loss(engine, valid)
        if not math.isclose(loss, finished.best_loss, rel_tol=1e-9 if exact else 1e-2):
            raise WorkError(
                f"The saved adapter is not the trained one: its validation loss is {loss:.6f}, in memory it was {finished.best_loss:.6f}.",
                f"the checkpoints are intact in {run.checkpoints}; please report this",
            )
    engine.adapter_active = False
    base = engine.logits(probe)
    engine.adapter_active = True
    if float(np.abs(logits - base).max()) < 1e-4:
        raise WorkError(
            "The adapter changes nothing: with and without it the model computes the same.",
            "train longer, or raise optim.learning_rate",
        )


def resumable(run: RunDir) -> tuple[Resolved, Prepared]:
    """What `pete resume` goes on with.

    Raises:
        RunError: the run is finished. DataError: its data was changed since it began.
    """
    if run.adapter.is_dir():
        raise RunError(f"{run.folder} is finished: its adapter is there.", f"try it: pete test {run.word}")
    resolved = run.read_config()
    if not run.manifest_file.is_file():
        raise RunError(f"{run.folder} has no data yet: it stopped before training began.", "start again: pete train")
    splits, fingerprint = read_splits(run)
    written = json.loads(run.manifest_file.read_text(encoding="utf-8"))["fingerprint"]
    if fingerprint != written:
        raise DataError(
            f"{run.data} was changed since training began: going on would mix two datasets.",
            "undo the change, or start a new run: pete train",
        )
    found = checkpoint.newest(run.checkpoints)
    return resolved, replace(prepare(resolved.config, splits), done=found[1].step if found else 0)


def config_hash(config: Config) -> str:
    """sha256 of the configuration's values."""
    return _sha256(json.dumps(config.model_dump(), sort_keys=True))


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
            return f"{event.reason} at step {event.step}; best was step {event.best_step}; {event.seconds:.0f} s of training"
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


def _sha256(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _same(before: dict[str, object], now: dict[str, object], tell: OnEvent) -> None:
    for key, name in (("config", "configuration"), ("data", "persona's template or system line"), ("base", "base model")):
        if before.get(key) != now[key]:
            raise RunError(
                f"The {name} is not the one this run was started with.",
                "undo the change, or start a new run: pete train",
            )
    if before.get("versions") != now["versions"]:
        tell(Warned(message=f"package versions changed since this run began ({before.get('versions')}): going on, but not bit for bit"))


def _versions() -> dict[str, str]:
    found = {"pete": __version__}
    for name in ("torch", "transformers", "peft", "numpy"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _count_trainable(folder: Path) -> int:
    from safetensors.numpy import load_file

    return sum(t.size for t in load_file(folder / "adapter_model.safetensors").values())
