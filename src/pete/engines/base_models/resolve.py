"""Where base models come from: embedded, a folder, or the hub's cache. safetensors and JSON only, never remote code."""

import functools
import hashlib
import os
from dataclasses import replace
from pathlib import Path

from safetensors import SafetensorError, safe_open

from pete.config import EMBEDDED_BASE, ModelConfig
from pete.data.tokenizer import check_tokenizer
from pete.engines.base_models import hub
from pete.engines.base_models.config import check_settings, check_vocabulary, context_of, read_settings
from pete.engines.base_models.folder import OFFER_EMBEDDED, weights_of_another_kind
from pete.engines.protocol import Base
from pete.errors import BaseModelError
from pete.places import expand, hub_id_of, is_hub_id

FULL = ("F64", "F32", "F16", "BF16")
"""What safetensors calls the numbers of weights that are not quantised."""


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
        from pete.engines.base_models.embedded import embedded_base

        return embedded_base()
    if model.base == "fake":
        from pete.engines.fake import fake_base

        return fake_base()
    folder = _folder(model.base)
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
        return Base(model.base, folder, folder.name, folder.name, _check_small_files(folder, model.base), missing)
    raise BaseModelError(
        f"The base model {model.base!r} is neither {EMBEDDED_BASE}, a folder here, nor a hub name (owner/name).",
        OFFER_EMBEDDED.removeprefix("or "),
    )


def _folder(base: str) -> Path:
    """The folder that a base's name may be, whole: `~` and `..` resolved, links kept."""
    return Path(os.path.abspath(expand(base)))


def check_folder(folder: Path) -> int:
    """Refuse a model folder that is incomplete, pickled, quantised, no language model, or asks to run its own code.

    Returns:
        Tokens the model can see at once.

    Raises:
        BaseModelError: the reason.
    """
    context = _check_small_files(folder, str(folder))
    _check_weights(folder, str(folder))
    return context


def architecture_of(folder: Path) -> str:
    """What kind of model it is, as transformers calls it: gpt_neox, llama; empty where config.json does not say."""
    return str(read_settings(folder, str(folder)).get("model_type", ""))


def _check_small_files(folder: Path, name: str) -> int:
    """All that config and tokenizer can say against a base; returns its context."""
    settings = read_settings(folder, name)
    check_settings(settings, name)
    check_tokenizer({path.name for path in folder.iterdir()}, name)
    if isinstance(rows := settings.get("vocab_size"), int):
        check_vocabulary(folder, rows, name)
    return context_of(settings, name)


def _check_weights(folder: Path, name: str) -> None:
    """Every file of weights is there and not cut short, and holds plain numbers; their headers are read, not the weights."""
    wanted = hub.weight_names(folder)
    if not wanted:
        found = weights_of_another_kind({path.name for path in folder.iterdir()}) or "no weights"
        raise BaseModelError(f"{name}: expected {hub.WEIGHTS}, found {found}.", "use a revision with safetensors; " + OFFER_EMBEDDED)
    for number, part in enumerate(wanted, 1):
        if not (folder / part).is_file():
            raise BaseModelError(f"{name}: {part} is missing ({number} of {len(wanted)} files of weights).", "download the model again")
        try:
            with safe_open(folder / part, "np") as file:
                kinds = {key: file.get_slice(key).get_dtype() for key in file.keys() if key.endswith("weight")}  # noqa: SIM118
        except SafetensorError as error:
            raise BaseModelError(
                f"{name}: {part} is damaged or cut short ({error}).", f"remove {(folder / part).resolve()} and get the model again"
            ) from None
        if odd := next((key for key, kind in kinds.items() if kind not in FULL), None):
            raise BaseModelError(
                f"{name} is quantized: {odd} is kept as {kinds[odd]}, and Pete trains on full weights.",
                f"use the full base it was made from (float32, float16 or bfloat16); {OFFER_EMBEDDED}",
            )


@functools.cache
def _sha256(path: Path, size: int, changed: int) -> bytes:
    """Digest of a file of this size and time, read once in a process: a base of gigabytes is looked up several times in a run."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
