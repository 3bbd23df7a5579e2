"""Limits on the side process, kept by threads, because the main one may be stuck in W&B for ever."""

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pete.words import file_size

LEAST_FREE = 2 * 10**9  # bytes; below that the disk is for the run's checkpoints
LARGEST = 256 * 10**6  # bytes in wandb/; a step is about one kilobyte
LOOK_SECONDS = 0.5


def watch(pipe: int, seconds: float, over: threading.Event, give_up: Callable[[str], None]) -> None:
    """Wait until training is done or gone, which closes the pipe, and then only so long.

    Args:
        pipe: descriptor that is at its end when training is.
        seconds: what W&B may take after that.
        over: set when training is done.
        give_up: ends the process, with a sentence that says why.
    """

    def wait() -> None:
        while os.read(pipe, 64):
            pass
        over.set()
        time.sleep(seconds)
        give_up(f"W&B had not finished {seconds:.0f} s after the run and was ended.")

    threading.Thread(target=wait, daemon=True).start()


def look_after_disk(folder: Path, give_up: Callable[[str], None], free: Callable[[Path], int] | None = None) -> None:
    """Give up when the disk is nearly full or W&B's folder has grown out of all proportion; looked at twice a second."""
    free_bytes = free or (lambda path: shutil.disk_usage(path).free)

    def look() -> None:
        while True:
            if said := problem(folder, free_bytes):
                give_up(said)
            time.sleep(LOOK_SECONDS)

    threading.Thread(target=look, daemon=True).start()


def problem(folder: Path, free: Callable[[Path], int]) -> str:
    """What is wrong with the disk, as a sentence; nothing when it is well."""
    try:
        left = free(folder)
    except OSError:  # the run was deleted under us
        return f"W&B was ended: {folder} is gone."
    if left < LEAST_FREE:
        return f"W&B was ended because the disk has only {file_size(left)} left."
    size = _size(folder)
    return f"W&B was ended because its folder has grown to {file_size(size)}." if size > LARGEST else ""


def _size(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except OSError:  # W&B has just removed it
                continue
    return total
