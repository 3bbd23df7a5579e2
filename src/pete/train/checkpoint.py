"""Checkpoints that a power cut cannot spoil: written aside, hashed, renamed, read back.

    .tmp-step-000012-PID/  adapter, optimizer, state.json, then MANIFEST.json with every file's sha256
    step-000012/           the same folder after one rename
    bad-step-000012/       one that failed its hashes; kept, never used

Order is by the step in the manifest, never by a file's date. Damaged is what differs from its manifest; what the system does
not let us read just now is not damaged.
"""

import errno
import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pete.engines.protocol import Trainer
from pete.errors import RunError, WorkError
from pete.run import sync, sync_folder, unused, write_json

MANIFEST = "MANIFEST.json"
STATE = "state.json"
KEPT = 3
"""Newest checkpoints that stay, beside the best one."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands. The data cursor is the step: the order of rows is a function of the seed and the step."""

    step: int = 0
    best_step: int = 0
    """0 is the untrained base: where there are validation rows it is a candidate like every step."""
    best_loss: float | None = None
    base_loss: float | None = None
    """Of the untrained base on the validation rows, nats a token; None without any."""
    seconds: float = 0.0
    """Time spent training, over all sessions."""


class Checkpoint(NamedTuple):
    """One that verifies: its folder, where the run stood, and what must not change before it goes on."""

    folder: Path
    progress: Progress
    facts: dict[str, Any]


def name_of(step: int) -> str:
    """step-000012."""
    return f"step-{step:06d}"


def write(engine: Trainer, folder: Path, progress: Progress, facts: Mapping[str, Any]) -> Path:
    """Save the engine's state and `progress` as one folder that is either whole or not there.

    Args:
        engine: saves its adapter, its optimizer and whatever else going on takes.
        folder: the run's checkpoints.
        progress: where the run stands.
        facts: config hash, data fingerprint, versions: what must not change before going on.

    Raises:
        WorkError: what was written does not read back.
    """
    final = folder / name_of(progress.step)
    aside = folder / f".tmp-{final.name}-{os.getpid()}"
    shutil.rmtree(aside, ignore_errors=True)
    try:
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
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    sync_folder(folder)
    if problem := fault_in(final):
        raise WorkError(
            f"Checkpoint {final} does not read back: {problem}.", "the drive may be full or failing; older checkpoints are intact"
        )
    return final


def fault_in(checkpoint: Path) -> str:
    """How a checkpoint differs from its manifest; empty when it does not.

    Raises:
        OSError: it cannot be read just now (rights, too many open files, a drive or a cloud that does not answer).
    """
    try:
        manifest = json.loads(_present(checkpoint / MANIFEST).read_bytes())
        for entry in manifest["files"]:
            path = _present(checkpoint / entry["name"])
            if path.stat().st_size != entry["size"]:
                return f"{path.name} has {path.stat().st_size} bytes, expected {entry['size']}"
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != entry["sha256"]:
                    return f"{path.name} has changed since it was written"
    except FileNotFoundError as error:
        return f"{Path(error.filename).name} is missing"
    except (ValueError, KeyError, TypeError):
        return f"{MANIFEST} is not what was written"
    return ""


def _present(path: Path) -> Path:
    if path.with_name(f".{path.name}.icloud").exists():
        raise OSError(errno.EIO, "iCloud has taken it away to save space; open its folder in the Finder to get it back", str(path))
    return path


def newest(folder: Path, *, set_aside: bool = False) -> Checkpoint | None:
    """The last checkpoint that verifies, None where there never was one.

    Args:
        folder: the run's checkpoints.
        set_aside: rename damaged ones that are newer to bad-*; only for who holds the run's lock.

    Raises:
        RunError: there are checkpoints and none is good, or one that may be good cannot be read now. Nothing was renamed.
    """
    faults: dict[Path, str] = dict.fromkeys(sorted(folder.glob("bad-step-*")), "set aside earlier")
    newest_first = sorted(folder.glob("step-*"), key=_step_of, reverse=True)
    for place, checkpoint in enumerate(newest_first):
        try:
            fault = fault_in(checkpoint)
        except OSError as error:
            older = next((f"; to go on from {path.name}, move it out of {folder}" for path in newest_first[place + 1 :]), "")
            raise RunError(
                f"Checkpoint {checkpoint} cannot be read now: {error.strerror} ({Path(error.filename or checkpoint).name}).",
                f"make it readable, then the same command again{older}",
            ) from None
        if fault:
            faults[checkpoint] = fault
            continue
        for bad in newest_first[:place] if set_aside else ():
            os.replace(bad, unused(bad.with_name(f"bad-{bad.name}")))
        state = json.loads((checkpoint / STATE).read_text(encoding="utf-8"))
        return Checkpoint(checkpoint, Progress(**state["progress"]), state["facts"])
    if faults:
        run, here, aside = (shlex.quote(str(p)) for p in (folder.parent, folder, unused(folder.with_name(f"{folder.name}-damaged"))))
        raise RunError.of_problems(
            f"No checkpoint in {folder} is good, so there is no step to go on from:",
            [f"{path.name}: {fault}" for path, fault in faults.items()],
            f"put a good copy back from a backup; or start from the beginning, on purpose: mv {here} {aside} && pete resume {run}",
        )
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
