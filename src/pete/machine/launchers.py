"""The double-click launchers on a Desktop: copies of launchers/*.command in which one line names the checkout."""

import os
import shlex
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pete.errors import UserError
from pete.resources import PROJECT
from pete.run import write_atomic

NAMES = (
    "Run_Pete_Connor_Overnight_Training.command",
    "Monitor_Pete_Connor_Training.command",
    "Test_Pete_Connor_Model.command",
    "Pete_Connor_Interactive.command",
    "Evaluate_Pete_Connor_Model.command",
)
SHARED = "_run.sh"
"""What the originals source; where it lies is a checkout's own folder, and nothing there is ever replaced or removed."""
MARK = "# Pete launcher: "
BINDING = "launchers="
LONGEST = 16_384
"""Bytes; a longer file is nobody's launcher."""


@dataclass(frozen=True)
class Outcome:
    """What became of one file: `well` is False where it was left alone although something else was asked for."""

    path: Path
    words: str
    well: bool = True


def install(folder: Path, checkout: Path = PROJECT) -> list[Outcome]:
    """Put the five launchers into `folder`, bound to `checkout`. A file that Pete did not write is never replaced.

    Raises:
        UserError: the folder is missing, cannot be written, or is a checkout's own.
    """
    if not (checkout / "launchers").is_dir():
        raise UserError(
            "The launchers start a checkout of Pete, and this Pete was installed without one.",
            "git clone it, then there: ./pete launchers install",
        )
    outcomes = []
    for name, path in _places(folder):
        content = _bound_copy(checkout / "launchers" / name, checkout)
        there = _read(path)
        if there is not None and not _ours(there):
            outcomes.append(Outcome(path, "left alone: Pete did not make this file; move it away, then install again", well=False))
            continue
        if there == content and os.access(path, os.X_OK):
            outcomes.append(Outcome(path, "already there"))
            continue
        before = _binding(there)
        try:
            write_atomic(path, os.fsencode(content))
            path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        except OSError as error:
            raise UserError(
                f"{path} cannot be written: {error.strerror}.", "choose another folder: pete launchers install FOLDER"
            ) from None
        moved = before is not None and before != checkout / "launchers"
        words = f"now starts this checkout, before {before.parent}" if moved and before else "installed" if there is None else "renewed"
        outcomes.append(Outcome(path, words))
    return outcomes


def uninstall(folder: Path, checkout: Path = PROJECT) -> list[Outcome]:
    """Remove the launchers that `install` put into `folder`; those of another checkout that is still there stay.

    Raises:
        UserError: the folder is missing, cannot be written, or is a checkout's own.
    """
    outcomes = []
    for _, path in _places(folder):
        there = _read(path)
        if there is None:
            outcomes.append(Outcome(path, "was not there"))
            continue
        bound = _binding(there)
        if not _ours(there):
            outcomes.append(Outcome(path, "left alone: Pete did not make this file", well=False))
        elif bound is not None and bound != checkout / "launchers" and (bound / SHARED).is_file():
            outcomes.append(Outcome(path, f"left alone: it starts another checkout, {bound.parent}", well=False))
        else:
            try:
                path.unlink()
            except OSError as error:
                raise UserError(f"{path} cannot be removed: {error.strerror}.", "move it to the bin yourself") from None
            outcomes.append(Outcome(path, "removed"))
    return outcomes


def _places(folder: Path) -> Iterator[tuple[str, Path]]:
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.", "name one that exists: pete launchers install FOLDER")
    if (folder / SHARED).exists():
        raise UserError(
            f"{folder} is a checkout's own folder of launchers; they work as they are.", "name another folder, or none: ~/Desktop"
        )
    yield from ((name, folder / name) for name in NAMES)


def _bound_copy(original: Path, checkout: Path) -> str:
    """The original's text with the line that looks for the checkout replaced by one that names it."""
    try:
        lines = original.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise UserError(f"{original} cannot be read: {error.strerror}.", "this checkout is not complete; git checkout launchers") from None
    bound = f"{BINDING}{shlex.quote(str(checkout / 'launchers'))}"
    return "\n".join(bound if line.startswith(BINDING) else line for line in lines)


def _read(path: Path) -> str | None:
    """What is there: None for nothing, an empty text for what is no plain, small file (a folder, a link, a film)."""
    if not os.path.lexists(path):
        return None
    try:
        return os.fsdecode(path.read_bytes()) if path.is_file() and not path.is_symlink() and path.stat().st_size <= LONGEST else ""
    except OSError:
        return ""


def _ours(text: str) -> bool:
    return any(line.startswith(MARK) for line in text.split("\n", 2)[:2])


def _binding(text: str | None) -> Path | None:
    """The launchers folder an installed copy names; None for an original, which finds its own."""
    for line in (text or "").split("\n"):
        if line.startswith(BINDING):
            try:
                value = shlex.split(line.removeprefix(BINDING), comments=True)
            except ValueError:
                return None
            return Path(value[0]) if len(value) == 1 and value[0].startswith("/") else None
    return None
