"""Personas: which there are."""

import re
from dataclasses import dataclass
from pathlib import Path

from pete.errors import PersonaError
from pete.persona import all_personas, load_persona

_DRAFT = re.compile(rb'"task"\s*:\s*"rewrite"')


@dataclass(frozen=True)
class Listed:
    """A persona that is here."""

    folder: Path
    title: str
    """Its name; what is wrong where it cannot be read."""
    rows: int
    """Drafts of them not counted."""


def personas() -> list[Listed]:
    """Every persona that has a name, in its order."""
    found = []
    for folder in all_personas():
        try:
            persona = load_persona(str(folder), empty=True)
            lines = (line for file in persona.examples for line in file.read_bytes().splitlines())
            rows = sum(1 for line in lines if line.strip() and not _DRAFT.search(line))
            found.append(Listed(folder, persona.name, rows))
        except PersonaError as error:
            found.append(Listed(folder, error.message.partition("\n")[0], 0))
    return found
