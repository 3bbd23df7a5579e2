"""Edit pairs: what a draft was and what its author made of it, as rows of rewriting; and with them all rows of a persona."""

import hashlib
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from pete.data.examples import Example, Read, read_examples
from pete.data.jsonl import Broken, NotRows, read_rows
from pete.data.private import mask
from pete.data.row_files import appended
from pete.data.text import visible
from pete.errors import DataError, PersonaError
from pete.persona import Persona, require_own
from pete.run import write_atomic

KIND = "edited"
"""How such drafts are called beside light, close, plain, polished, notes and dictated ones."""
SOURCES = ("chat", "review")
"""Where edits are kept as they are made; the others were imported."""


class _Edit(BaseModel):
    """One line of edits.jsonl."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    draft: str
    final: str
    id: str = ""
    category: str = ""
    topic: str = ""
    date: str = ""
    source: str = ""
    model: str = ""


def persona_rows(persona: Persona) -> Read[Example]:
    """Every row that a persona teaches by: those of its example files, and its edit pairs.

    Raises:
        DataError: listing every row that cannot be read as file:line.
    """
    read = read_examples(persona.examples)
    return Read([*read.rows, *read_edits(persona.edits)], read.findings)


def read_edits(path: Path) -> list[Example]:
    """The edit pairs of a file as rows of rewriting; none where there is no such file.

    Raises:
        DataError: listing every line that is no edit pair.
    """
    try:
        values = read_rows(path) if path.is_file() and path.stat().st_size else []
    except (NotRows, OSError) as error:
        raise DataError(f"{path} cannot be read: {error}", "mend it, or take it out of the folder") from None
    rows: list[Example] = []
    problems: list[str] = []
    for number, value in values:
        where = f"{path}:{number}"
        try:
            rows.append(_row(value, where))
        except ValueError as error:
            problems.append(f"{where}: {error}")
    if problems:
        raise DataError.of_problems(
            f"The edit pairs have {len(problems)} problem{'s' if len(problems) > 1 else ''}:",
            problems,
            'an edit pair looks like {"draft": "...", "final": "..."}, one a line',
        )
    return rows


def keep_edit(
    persona: Persona, draft: str, final: str, source: str, *, prompt: str = "", model: str = "", row: Example | None = None
) -> bool:
    """Put what a person made of a text behind the persona's edit pairs, readable by nobody else; False where it changed nothing.

    Args:
        persona: whose.
        draft: what it was.
        final: what it became.
        source: where it was changed: "chat", "review".
        prompt: what the text answered.
        model: who wrote the draft, where a model did.
        row: the row that it stood in; the pair is of its category and topic.

    Raises:
        PersonaError: the persona's folder is not one's own, or cannot be written. DataError: its edit pairs cannot be read.
    """
    digest = hashlib.sha256(f"{draft}\0{final}".encode()).hexdigest()
    name = f"{source}-{digest[:16]}"
    there = {row.id for row in read_edits(persona.edits)}
    if draft.split() == final.split() or f"{name}-{KIND}" in there:
        return False
    require_own(persona)
    pair = {
        "id": name, "draft": draft, "final": final, "prompt": prompt, "model": model, "source": source,
        "category": row.category if row else "", "topic": row.topic if row else "", "date": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }  # fmt: skip
    try:
        write_atomic(persona.edits, b"".join(appended(persona.edits, [{key: text for key, text in pair.items() if text}])), 0o600)
    except OSError as error:
        raise PersonaError(f"{persona.edits} cannot be written: {error.strerror}.", "make room or rights there, then /edit again") from None
    return True


def _row(value: object, where: str) -> Example:
    """Raises ValueError, in words, for what is no edit pair."""
    if isinstance(value, Broken):
        raise ValueError(str(value) if "stands twice" in value else f"not JSON: {value}")
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, found {type(value).__name__}")
    try:
        edit = _Edit.model_validate({key: one for key, one in value.items() if one is not None})
    except ValidationError as error:
        first = error.errors()[0]
        found = "nothing" if first["type"] == "missing" else mask(repr(first["input"]))[:60]
        raise ValueError(f"{first['loc'][0]}: expected text, found {found}") from None
    for name in ("draft", "final"):
        text = getattr(edit, name)
        if not visible(text):
            raise ValueError(f"{name} is empty")
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{name}: a lone surrogate (half of an emoji) that no file can hold") from None
    row = {
        "task": "rewrite", "prompt": edit.draft, "completion": edit.final, "id": f"{edit.id}-{KIND}" if edit.id else "",
        "topic": edit.topic, "date": edit.date, "found": edit.source, "draft_kind": KIND,
        "origin": f"{KIND}: {edit.model}" if edit.model else KIND, "source": where,
    }  # fmt: skip
    # a row without a category is no row of an unknown one
    return Example.model_validate(row | ({"category": edit.category} if edit.category else {}))
