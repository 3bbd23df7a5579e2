"""Where base models come from: embedded, a folder, or the hub's cache. safetensors and JSON only, never remote code."""

import functools
import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from pete.config import EMBEDDED_BASE, ModelConfig
from pete.engines import hub
from pete.engines.hub import OFFER_EMBEDDED
from pete.engines.protocol import Base
from pete.errors import BaseModelError
from pete.machine.places import expand


def resolve_base(model: ModelConfig) -> Base:
    """A base model, whole on this machine: found here, or fetched from the hub when it is named and not cached.

    Raises:
        BaseModelError: not here and not reachable, or not safe to load; with the way to get it.
    """
    base = look_up_base(model)
    if base.missing:
        hub.fetch(base.name, base.folder)
    if model.base != "fake":  # its table is made anew each time
        _check_weights(base.folder, base.name)
    return replace(base, missing=0)


def look_up_base(model: ModelConfig) -> Base:
    """The same base with config and tokenizer only: enough to plan and to look at data, and no weights are fetched for it.

    Raises:
        BaseModelError: as resolve_base.
    """
    if model.base == EMBEDDED_BASE:
        from pete.engines.embedded import embedded_base

        return embedded_base()
    if model.base == "fake":
        from pete.engines.fake_engine import fake_base

        return fake_base()
    folder = expand(model.base)
    if folder.is_dir():
        check_folder(folder)
        digest = hashlib.sha256()
        for path in sorted([folder / "config.json", *folder.glob("*.safetensors")]):
            found = path.stat()
            digest.update(_sha256(path, found.st_size, found.st_mtime_ns))
        return Base(folder.name, folder, "local", digest.hexdigest(), context_of(folder))
    if model.base.count("/") == 1 and not model.base.startswith((".", "/", "~")):
        folder, missing = hub.look_up(model.base, model.revision)
        _check_config(folder)
        return Base(model.base, folder, folder.name, folder.name, context_of(folder), missing)
    raise BaseModelError(
        f"The base model {model.base!r} is neither {EMBEDDED_BASE}, a folder here, nor a hub name (owner/name).",
        OFFER_EMBEDDED.removeprefix("or "),
    )


def check_folder(folder: Path) -> None:
    """Refuse a model folder that is incomplete, pickled, or asks to run its own code.

    Raises:
        BaseModelError: the reason.
    """
    _check_config(folder)
    _check_weights(folder, str(folder))


def context_of(folder: Path) -> int:
    """Tokens the model can see at once."""
    return int(_settings(folder).get("max_position_embeddings", 2048))


def architecture_of(folder: Path) -> str:
    """What kind of model it is, as transformers calls it: gpt_neox, llama; empty where config.json does not say."""
    return str(_settings(folder).get("model_type", ""))


def _settings(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "config.json").read_text(encoding="utf-8"))


def _check_config(folder: Path) -> None:
    config = folder / "config.json"
    if not config.is_file():
        raise BaseModelError(f"{folder} has no config.json: not a model folder.", OFFER_EMBEDDED.removeprefix("or "))
    try:
        settings = json.loads(config.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BaseModelError(f"{config} is not JSON: {error}", "download the model again") from None
    for key in ("auto_map", "model_file"):
        if key in settings:
            raise BaseModelError(
                f"{config} has {key!r}: this model wants to run its own code, and Pete never does that.",
                "use a model that transformers supports by itself; " + OFFER_EMBEDDED,
            )


def _check_weights(folder: Path, name: str) -> None:
    """Every file of weights is there and not cut short; their headers are read, not the weights."""
    wanted = hub.weight_names(folder)
    if not wanted:
        pickled = sorted(p.name for p in folder.iterdir() if p.suffix in hub.PICKLED)
        others = sorted(p.name for p in folder.glob("*.safetensors"))
        found = f"only {', '.join(pickled)} (pickle, which can run code when opened)" if pickled else ", ".join(others) or "no weights"
        raise BaseModelError(f"{name}: expected {hub.WEIGHTS}, found {found}.", "use a revision with safetensors; " + OFFER_EMBEDDED)
    for number, part in enumerate(wanted, 1):
        if not (folder / part).is_file():
            raise BaseModelError(f"{name}: {part} is missing ({number} of {len(wanted)} files of weights).", "download the model again")
        try:
            with safe_open(folder / part, "np"):
                pass
        except SafetensorError as error:
            raise BaseModelError(
                f"{name}: {part} is damaged or cut short ({error}).", f"remove {(folder / part).resolve()} and get the model again"
            ) from None


@functools.cache
def _sha256(path: Path, size: int, changed: int) -> bytes:
    """Digest of a file of this size and time, read once in a process: a base of gigabytes is looked up several times in a run."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
