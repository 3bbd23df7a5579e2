"""Probes of the machine: programs, files, memory, disk, each an argument, so that any machine can be simulated on any other."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pete.machine.memory import Memory, read_memory
from pete.places import known_home

PATIENCE = 0.35
"""Seconds a program may take before a run; they are asked side by side, so this bounds them all."""
LONG_PATIENCE = 10.0
"""The same where somebody asked for the whole examination; system_profiler alone takes seconds."""
SYSTEM_PLACES = "/usr/bin:/bin:/usr/sbin:/sbin"

T = TypeVar("T")

Run = Callable[[Sequence[str], float], str | None]
"""(command, seconds) -> what it printed, or None: not there, failed, or no answer in time."""


def run_program(command: Sequence[str], seconds: float) -> str | None:
    """See `Run`. The system's own folders are searched even when PATH does not name them."""
    program = shutil.which(command[0], path=os.pathsep.join((os.environ.get("PATH", ""), SYSTEM_PLACES)))
    if program is None:
        return None
    try:
        done = subprocess.run(
            [program, *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=seconds
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="replace") if done.returncode == 0 else None


def free_disk(path: Path) -> int | None:
    """Bytes to be had on the disk where `path` is, or will be made."""
    for place in (path, *path.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None


@dataclass(frozen=True)
class Probes:
    """Everything the examination asks; the defaults ask this machine. Ask through `or_none`: a probe may raise anything."""

    run: Run = run_program
    read: Callable[[Path], str | None] = lambda path: path.read_text(encoding="utf-8", errors="replace")
    names: Callable[[Path], list[str]] = lambda path: sorted(os.listdir(path))
    memory: Callable[[], Memory] = read_memory
    disk: Callable[[Path], int | None] = free_disk
    version: Callable[[str], str | None] = importlib.metadata.version
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    home: Path | None = field(default_factory=known_home)
    system: str = field(default_factory=platform.system)
    """Darwin or Linux."""
    machine: str = field(default_factory=platform.machine)
    """What this Python was built for: arm64, x86_64."""
    python: str = field(default_factory=platform.python_version)
    kernel: str = field(default_factory=platform.release)
    cores: int = field(default_factory=lambda: os.cpu_count() or 1)

    def ask(self, commands: Sequence[Sequence[str]], patience: float) -> dict[str, str | None]:
        """Run programs side by side: "sysctl -n hw.ncpu" -> what it printed, or None. Takes `patience` seconds at most."""
        if not commands:
            return {}
        with ThreadPoolExecutor(len(commands)) as pool:
            answers = list(pool.map(lambda command: or_none(lambda: self.run(command, patience)), commands))
        return {" ".join(command): answer for command, answer in zip(commands, answers, strict=True)}


def or_none(question: Callable[[], T]) -> T | None:
    """The answer, or None where asking fails in whatever way: no probe is worth a run."""
    try:
        return question()
    except Exception:
        return None
