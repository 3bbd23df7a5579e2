"""What a row of a table says about its text beside the text itself."""

from pete.data.sources.dates import moment_of
from pete.data.sources.record import ImportOptions, Reason, Record
from pete.data.sources.tables import Row

SHOWN = 200
"""Characters of a damaged row that are shown."""


def record_of(row: Row, options: ImportOptions) -> Record:
    """A record without its text, by the columns whose names are plain. What stands in such a file is its owner's."""
    date = moment_of(row.get("date", "created_at", "timestamp"), options.day_first)
    return Record(
        text="", where=row.where, id=row.text("id"), own=True, date=date,
        thread=row.text("topic", "group", "thread"), title=row.text("title", "subject"), category=row.text("category"),
        channel=row.text("format"),
    )  # fmt: skip


def unusable(row: Row, reason: Reason) -> Record:
    """The record of a row that gives nothing to learn; of a damaged one with the beginning of its cells."""
    shown = " | ".join(cell for cell in row.cells.values() if isinstance(cell, str) and cell)[:SHOWN] if reason == Reason.DAMAGED else ""
    return Record(text=shown.encode("utf-8", "replace").decode(), where=row.place, id=row.text("id"), own=True, dropped=reason)
