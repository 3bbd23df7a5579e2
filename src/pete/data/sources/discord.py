"""Discord's data package: one's own messages, a folder a channel; what they answer is not in it."""

import re
from collections.abc import Iterator
from dataclasses import replace

from pete.data.sources.chat import Said, in_time, turns
from pete.data.sources.dates import moment_of
from pete.data.sources.files import SourceFile
from pete.data.sources.json_file import head_of
from pete.data.sources.record import ImportOptions, Reader, Reason, Record
from pete.data.sources.row_record import unusable
from pete.data.sources.tables import rows_of

_COLUMNS = {"ID", "Timestamp", "Contents"}
_JSON = re.compile(r'\[\s*\{\s*"ID"\s*:\s*"?\d+"?\s*,\s*"Timestamp"\s*:')
_EMOJI = re.compile(r"<a?(:\w+:)\d+>")


def _recognises(file: SourceFile) -> bool:
    if file.suffix == ".csv":
        return {name.strip(' "') for name in head_of(file, ".csv").split("\n", 1)[0].strip().split(",")} >= _COLUMNS
    return bool(_JSON.match(head_of(file, ".json")))


def _companion(file: SourceFile) -> bool:
    return file.basename in ("channel.json", "index.json") and any(
        other.basename in ("messages.json", "messages.csv") for other in file.source.below(file.folder)
    )


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    said = []
    for number, row in enumerate(rows_of(file), 1):
        where, text = f"{file.label}: message {number}", row.text("Contents")
        date = moment_of(row.get("Timestamp"))
        if date is None or row.unusable("Contents") is Reason.DAMAGED:
            damaged = unusable(row, Reason.DAMAGED)
            yield replace(damaged, text=text or damaged.text, channel="chat message")
            continue
        said.append(Said(text=_EMOJI.sub(r"\1", text), where=where, own=True, date=date, id=row.text("ID")))
    yield from turns(in_time(said), chat=f"discord {file.folder.rpartition('/')[2] or file.source.name}")


READER = Reader("discord", "Discord data package", _recognises, _read, _companion)
"""One's own messages on Discord."""
