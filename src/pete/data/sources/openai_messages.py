"""Conversations as `messages` (role, content): OpenAI's form and its kin, our own rows with several turns among them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pete.data.foreign_formats import CONVERSATIONS
from pete.data.sources.conversation import Turn, answers, opening, turns_in
from pete.data.sources.files import SourceFile
from pete.data.sources.record import ImportOptions, Reader, Reason, Record
from pete.data.sources.row_record import record_of, unusable
from pete.data.sources.tables import Row, peek, rows_of


def turns_of(row: Row, columns: Sequence[str] = CONVERSATIONS) -> list[Turn] | None:
    """The conversation of a row; None where it has none. The turns of a prompt are context of those of a completion."""
    prompt, completion = turns_in(row.get("prompt")), turns_in(row.get("completion"))
    if prompt and completion:
        return [*(replace(turn, learned=False) for turn in prompt), *completion]
    return next((turns for column in columns if (turns := turns_in(row.get(column)))), None)


def conversations(file: SourceFile, options: ImportOptions, columns: Sequence[str] = CONVERSATIONS) -> Iterator[Record]:
    """The answers of every row of a file."""
    for row in rows_of(file):
        turns = None if row.problem else turns_of(row, columns)
        if turns is None:
            yield unusable(row, Reason.DAMAGED if row.problem or row.get(*columns) else Reason.EMPTY)
            continue
        record = record_of(row, options)
        system = row.text("system", "system_prompt")
        if system and turns[0].role != "system":
            turns = [Turn("system", system), *turns]
        yield from answers(turns, record if record.thread else replace(record, thread=record.id or opening(turns)))


def _recognises(file: SourceFile) -> bool:
    found = peek(file)
    return found is not None and any(turns_of(row) for row in found.rows)


READER = Reader("messages", "conversations as messages", _recognises, conversations)
