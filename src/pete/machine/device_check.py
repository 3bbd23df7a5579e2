"""What an engine's self-test of the device found; `doctor` words it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

DEAD = "PyTorch does not start here: its process ended before it could name a device."


@dataclass(frozen=True)
class DeviceCheck:
    """What a self-test found."""

    device: str
    reason: str
    wrong: Mapping[str, str]
    """Each check that ended, and what was wrong; empty where nothing was."""
    seconds: float = 0.0
    when: float = 0.0
    unfinished: str = ""
    """The check in which the process ended or hung."""
    fallback: tuple[str, ...] = ()
    """Operators that the GPU left to the CPU."""
    refused: str = ""
    """Why the device that was asked for cannot be used."""
    remembered: bool = field(default=False, compare=False)

    @property
    def failed(self) -> bool:
        """Whether anything is wrong."""
        return bool(self.unfinished or self.refused or any(self.wrong.values()))
