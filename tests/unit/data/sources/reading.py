"""Files as an export has them, and what their readers make of them."""

from pathlib import Path

from pete.data.sources import readers_of
from pete.data.sources.files import Source
from pete.data.sources.record import ImportOptions, Record, Unreadable


def records_of(folder: Path, files: dict[str, str | bytes], options: ImportOptions | None = None) -> list[Record]:
    """All records of some files; a file nobody reads, or that cannot be read, fails the test."""
    for name, data in files.items():
        path = folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
    found = []
    with Source(folder / "in") as source:
        for file, reader in readers_of(source, options):
            assert reader is not None, f"nobody reads {file.name}"
            found += reader.read(file, options or ImportOptions())
    return found


def outcome(folder: Path, name: str, data: bytes) -> tuple[list[Record], str]:
    """The records of a file, however damaged, and why the rest could not be read; "unknown" where nobody knows the file."""
    path = folder / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    found: list[Record] = []
    with Source(folder / "in") as source:
        (file, reader), *_ = list(readers_of(source)) or [(None, None)]
        if reader is None or file is None:
            return [], "unknown"
        try:
            for record in reader.read(file, ImportOptions()):
                found.append(record)
        except Unreadable as error:
            return found, str(error)
    return found, ""
