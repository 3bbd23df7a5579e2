"""Prompt and completion in a table of any kind, and draft and final: our own rows, and everybody's who names them so."""

from collections.abc import Iterator
from dataclasses import replace

from pete.data.examples import Message
from pete.data.sources.files import SourceFile
from pete.data.sources.record import ImportOptions, Reader, Record
from pete.data.sources.row_record import record_of, unusable
from pete.data.sources.tables import Peek, peek, rows_of

CONTEXT = ("input", "context", "history", "documents", "document", "passage")
"""Columns that hold what an answer is about: with one of them filled, prompt and completion are not the whole row."""


def _kind(found: Peek | None) -> tuple[str, str] | None:
    """The columns of what is asked, or drafted, and of what is learned."""
    if found is None or any(row.get(*CONTEXT) is not None for row in found.rows):
        return None
    return next((pair for pair in (("prompt", "completion"), ("draft", "final")) if found.has(*pair)), None)


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    first, learned = _kind(peek(file)) or ("prompt", "completion")
    for row in rows_of(file):
        if reason := row.unusable(learned):
            yield unusable(row, reason)
            continue
        record = replace(record_of(row, options), text=row.text(learned))
        if first == "draft":
            yield replace(record, draft=row.text(first))
            continue
        system = [Message("system", text)] if (text := row.text("system", "system_prompt")) else []
        asked = [Message("user", text)] if (text := row.text(first)) else []
        yield replace(record, before=(*system, *asked) if asked else ())


READER = Reader("pairs", "prompts and completions", lambda file: _kind(peek(file)) is not None, _read)
