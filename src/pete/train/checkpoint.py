"""Checkpoints that a power cut cannot spoil: written aside, hashed, renamed, read back.

    .tmp-step-000012-PID/  adapter, optimizer, random states, state.json, then MANIFEST.json with every file's sha256
    step-000012/           the same folder after one rename
    bad-step-000012/       one that failed its hashes; kept, never used

Order is by the step in the manifest, never by a file's date.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pete.engines.protocol import Engine
from pete.errors import WorkError
from pete.run import sync, sync_folder, write_json

MANIFEST = "MANIFEST.json"
STATE = "state.json"
KEPT = 3
"""Newest checkpoints that stay, beside the best one."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands. The data cursor is the step: the order of rows is a function of the seed and the step."""

    step: int = 0
    best_step: int = 0
    best_loss: float | None = None
    seconds: float = 0.0
    """Time spent training, over all sittings."""


def name_of(step: int) -> str:
    """step-000012."""
    return f"step-{step:06d}"


def write(engine: Engine, folder: Path, progress: Progress, facts: Mapping[str, Any]) -> Path:
    """Save the engine's state and `progress` as one folder that is either whole or not there.

    Args:
        engine: saves its adapter, optimizer and random states.
        folder: the run's checkpoints.
        progress: where the run stands.
        facts: config hash, data fingerprint, versions: what must not change before going on.

    Raises:
        WorkError: what was written does not read back.
    """
    final = folder / name_of(progress.step)
    aside = folder / f".tmp-{final.name}-{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    engine.save(aside, with_optimizer=True)
    write_json(aside / STATE, {"version": 1, "progress": asdict(progress), "facts": dict(facts)})
    entries = []
    for path in sorted(aside.iterdir()):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            sync(file.fileno())
        entries.append({"name": path.name, "size": path.stat().st_size, "sha256": digest})
    write_json(aside / MANIFEST, {"version": 1, "step": progress.step, "files": entries})
    sync_folder(aside)
    if final.exists():  # a resumed run repeats steps; the newer copy wins
        shutil.rmtree(final)
    os.replace(aside, final)
    sync_folder(folder)
    if problem := fault_in(final):
        raise WorkError(
            f"Checkpoint {final} does not read back: {problem}.", "the drive may be full or failing; older checkpoints are intact"
        )
    return final


def fault_in(checkpoint: Path) -> str:
    """Why a checkpoint cannot be trusted; empty when it can."""
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))
        for entry in manifest["files"]:
            path = checkpoint / entry["name"]
            if path.stat().st_size != entry["size"]:
                return f"{path.name} has {path.stat().st_size} bytes, expected {entry['size']}"
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
                    return f"{path.name} has changed since it was written"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{type(error).__name__}: {error}"
    return ""


def newest(folder: Path) -> tuple[Path, Progress, dict[str, Any]] | None:
    """The last checkpoint that verifies, with its progress and facts; ones that fail are renamed bad-*, never deleted."""
    found = sorted(folder.glob("step-*"), key=_step_of, reverse=True)
    for checkpoint in found:
        if fault_in(checkpoint):
            target = checkpoint.with_name(f"bad-{checkpoint.name}")
            shutil.rmtree(target, ignore_errors=True)
            os.replace(checkpoint, target)
            continue
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
        return checkpoint, Progress(**state["progress"]), state["facts"]
    return None


def rotate(folder: Path, best_step: int) -> None:
    """Delete all but the newest few and the best; and what dead processes left half-written."""
    steps = sorted(folder.glob("step-*"), key=_step_of, reverse=True)
    for checkpoint in steps[KEPT:]:
        if _step_of(checkpoint) != best_step:
            shutil.rmtree(checkpoint)
    for left in folder.glob(".tmp-step-*"):
        if not left.name.endswith(f"-{os.getpid()}"):
            shutil.rmtree(left, ignore_errors=True)


def _step_of(checkpoint: Path) -> int:
    try:
        return int(json.loads((checkpoint / MANIFEST).read_text(encoding="utf-8"))["step"])
    except (OSError, ValueError, KeyError, TypeError):
        return int(checkpoint.name.removeprefix("step-")) if checkpoint.name.removeprefix("step-").isdigit() else -1
