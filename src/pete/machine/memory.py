"""How much memory there is, how much can be had, and how much is swapped out."""

from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Memory:
    """Bytes: in the machine, to be had without swapping, and swapped out by everybody."""

    total: int
    available: int
    swap: int


def read_memory() -> Memory:
    """The machine's memory as it is now."""
    found = psutil.virtual_memory()
    return Memory(found.total, found.available, swap_used())


def swap_used() -> int:
    """Bytes the whole machine has swapped out; 0 where that cannot be read."""
    try:
        return psutil.swap_memory().used
    except (OSError, RuntimeError):  # some containers and sandboxes hide it
        return 0
