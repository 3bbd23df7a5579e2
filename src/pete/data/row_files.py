"""Files of rows, changed in place: the rows that change, every other line byte for byte, the whole file in one step."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pete.data.examples import record_key
from pete.data.jsonl import Broken, NotRows, read_rows, read_text
from pete.errors import DataError
from pete.run import write_atomic

Change = Callable[[dict[str, Any]], dict[str, Any] | None]
"""A row to the row in its place: the same object for no change, None to take it out."""
_ENDS = re.compile(r"(\r\n|\r|\n)")


def rewrite_rows(path: Path, change: Change) -> int:
    """Give every row of a file to `change`; how many were changed. A file that loses its last row goes too.

    A file that is no JSON lines (an array, objects over several lines) becomes that.

    Raises:
        DataError: it cannot be read. OSError: it cannot be written; it is as it was.
    """
    path = path.resolve()
    try:
        rows = read_rows(path)
        pieces = _ENDS.split(read_text(path))
    except (NotRows, OSError) as error:
        raise DataError(f"{path} cannot be changed: {error}", f"pete data check {path}") from None
    lines = pieces[::2]
    if not all(number <= len(lines) and _alone(lines[number - 1], value) for number, value in rows):
        if broken := next(((number, value) for number, value in rows if not isinstance(value, dict)), None):
            raise DataError(f"{path}:{broken[0]} cannot be changed: {broken[1]}", f"pete data check {path}")
        lines = [_line(value) for _, value in rows]
        pieces = [piece for line in lines for piece in (line, "\n")]
        rows = [(number, value) for number, (_, value) in enumerate(rows, 1)]
    changed = 0
    left = len(rows)
    for number, value in rows:
        if not isinstance(value, dict) or (new := change(value)) is value:
            continue
        changed += 1
        left -= new is None
        pieces[2 * number - 2] = "" if new is None else _line(new)
        if new is None and 2 * number - 1 < len(pieces):
            pieces[2 * number - 1] = ""
    if changed and not left:
        path.unlink()
    elif changed:
        write_atomic(path, "".join(pieces))
    return changed


def replace_rows(paths: Iterable[Path], new: Mapping[tuple[str, str], dict[str, Any] | None]) -> int:
    """Change rows by what `row_name` calls them: keys to put over what is there (None takes a key out), or None for the whole row.

    Raises:
        DataError, OSError: as `rewrite_rows` does.
    """

    def change(record: dict[str, Any]) -> dict[str, Any] | None:
        name = row_name(record)
        if name not in new:
            return record
        if (over := new[name]) is None:
            return None
        merged = {key: value for key, value in {**record, **over}.items() if value is not None}
        return record if merged == record else merged

    return sum(rewrite_rows(path, change) for path in paths)


def find_row(paths: Iterable[Path], name: tuple[str, str]) -> dict[str, Any] | None:
    """The row of that `row_name` as it stands in its file, keys that nobody knows too; a file that is not there has none."""
    for path in paths:
        try:
            rows = read_rows(path)
        except (NotRows, FileNotFoundError):
            continue
        for _, record in rows:
            if isinstance(record, dict) and row_name(record) == name:
                return record
    return None


def append_rows(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Put rows behind those of a file, all of them or none; raises OSError."""
    if records:
        write_atomic(path, b"".join(appended(path, records)))


def appended(path: Path, records: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """What a file holds, byte for byte, and records behind it, one a line."""
    before = path.read_bytes() if path.is_file() else b""
    yield before
    if before and not before.endswith(b"\n"):
        yield b"\n"
    for record in records:
        yield f"{_line(record)}\n".encode()


def row_name(record: Mapping[str, Any]) -> tuple[str, str]:
    """What tells one row of a persona from another: its key and its answer; two that share both are one row twice."""
    messages = record.get("messages")
    answer = messages[-1]["content"] if messages else record.get("completion")
    return record_key(record), str(answer)


def _alone(line: str, value: object) -> bool:
    try:
        return isinstance(value, Broken) or json.loads(line.strip().lstrip("\ufeff")) == value
    except ValueError:
        return False


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False)
