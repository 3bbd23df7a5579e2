"""Where base models come from: made here, a folder, or the hub's cache. safetensors and JSON only, never remote code."""

import functools
import hashlib
import os
import pkgutil
from dataclasses import replace
from pathlib import Path

from pete.config import BUILT_IN_BASES, EMBEDDED_BASE, ModelConfig
from pete.engines.base_models import hub
from pete.engines.base_models.checks import OFFER_EMBEDDED, check_folder, check_small_files, check_weights
from pete.engines.protocol import Base
from pete.errors import BaseModelError
from pete.places import expand, hub_id_of, is_hub_id


def resolve_base(model: ModelConfig) -> Base:
    """A base model, whole on this machine: found here, or fetched from the hub when it is named and not cached.

    Raises:
        BaseModelError: not here and not reachable, or not safe to load; with the way to get it.
    """
    base = look_up_base(model)
    if base.missing:
        hub.fetch(base.name, base.folder)
    if not base.made_here:
        check_weights(base.folder, base.name)
    return replace(base, missing=0)


def look_up_base(model: ModelConfig) -> Base:
    """The same base with config and tokenizer only: enough to plan and to look at data, and no weights are fetched for it.

    Raises:
        BaseModelError: as resolve_base.
    """
    if model.base in BUILT_IN_BASES:
        return pkgutil.resolve_name(BUILT_IN_BASES[model.base])()
    folder = Path(os.path.abspath(expand(model.base)))  # `~` and `..` resolved, links kept
    if folder.is_dir():
        context = check_folder(folder)
        if snapshot := hub_id_of(folder.as_posix()):  # in the hub's cache: the name is the hub's, and so is the adapter's base
            name, commit = snapshot
            return Base(name, folder, commit, commit, context)
        digest = hashlib.sha256()
        for path in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
            found = path.stat()
            digest.update(_sha256(path, found.st_size, found.st_mtime_ns))
        return Base(folder.name, folder, "local", digest.hexdigest(), context)
    if is_hub_id(model.base):
        folder, missing = hub.look_up(model.base, model.revision)
        return Base(model.base, folder, folder.name, folder.name, check_small_files(folder, model.base), missing)
    raise BaseModelError(
        f"The base model {model.base!r} is neither {EMBEDDED_BASE}, a folder here, nor a hub name (owner/name).",
        OFFER_EMBEDDED.removeprefix("or "),
    )


@functools.cache
def _sha256(path: Path, size: int, changed: int) -> bytes:
    """Digest of a file of this size and time, read once in a process: a base of gigabytes is looked up several times in a run."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
