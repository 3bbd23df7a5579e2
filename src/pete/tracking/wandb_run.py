"""The W&B run's id and progress (wandb/run.json), so that a resumed run goes on in the same one."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Self

from pete.run import RunDir, write_json

NOTHING = -1


@dataclass
class WandbRun:
    """The side process writes it, training reads it when that has ended."""

    id: str = field(default_factory=lambda: secrets.token_hex(4))
    step: int = NOTHING
    """The last step W&B surely has; later ones are sent (again) by the next session."""
    problem: str = ""
    """What went wrong in the last session, as a sentence."""

    @classmethod
    def read(cls, run: RunDir) -> Self:
        """What the run folder says, or a new W&B run where it says nothing that can be used."""
        try:
            record = json.loads(run.wandb_state.read_text(encoding="utf-8"))
            return cls(id=str(record["id"]), step=int(record["step"]), problem=str(record["problem"]))
        except (OSError, ValueError, KeyError, TypeError):
            return cls()

    def write(self, run: RunDir) -> None:
        """Replace wandb/run.json."""
        write_json(run.wandb_state, asdict(self))
