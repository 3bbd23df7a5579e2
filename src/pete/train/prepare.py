"""Prepare a training run, new or resumed: everything is read and checked, nothing is written."""

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pete import __version__
from pete.config import Config, LoraConfig, OptimConfig, Resolved, TrainConfig
from pete.data.batch import Batch, Sequencer, in_batches
from pete.data.bulk import many_rows
from pete.data.check import check_data, looking, persona_prompts, refuse_errors
from pete.data.checks.shape import few_rows
from pete.data.edits import persona_rows
from pete.data.examples import DataFinding, Example, Question, Split
from pete.data.render import Rendered, Renderer
from pete.data.split import read_splits, split_rows
from pete.data.task_share import learned_from, texts_in
from pete.engines import open_trainer, set_environment
from pete.engines.base_models.resolve import look_up_base
from pete.engines.base_models.text_proof import prove_text
from pete.engines.protocol import Base
from pete.errors import DataError, RunError
from pete.persona import Persona, load_persona, run_persona
from pete.run import RunDir
from pete.train import checkpoint
from pete.train.publish import train_again


@dataclass(frozen=True)
class Prepared:
    """Everything checked, nothing written yet."""

    persona: Persona
    base: Base
    renderer: Renderer
    splits: dict[Split, list[Example]]
    rendered: dict[Split, list[Rendered]]
    sequencer: Sequencer
    findings: list[DataFinding]
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


@many_rows()
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
    set_environment(config)
    persona = persona or load_persona(config.data.persona)
    read = persona_rows(persona) if kept is None else None
    with looking(read.rows if read else (), persona) as looked:
        splits = kept if read is None else split_rows(read.rows, config.data)
        assert splits is not None
        prompts = persona_prompts(persona)
        findings = check_data(persona, read, prompts, splits, looked) if read else []
    refuse_errors(findings)
    base = look_up_base(config.model)
    renderer = Renderer(
        base.folder, template=persona.template, system=persona.system, context=base.context, now=began,
        train_turns=config.data.train_turns,
    )  # fmt: skip
    prove_text(base, renderer)
    if read is not None:
        splits, shared = learned_from(splits, config.data, renderer)
        findings += [*shared, *few_rows(len(splits["train"]), base.name, base.shape)]
    rendered: dict[Split, list[Rendered]] = {name: renderer.examples(rows, config.data.max_length) for name, rows in splits.items()}
    sequencer = Sequencer(rendered["train"], config, texts_in(splits["train"]))
    return Prepared(persona, base, renderer, splits, rendered, sequencer, findings, prompts.rows if prompts else [])


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
    prepared = prepare(resolved.config, splits, run_persona(run), began)
    saved = checkpoint.newest(run.checkpoints)
    if saved is None:
        return resolved, replace(prepared, notes=("the run stopped before its first checkpoint: it begins again at step 0",))
    progress = saved.progress
    notes = _check_same(run, saved.facts, facts_of(resolved.config, prepared, open_trainer(resolved.config).versions()))
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


UNTRAINED = {"save_every", "sample_every", "devices"}
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


def facts_of(config: Config, prepared: Prepared, versions: Mapping[str, str]) -> dict[str, Any]:
    """What must be as it was for a run to go on: settings, rows as the model sees them, base, package versions."""
    rows = hashlib.sha256()
    for name in ("train", "valid"):
        for row in prepared.rendered[name]:
            rows.update(b"%d" % len(row) + row.ids.tobytes() + row.trained.tobytes())
    return {
        "training": training_values(config),
        "rows": rows.hexdigest(),
        "base": prepared.base.fingerprint,
        "versions": {"pete": __version__, **versions},
    }


def _check_same(run: RunDir, before: dict[str, Any], now: dict[str, Any]) -> list[str]:
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
