"""Discord's data package: one's own messages, a folder a channel; what they answer is not in it."""

import csv
import io
import re
import sys
from collections.abc import Iterator
from typing import Any

from pete.data.sources.chat import Said, in_time, turns
from pete.data.sources.dates import moment_of
from pete.data.sources.decode import decode
from pete.data.sources.files import SourceFile
from pete.data.sources.json_file import dicts, head_of, json_of, string
from pete.data.sources.record import ImportOptions, Reader, Reason, Record

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


def _rows(file: SourceFile) -> Iterator[dict[str, Any]]:
    if file.suffix == ".json":
        yield from dicts(json_of(file))
        return
    csv.field_size_limit(sys.maxsize)
    for row in csv.DictReader(io.StringIO(decode(file.read(), file.label).removeprefix("\ufeff"), newline="")):
        yield {(key or "").strip(): value for key, value in row.items()}


def _read(file: SourceFile, options: ImportOptions) -> Iterator[Record]:
    said = []
    for number, row in enumerate(_rows(file), 1):
        where, text = f"{file.label}: message {number}", string(row.get("Contents"))
        date = moment_of(row.get("Timestamp"))
        if date is None:
            yield Record(text=text or str(row), where=where, channel="chat message", own=True, dropped=Reason.DAMAGED)
            continue
        said.append(Said(text=_EMOJI.sub(r"\1", text), where=where, own=True, date=date, id=string(row.get("ID"))))
    yield from turns(in_time(said), chat=f"discord {file.folder.rpartition('/')[2] or file.source.name}")


READER = Reader("discord", "Discord data package", _recognises, _read, _companion)
"""One's own messages on Discord."""
