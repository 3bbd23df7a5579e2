"""The errors a person sees: a sentence, the next command to try, and an exit code.

PeteError                  message + hint; printed without a traceback
├── UserError              exit 2: what was asked cannot be done as asked
│   ├── ConfigError        an unknown key, a wrong type, an impossible combination
│   ├── DataError          a row or a file of examples
│   ├── PersonaError       a voice that is missing or incomplete
│   ├── BaseModelError     a base model that is not here, or not safe to load
│   ├── AdapterError       an adapter that is unsafe, foreign or damaged
│   ├── ContextError       a text longer than the model can see at once
│   └── RunError           a run folder that is missing, taken or unwritable
├── WorkError              exit 1: the work itself failed (diverged, no memory, a gate)
└── Interrupted            exit 130, 143: stopped by a signal; what was done is kept
"""

import signal
from collections.abc import Sequence
from typing import Self


class PeteError(Exception):
    """A failure with a sentence for people and the next command to try."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @classmethod
    def of_problems(cls, title: str, problems: Sequence[str], hint: str = "", most: int = 20) -> Self:
        """One error that lists every problem, `most` of them in full."""
        shown = [f"  - {problem}" for problem in problems[:most]]
        if len(problems) > most:
            shown.append(f"  ... and {len(problems) - most} more")
        return cls("\n".join([title, *shown]), hint)


class UserError(PeteError):
    """Bad usage or bad input; nothing already saved is touched."""

    exit_code = 2


class ConfigError(UserError):
    """The configuration does not hold together."""


class DataError(UserError):
    """A dataset, or a row of one, cannot be used."""


class PersonaError(UserError):
    """A persona folder is missing something."""


class BaseModelError(UserError):
    """The base model is not available, or not safe to load."""


class AdapterError(UserError):
    """An adapter folder cannot be trusted or does not fit the base."""


class ContextError(UserError):
    """A text does not fit what the model can see at once."""


class RunError(UserError):
    """A run folder is missing, taken or cannot be written."""


class WorkError(PeteError):
    """The work was asked for correctly and failed all the same."""


class Interrupted(PeteError):
    """A signal asked the work to stop; what was done before it is kept."""

    def __init__(self, message: str, hint: str, signal_number: int = signal.SIGINT) -> None:
        super().__init__(message, hint)
        self.exit_code = 128 + signal_number
