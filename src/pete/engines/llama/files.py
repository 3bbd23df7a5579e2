"""The GGUF of a base, or of a base with an adapter merged in: made once, kept in the cache by the hash of what it is made of."""

import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from pete.adapter import SETTINGS, WEIGHTS
from pete.config import Config
from pete.engines.base_models import merge
from pete.engines.base_models.resolve import resolve_base
from pete.engines.gguf.write import write_gguf
from pete.engines.llama.draft import check_tokens
from pete.engines.protocol import Base
from pete.listener import LISTENER
from pete.machine.probes import or_none
from pete.places import cache_root
from pete.run import write_json

CODE = (*sorted((Path(__file__).parents[1] / "gguf").glob("*.py")), Path(merge.__file__))
"""What writes the file."""
KEEP_DAYS = 30
"""A file that nobody has opened for so long is removed; it is made again when it is wanted."""


@dataclass(frozen=True)
class Files:
    """What the engine answers from."""

    tuned: Path
    base: Path
    draft: Path | None = None
    """What guesses for either of them."""


def make_files(config: Config, adapter: Path | None) -> Files:
    """The files the engine answers from, made where they are missing.

    Raises:
        DraftError: `engine.llama.draft` speaks other tokens. BaseModelError, AdapterError: see `gguf_of`.
    """
    base, kind, draft = resolve_base(config.model), config.engine.llama.kind, None
    if config.engine.llama.draft is not None:
        smaller = resolve_base(config.model.model_copy(update={"base": config.engine.llama.draft, "revision": None}))
        check_tokens(base, smaller)
        draft = gguf_of(smaller, None, kind)
    plain = gguf_of(base, None, kind)
    return Files(gguf_of(base, adapter, kind) if adapter else plain, plain, draft)


def gguf_of(base: Base, adapter: Path | None, kind: str) -> Path:
    """The file, made now unless it is there as it was made.

    Args:
        base: whole on this machine.
        adapter: a PEFT folder, or None for the base alone.
        kind: the type of its matrices, as `write_gguf` takes it.

    Raises:
        BaseModelError: an architecture that has no map to GGUF. AdapterError: the adapter does not fit. OSError: no room.
    """
    folder = cache_root() / "gguf"
    path = folder / f"{_key(base, adapter, kind)}.gguf"
    if _is_whole(path):
        os.utime(path.with_suffix(".json"))
        return path
    _forget_old(folder)
    folder.mkdir(parents=True, exist_ok=True)
    LISTENER.get().message(f"preparing {'the adapter' if adapter else base.name} for llama.cpp, once ...")
    write_gguf(base, adapter, path, kind)
    stat = path.stat()
    write_json(path.with_suffix(".json"), {"size": stat.st_size, "written": stat.st_mtime_ns})
    return path


def _key(base: Base, adapter: Path | None, kind: str) -> str:
    contents = [] if adapter is None else [_digest(path) for path in sorted(adapter.iterdir()) if path.is_file() and _counts(path)]
    code = [_digest(path) for path in CODE]
    return hashlib.sha256(json.dumps([base.fingerprint, contents, kind, code]).encode()).hexdigest()[:40]


def _counts(path: Path) -> bool:
    """Whether a file of an adapter's folder decides what is written: weights, their settings, tokenizer and template."""
    return path.name in (WEIGHTS, SETTINGS) or "token" in path.name or "template" in path.name or path.name == "generation_config.json"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()}"


def _is_whole(path: Path) -> bool:
    """Whether it is the file that was written, untouched since."""

    def compare() -> bool:
        stat, kept = path.stat(), json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return kept == {"size": stat.st_size, "written": stat.st_mtime_ns}

    return or_none(compare) or False


def _forget_old(folder: Path) -> None:
    oldest = time.time() - KEEP_DAYS * 86400
    for record in folder.glob("*.json"):
        if record.stat().st_mtime < oldest:
            record.with_suffix(".gguf").unlink(missing_ok=True)
            record.unlink(missing_ok=True)
