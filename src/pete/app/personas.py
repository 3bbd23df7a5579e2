"""Personas: which there are."""

from dataclasses import dataclass
from pathlib import Path

from pete.errors import PersonaError
from pete.persona import all_personas, load_persona


@dataclass(frozen=True)
class Listed:
    """A persona that is here."""

    folder: Path
    title: str
    """Its name; what is wrong where it cannot be read."""
    rows: int


def personas() -> list[Listed]:
    """Every persona that has a name, in its order."""
    found = []
    for folder in all_personas():
        try:
            persona = load_persona(str(folder), empty=True)
            rows = sum(1 for file in persona.examples for line in file.read_bytes().splitlines() if line.strip())
            found.append(Listed(folder, persona.name, rows))
        except PersonaError as error:
            found.append(Listed(folder, error.message.partition("\n")[0], 0))
    return found
