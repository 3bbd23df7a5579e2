"""Alpaca: instruction, perhaps an input below it, and output; `history` and `system` as its kin have them."""

from collections.abc import Iterator
from dataclasses import replace

from pete.data.sources.conversation import Turn, answers
from pete.data.sources.files import SourceFile
from pete.data.sources.record import ImportOptions, Reader, Record
from pete.data.sources.row_record import record_of, unusable
from pete.data.sources.tables import Row, peek, rows_of


def _recognises(file: SourceFile) -> bool:
    found = peek(file)
    return found is not None and found.has("instruction", "output")


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    for row in rows_of(file):
        if reason := row.unusable("output"):
            yield unusable(row, reason)
            continue
        asked = "\n\n".join(filter(None, (row.text("instruction"), row.text("input"))))
        system = [Turn("system", text)] if (text := row.text("system", "system_prompt")) else []
        *_, record = answers(
            [*system, *_history(row), Turn("user", asked), Turn("assistant", row.text("output"))],
            replace(record_of(row, options), id=""),
        )
        yield replace(record, where=row.where, id=row.text("id"))


def _history(row: Row) -> Iterator[Turn]:
    """What was said before, where rows have it: pairs of a question and its answer."""
    for pair in row.get("history") or ():
        if isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(text, str) for text in pair):
            yield Turn("user", pair[0])
            yield Turn("assistant", pair[1], learned=False)


READER = Reader("alpaca", "Alpaca instructions", _recognises, _read)
