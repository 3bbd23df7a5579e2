"""The ledger of an import: for every file, what was read is what was kept plus what was dropped, by reason."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pete.data.sources.record import Reason, Record

SHOWN = 200
"""Dropped records that are kept for `--explain`, of each reason."""


@dataclass
class FileLedger:
    """What happened to the records of one file."""

    label: str
    reader: str
    """Title of the reader; empty where no reader knows the file."""
    kept: int = 0
    edits: int = 0
    """Edit pairs (draft, final) among them."""
    passages: int = 0
    """Pieces that the kept ones were cut into."""
    dropped: Counter[Reason] = field(default_factory=Counter)
    mended: int = 0
    """Records whose letters were put right."""
    problem: str = ""
    """Why the rest of the file could not be read."""

    @property
    def read(self) -> int:
        """Records read: kept plus dropped."""
        return self.kept + sum(self.dropped.values())


@dataclass
class Ledger:
    """All files of an import. `keep` or `drop` is called once for every record: nothing is lost without a line."""

    files: list[FileLedger] = field(default_factory=list)
    passed_over: list[tuple[str, str]] = field(default_factory=list)
    """Files that no reader took, and why."""
    shown: dict[Reason, list[Record]] = field(default_factory=dict)
    """The first dropped records of each reason."""

    def begin(self, label: str, reader: str) -> FileLedger:
        """A file's own part."""
        self.files.append(FileLedger(label, reader))
        return self.files[-1]

    def keep(self, file: FileLedger, record: Record, passages: int = 1) -> None:
        """One record that becomes rows."""
        file.kept += 1
        file.passages += passages
        file.edits += bool(record.draft)
        file.mended += bool(record.mended)

    def drop(self, file: FileLedger, record: Record, reason: Reason) -> None:
        """One record that does not."""
        file.dropped[reason] += 1
        if len(shown := self.shown.setdefault(reason, [])) < SHOWN:
            shown.append(record)

    @property
    def read(self) -> int:
        """Records read, of all files."""
        return sum(file.read for file in self.files)

    @property
    def kept(self) -> int:
        """Records kept, of all files."""
        return sum(file.kept for file in self.files)

    @property
    def dropped(self) -> Counter[Reason]:
        """Records dropped, by reason, of all files."""
        return sum((file.dropped for file in self.files), Counter())

    def record(self) -> dict[str, Any]:
        """As one JSON object: counts alone, no text."""
        return {
            "read": self.read,
            "kept": self.kept,
            "dropped": {reason.name.lower(): count for reason, count in self.dropped.most_common()},
            "files": [
                {
                    "file": file.label, "format": file.reader, "read": file.read, "kept": file.kept, "passages": file.passages,
                    "edits": file.edits, "mended": file.mended, "problem": file.problem,
                    "dropped": {reason.name.lower(): count for reason, count in file.dropped.most_common()},
                }
                for file in self.files
            ],
            "passed_over": [{"file": name, "why": why} for name, why in self.passed_over],
        }  # fmt: skip
