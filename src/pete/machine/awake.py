"""Keep a Mac awake while a process works. A closed lid and an empty battery still win: what is promised is `pete resume`."""

import platform
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Awake:
    """What came of it: whether somebody holds the machine awake, whether a person should know, and the same in words."""

    held: bool
    caution: bool
    words: str


@contextmanager
def keep_awake(pid: int, system: str | None = None, program: str = "caffeinate") -> Iterator[Awake]:
    """Hold a Mac awake for as long as process `pid` and this block live; elsewhere do nothing, and say so.

    `-i -m -s`: no idle sleep, no resting disk, and on mains power no sleep at all. Never `-d`: the display may go dark, and a
    GPU that also drives a lit one runs into the watchdog. A child of its own, because `-w` is ignored where caffeinate starts
    the command itself; in a session of its own, so that a Ctrl-C or closed window, which makes training save, spares it.
    """
    if (system or platform.system()) != "Darwin":
        yield Awake(False, False, "not a Mac: whether this machine sleeps is left to its own settings")
        return
    nothing = subprocess.DEVNULL
    try:
        child = subprocess.Popen(
            [program, "-ims", "-w", str(pid)], stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
        )  # fmt: skip
    except OSError as error:
        reason = error.strerror or type(error).__name__
        yield Awake(False, True, f"{program} did not start ({reason}): this Mac may sleep, and training pauses while it does")
        return
    try:
        yield Awake(True, False, "this Mac stays awake while it trains, on mains power and with the lid open")
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
