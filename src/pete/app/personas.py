"""Personas: which there are."""

from dataclasses import dataclass
from pathlib import Path

from pete.errors import PersonaError
from pete.persona import load_persona
from pete.resources import PERSONAS


@dataclass(frozen=True)
class Listed:
    """A persona that is here."""

    folder: Path
    title: str
    """Its name; what is wrong where it cannot be read."""
    rows: int


def personas() -> list[Listed]:
    """Every persona below personas/, in name order."""
    found = []
    for path in sorted(PERSONAS.glob("*/persona.toml")):
        try:
            persona = load_persona(str(path.parent), empty=True)
            rows = sum(1 for file in persona.examples for line in file.read_bytes().splitlines() if line.strip())
            found.append(Listed(path.parent, persona.name, rows))
        except PersonaError as error:
            found.append(Listed(path.parent, error.message.partition("\n")[0], 0))
    return found
