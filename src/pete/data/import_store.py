"""What a persona keeps of its imports: rows, edit pairs, ledgers, and the keys by which nothing is imported twice."""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pete.data.examples import Example, load_examples, load_prompts
from pete.data.import_rows import RULE
from pete.data.importer import Kept, text_key
from pete.data.persona_files import updated_card
from pete.data.row_files import appended
from pete.data.sources.files import Source
from pete.errors import DataError
from pete.persona import Persona, with_categories
from pete.run import sync, sync_folder

_ID = re.compile(r"-([0-9a-f]{16})(?:-\d+)?$")


class ImportStore:
    """The files of a persona that imports write."""

    def __init__(self, persona: Persona) -> None:
        self.persona = persona
        self.rows_file = persona.folder / "examples" / "imported.jsonl"
        self.edits_file = persona.edits
        self.card_file = persona.folder / "README.md"
        self.record_file = persona.folder / "imports.json"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the persona: of two imports at once, one would undo the other.

        Raises:
            DataError: another import is under way.
        """
        descriptor = os.open(self.persona.folder, os.O_RDONLY)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DataError(f"Another import into {self.persona.folder} is under way.", "wait until it is done") from None
            yield
        finally:
            os.close(descriptor)

    def rows(self) -> list[Example]:
        """Every row of the persona.

        Raises:
            DataError: one cannot be read.
        """
        return load_examples(self.persona.examples)

    def known(self, rows: Iterable[Example]) -> set[str]:
        """Keys of every text that was imported once, though its row may be gone since, and of every one that is held out.

        Raises:
            DataError: imports.json or a prompt cannot be read.
        """
        keys = set(self.record()["keys"])
        for row in rows:
            keys.add(text_key(row.completion))
            keys.update(_ID.findall(row.id))
        if self.persona.prompts.is_file():
            keys |= {text_key(prompt.reference) for prompt in load_prompts(self.persona.prompts) if prompt.reference}
        return keys

    def record(self) -> dict[str, Any]:
        """imports.json; empty before the first import.

        Raises:
            DataError: it is damaged.
        """
        try:
            found = json.loads(self.record_file.read_text(encoding="utf-8"))
            return {"version": 1, "imports": list(found["imports"]), "keys": list(map(str, found["keys"]))}
        except FileNotFoundError:
            return {"version": 1, "imports": [], "keys": []}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DataError(
                f"{self.record_file} cannot say what was imported before: {error}.",
                "put a good copy back; without it, texts may come in twice",
            ) from None

    def add(
        self, kept: Sequence[Kept], rows: Sequence[Example], edits: Sequence[Mapping[str, str]], entry: Mapping[str, Any],
        old: Sequence[Example] = (), categories: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Write an import, all of it or nothing; the data card says what there is now.

        Args:
            kept: the texts.
            rows: what was made of them.
            edits: edit pairs.
            entry: what imports.json keeps of it.
            old: the rows that were there.
            categories: new ones, key -> title.

        Raises:
            OSError: it cannot be written; everything is as it was.
        """
        record = self.record()
        new = {text.key for text in kept} | {f"{text.reader}:{text.record.id}" for text in kept if text.record.id}
        record["keys"] = sorted({*record["keys"], *new})
        record["imports"].append(dict(entry))
        files: dict[Path, Iterable[bytes]] = {self.rows_file: appended(self.rows_file, (_row(row) for row in rows))}
        if categories:
            files[self.persona.file] = [with_categories(self.persona, categories)]
        if edits:
            files[self.edits_file] = appended(self.edits_file, edits)
        if self.card_file.is_file():
            card = self.card_file.read_bytes().decode(errors="surrogateescape")
            files[self.card_file] = [updated_card(card, record, [*old, *rows]).encode(errors="surrogateescape")]
        files[self.record_file] = [(json.dumps(record, ensure_ascii=False, indent=1) + "\n").encode()]
        _write_together(files)

    def write_prompts(self, questions: Iterable[Mapping[str, Any]]) -> None:
        """Write prompts.jsonl, where there is none yet."""
        self.persona.prompts.write_text("".join(json.dumps(q, ensure_ascii=False) + "\n" for q in questions), encoding="utf-8")


def bare_rows(rows: Iterable[Example]) -> int:
    """How many have a prompt by rule."""
    return sum(row.origin == RULE for row in rows)


def source_record(source: Source) -> dict[str, Any]:
    """A source as imports.json and the data card name it: its name, what it holds, and a hash of it."""
    digest = hashlib.sha256()
    for file in source.files if source.path.is_dir() else ():
        digest.update(f"{file.name}\0{file.size}\0".encode())
        _hash_into(digest, file.open())
    if source.path.is_file():
        _hash_into(digest, source.path.open("rb"))
    return {"name": source.name, "files": len(source.files), "sha256": digest.hexdigest()}


def _hash_into(digest: "hashlib._Hash", stream: Any) -> None:
    with stream:
        while block := stream.read(1 << 20):
            digest.update(block)


def _row(row: Example) -> dict[str, Any]:
    record = row.record()
    record.pop("source", None)
    return record


def _write_together(files: Mapping[Path, Iterable[bytes]]) -> None:
    """Replace files, each in one step, once all of them are on the drive."""
    aside = {path: path.with_name(f".{path.name}.{os.getpid()}") for path in files}
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            with aside[path].open("wb") as file:
                if path.is_file():  # edit pairs are for their author alone
                    os.fchmod(file.fileno(), path.stat().st_mode & 0o777)
                file.writelines(content)
                sync(file.fileno())
        for path, other in aside.items():
            os.replace(other, path)
    except BaseException:
        for other in aside.values():
            other.unlink(missing_ok=True)
        raise
    for folder in {path.parent for path in files}:
        sync_folder(folder)
