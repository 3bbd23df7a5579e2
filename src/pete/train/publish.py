"""Publish the adapter: made aside from the best checkpoint, verified there, synced to the drive, and only then renamed into place."""

import math
import os
import shlex
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pete import __version__
from pete.adapter import SETTINGS, WEIGHTS, Lineage, write_lineage
from pete.config import Config, ModelConfig
from pete.data.batch import Batch
from pete.engines.base_models.checks import architecture_of
from pete.engines.protocol import Trainer
from pete.engines.reference import Reference
from pete.errors import WorkError
from pete.persona import plain_limits, plain_prompt_format
from pete.run import RunDir, sync_files, sync_folder
from pete.train.checkpoint import fault_in
from pete.train.loop import mean_loss

if TYPE_CHECKING:
    from pete.train.prepare import Prepared

ROUNDING = 1e-4
"""A CPU's loss may differ by this share from that of an earlier session, which may have had other devices or threads."""
LEAST_CHANGE = 1e-4
"""Logits that differ by less, with the adapter and without it, are the base's."""


@dataclass(frozen=True)
class AdapterProof:
    """What the adapter has to compute once it is read back, as the model in memory computed it at the best step."""

    probe: list[int]
    """A prompt's ids."""
    logits: np.ndarray | None
    """After the probe, float32 [vocabulary]; None where no step of this session was the best one."""
    valid: list[Batch]
    loss: float | None
    """Over `valid`, nats a token; None without validation rows. Taken again only where logits cannot be held to the last bit."""


def publish(
    engine: Trainer, model: ModelConfig, run: RunDir, best: Path, lineage: Lineage, prepared: "Prepared", proof: AdapterProof
) -> None:
    """Make adapter/ from a checkpoint: whole, proven and on the drive, or not there at all.

    Raises:
        WorkError: the checkpoint is damaged, or what was made of it is not what was trained.
        OSError: it cannot be written.
    """
    if fault := fault_in(best):
        raise WorkError(
            f"The best checkpoint is damaged: in {best.name}, {fault}. Nothing was published.",
            f"put a good copy of {best} back from a backup, then pete resume {run.cli_argument}; or train again: {train_again(run)}",
        )
    for left in run.folder.glob(".tmp-adapter-*"):
        shutil.rmtree(left, ignore_errors=True)
    aside = run.folder / f".tmp-adapter-{os.getpid()}"
    try:
        aside.mkdir()
        for name in (WEIGHTS, SETTINGS):
            shutil.copyfile(best / name, aside / name)
        prepared.renderer.write(aside)
        write_lineage(aside, lineage)
        _prove(engine, model, run, aside, proof)
        Reference.of(engine, [proof.probe, *_rows(proof.valid)]).write(aside)
        sync_files(aside)
        os.replace(aside, run.adapter)
        sync_folder(run.folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def lineage_of(engine: Trainer, config: Config, prepared: "Prepared", fingerprint: str, config_sha256: str) -> Lineage:
    """What the adapter was made of and how it speaks."""
    persona = prepared.persona
    return Lineage(
        base=engine.base.name,
        base_revision=engine.base.revision,
        base_fingerprint=engine.base.fingerprint,
        data_fingerprint=fingerprint,
        config_sha256=config_sha256,
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
        began=prepared.renderer.now.isoformat() if prepared.renderer.dated else "",
        prompt_format=plain_prompt_format(persona.prompt_format, own_template=not prepared.renderer.own_template),
        pete=__version__,
    )


def _rows(batches: Sequence[Batch]) -> Iterator[list[int]]:
    for batch in batches:
        yield from (row.tolist() for row in np.split(batch.ids, np.cumsum(batch.lengths)[:-1]))


def train_again(run: RunDir, *sets: str) -> str:
    """The command that trains once more, with some values changed."""
    return " ".join([f"pete train --config {shlex.quote(str(run.config_file))}", *(f"--set {item}" for item in sets)])


def _prove(engine: Trainer, model: ModelConfig, run: RunDir, folder: Path, proof: AdapterProof) -> None:
    """Read the folder back: it must compute what the model in memory computed, and not what the base computes. NaN is neither.

    Raises:
        WorkError: it does not.
    """
    exact = engine.device == "cpu"
    again = f"the checkpoints are intact in {run.checkpoints}: pete resume {run.cli_argument} tries once more; please report this"
    engine.load(model, folder)
    logits = engine.logits(proof.probe)
    if proof.logits is not None:
        gap, most = float(np.abs(logits - proof.logits).max()), 0.0 if exact else 0.05 * float(np.abs(proof.logits).max())
        if not gap <= most:
            raise WorkError(
                f"The saved adapter is not the trained one: read back, its logits differ by up to {gap:.3g}. Nothing was published.", again
            )
    if proof.valid and proof.loss is not None and not (exact and proof.logits is not None):
        loss = mean_loss(engine, proof.valid)
        if not math.isclose(loss, proof.loss, rel_tol=ROUNDING if exact else 1e-2):
            raise WorkError(
                f"The saved adapter is not the trained one: read back, its validation loss is {loss:.6f}, in memory it was "
                f"{proof.loss:.6f}. Nothing was published.",
                again,
            )
    engine.adapter_active = False
    base = engine.logits(proof.probe)
    engine.adapter_active = True
    if not float(np.abs(logits - base).max()) >= LEAST_CHANGE:
        raise WorkError(
            "The adapter changes nothing: with and without it the model computes the same. Nothing was published.",
            f"train longer, or raise optim.learning_rate: {train_again(run, 'optim.learning_rate=...')}",
        )
