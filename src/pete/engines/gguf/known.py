"""Which GGUF files are ours: known by hash from the day they were written. No other is ever given to llama.cpp's parser."""

import hashlib
from pathlib import Path

from pete.engines.base_models.embedded import GGUF_SHA256
from pete.errors import BaseModelError
from pete.places import cache_root


def remember(path: Path) -> str:
    """Note a file that was just written; returns its sha256."""
    digest = sha256_of(path)
    mark = _marks() / digest
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()
    return digest


def is_ours(path: Path) -> bool:
    """Whether Pete wrote this file on this machine, wherever it lies now; the whole file is read for it."""
    digest = sha256_of(path)
    return digest == GGUF_SHA256 or (_marks() / digest).is_file()


def check_ours(path: Path) -> None:
    """Raises BaseModelError for a GGUF of unknown origin: a broken one can take the program down, a made one worse."""
    if not path.is_file():
        raise BaseModelError(f"There is no file {path}.", "export one from a run, with --to gguf")
    if not is_ours(path):
        raise BaseModelError(
            f"{path.name} was not written by Pete on this machine, or has changed since: it is not opened.",
            "export it again from the run, with --to gguf",
        )


def _marks() -> Path:
    return cache_root() / "gguf-written"


def sha256_of(path: Path) -> str:
    """Of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
