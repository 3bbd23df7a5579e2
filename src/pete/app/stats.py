"""Stats: what a persona's rows are, counted; no check, no base, nothing private."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from pete.config import Config
from pete.data.edits import KIND, SOURCES, persona_rows
from pete.data.examples import SPLITS, Example, written
from pete.data.split import split_rows
from pete.errors import DataError
from pete.persona import Persona, load_persona

NOWHERE = "in no split"
"""Rows made from a row that is gone or says something else."""


@dataclass(frozen=True)
class Stats:
    """A persona's rows in numbers."""

    persona: Persona
    rows: int
    texts: int
    """Of the author's, each once."""
    words: int
    """Of those texts, as a word processor counts them."""
    tasks: dict[str, int]
    categories: dict[str, int]
    splits: dict[str, int]
    origins: dict[str, int]
    """By how the prompt, or the draft, was made."""
    draft_kinds: dict[str, int]
    edits: dict[str, int]
    """Edit pairs by where they are from: chat, review, or what was imported."""

    def record(self) -> dict[str, Any]:
        """As one JSON object."""
        return {name: value for name, value in vars(self).items() if name != "persona"} | {"persona": str(self.persona.folder)}


def stats(config: Config) -> Stats:
    """Count a persona's rows and edit pairs.

    Raises:
        DataError: a row cannot be read, or there is none. PersonaError: there is no such persona.
    """
    persona = load_persona(config.data.persona)
    rows = persona_rows(persona).rows
    if not rows:
        raise DataError(f"{persona.folder.name} has no rows to count.", "pete data import SOURCE brings some in")
    where = {id(row): name for name, part in split_rows(rows, config.data).items() for row in part}
    splits = _counts(rows, lambda row: where.get(id(row), NOWHERE))
    own = written(rows)
    return Stats(
        persona, len(rows), len(own), sum(len(row.completion.split()) for row in own),
        tasks=_counts(rows, lambda row: row.task),
        categories=_counts(rows, lambda row: row.category),
        splits={name: splits[name] for name in (*SPLITS, NOWHERE) if name in splits},
        origins=_counts(rows, lambda row: row.origin or "by hand"),
        draft_kinds=_counts([row for row in rows if row.draft_kind], lambda row: row.draft_kind),
        edits=_counts([row for row in rows if row.draft_kind == KIND], lambda row: row.found if row.found in SOURCES else "imported"),
    )  # fmt: skip


def _counts(rows: Iterable[Example], of: Callable[[Example], str]) -> dict[str, int]:
    return dict(Counter(map(of, rows)).most_common())
