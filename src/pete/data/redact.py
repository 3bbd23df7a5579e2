"""Redaction: what is private in example files gives way to "[phone 1]"; a map beside them says what stood there, for nobody else."""

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pete.data.private import KINDS, Kind, Private, find, mentions
from pete.errors import DataError
from pete.run import write_atomic

MAP = ".redacted.json"
"""Beside the files. Its name begins with a dot: no reader takes it for data, and no export looks into a persona's folder."""
_ASKED, _ANSWERED = ("prompt", "draft", "title"), ("completion", "final")


@dataclass
class Redaction:
    """What was put in whose place."""

    rows: int = 0
    places: Counter[Kind] = field(default_factory=Counter)
    files: list[Path] = field(default_factory=list)
    """Those that were changed."""
    maps: list[Path] = field(default_factory=list)


def redact(paths: Sequence[Path], own: Collection[str] = (), folder: Path | None = None) -> Redaction:
    """Put placeholders into files of rows; the same value has the same one in all files of a folder, today and next year.

    A line in which nothing is private stays byte for byte.

    Args:
        paths: files with one JSON object a line.
        own: the author's own names, which stay.
        folder: where the map of all of them is; beside each file unless given.

    Raises:
        DataError: a file is not of that form, its map is damaged, or it cannot be written; nothing is changed in such a file.
    """
    done = Redaction()
    folders: dict[Path, _Map] = {}
    for path in paths:
        home = folder or path.parent
        known = folders[home] = folders.get(home) or _Map(home / MAP)
        lines, changed = _lines(path), 0
        for number, line in enumerate(lines):
            text = line.removeprefix("\ufeff").rstrip("\r")
            if text.strip() and (record := _redacted(_record(text, f"{path}:{number + 1}"), known, own, done.places)):
                lines[number] = line.replace(text, json.dumps(record, ensure_ascii=False))
                changed += 1
        if changed:
            try:
                known.write()  # first: what a file loses is in the map already
                write_atomic(path, "\n".join(lines))
            except OSError as error:
                raise DataError(f"{path} cannot be written: {error.strerror}.", "copy the persona to a folder of your own") from None
            done.rows += changed
            done.files.append(path)
            done.maps = list(dict.fromkeys([*done.maps, known.path]))
    return done


class _Map:
    """Value -> number, of each kind; the file keeps the first way in which the value was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._texts: dict[str, list[str]] = {}
        try:
            if path.exists():
                self._texts = {kind: [str(text) for text in json.loads(path.read_bytes())[kind]] for kind in KINDS}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{path} is damaged or cannot be read: {error}.", "put a good copy back, or move it away to start a new one"
            ) from None
        self._numbers = {(kind, Private(kind, text, 0).value): n for kind in KINDS for n, text in enumerate(self._texts.get(kind, ()), 1)}

    def placeholder(self, found: Private) -> str:
        texts = self._texts.setdefault(found.kind, [])
        if (key := (found.kind, found.value)) not in self._numbers:
            texts.append(found.text)
            self._numbers[key] = len(texts)
        return f"[{found.kind} {self._numbers[key]}]"

    def write(self) -> None:
        document = {kind: self._texts.get(kind, []) for kind in KINDS}
        write_atomic(self.path, json.dumps(document, ensure_ascii=False, indent=1) + "\n", 0o600)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise DataError(f"{path} is not UTF-8 text.", "save it as UTF-8 (most editors: Save As, Encoding: UTF-8)") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.", "name a file of examples") from None


def _record(line: str, where: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        record = None
    if not isinstance(record, dict):
        raise DataError(
            f"{where}: expected one JSON object a line, found something else; the file is as it was.",
            "write its rows one a line, then run the same command: only such lines are changed in place",
        )
    return record


def _redacted(record: dict[str, Any], known: _Map, own: Collection[str], places: Counter[Kind]) -> dict[str, Any] | None:
    """The record with placeholders; None where nothing in it is private."""
    texts: dict[tuple[str, int], str] = {(name, 0): record[name] for name in (*_ASKED, *_ANSWERED) if isinstance(record.get(name), str)}
    answers = {(name, 0) for name in _ANSWERED}
    messages = [turn for turn in record.get("messages") or () if isinstance(turn, dict) and isinstance(turn.get("content"), str)]
    for number, turn in enumerate(messages):
        texts["messages", number] = turn["content"]
        answers |= {("messages", number)} if turn.get("role") == "assistant" else set()
    found = {key: find(text, own, greeted=key in answers, closed=key not in answers) for key, text in texts.items()}
    names = {one.text: one for some in found.values() for one in some if one.kind == "name"}
    changed = {}
    for key, text in texts.items():
        spans = [(one.start, one.end, one) for one in found[key]]
        for name, one in sorted(names.items(), key=lambda item: -len(item[0])):
            for start in mentions(text, name):
                if all(start + len(name) <= begin or end <= start for begin, end, _ in spans):
                    spans.append((start, start + len(name), one))
        places.update(one.kind for _, _, one in spans)
        for start, end, one in sorted(spans, key=lambda span: -span[0]):
            text = text[:start] + known.placeholder(one) + text[end:]
        if spans:
            changed[key] = text
    if not changed:
        return None
    for (name, number), text in changed.items():
        if name == "messages":
            messages[number]["content"] = text
        else:
            record[name] = text
    return record
