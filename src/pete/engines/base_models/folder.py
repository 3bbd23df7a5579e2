"""Which files a base is made of, and what is said of a folder, or a listing of the hub, that has others."""

import json
from collections.abc import Collection
from pathlib import Path

from pete.config import EMBEDDED_BASE
from pete.errors import BaseModelError

OFFER_EMBEDDED = f"or start with the embedded base: --set model.base={EMBEDDED_BASE}"
PICKLED = (".bin", ".pt", ".pth", ".ckpt")


def refuse_without_config(names: Collection[str], where: str, folder: Path | None = None) -> None:
    """Say what a folder or a repository without config.json is; raises BaseModelError."""
    if "adapter_config.json" in names:
        base = None
        if folder is not None:
            try:
                base = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8")).get("base_model_name_or_path")
            except (OSError, ValueError, AttributeError):
                base = None
        raise BaseModelError(
            f"{where} is an adapter, not a base.", f"name the base it was made for: --set model.base={base or 'owner/name'}"
        )
    message = f"{where} has no config.json: not a model folder."
    if found := weights_of_another_kind(names):
        message = f"{where} has no config.json, and its weights are {found}."
    raise BaseModelError(message, f"use the base in Hugging Face's format (config.json, model.safetensors); {OFFER_EMBEDDED}")


def weights_of_another_kind(names: Collection[str]) -> str:
    """What a base without model.safetensors has instead, in words; empty for nothing."""
    for suffixes, words in (((".gguf",), "GGUF, which is made for answering and not for training"),
                            (PICKLED, "pickle, which can run code when opened")):  # fmt: skip
        if found := sorted(name for name in names if name.endswith(suffixes)):
            return f"only {', '.join(found[:3])}{', ...' if len(found) > 3 else ''} ({words})"
    return ", ".join(sorted(name for name in names if name.endswith(".safetensors"))[:3])
