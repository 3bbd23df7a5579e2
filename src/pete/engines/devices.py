"""Which of torchrun's processes this is, and how many there are: its environment, and nothing heavy."""

import os


def rank() -> int:
    """0 leads; any other does what 0 says."""
    return int(os.environ["RANK"]) if world() else 0


def world() -> int:
    """Processes that torchrun started, on all machines; 0 where it did not start this one."""
    return int(os.environ["WORLD_SIZE"]) if {"RANK", "WORLD_SIZE"} <= os.environ.keys() else 0


def on_this_machine(devices: int) -> int:
    """Of so many devices, those of this machine."""
    return int(os.environ.get("LOCAL_WORLD_SIZE", devices)) if world() else devices
