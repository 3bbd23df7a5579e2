"""Adapter folders in PEFT's format, whichever engine trained them: written, read, checked. safetensors and JSON only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from pete.errors import AdapterError
from pete.run import write_json

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
LINEAGE = "pete.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


@dataclass(frozen=True)
class Lineage:
    """What an adapter was made of and how it speaks; pete.json beside the weights."""

    base: str
    base_revision: str
    base_fingerprint: str
    data_fingerprint: str
    config_sha256: str
    persona: str
    description: str
    rules: tuple[str, ...]
    system: str
    stop: tuple[str, ...]
    generate: Mapping[str, Any]
    categories: Mapping[str, str]
    avoid: tuple[str, ...]
    pete: str
    limits: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The persona's [limits]: "all" or a category -> what answers keep to. Adapters of an earlier version have none."""
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    architecture: str = ""
    """The base's model_type, such as gpt_neox; empty in adapters of an earlier version."""
    asking: Mapping[str, Any] = field(default_factory=dict)
    """The persona's [asking]: how a request is put before the model. Nothing: as in training, and in adapters of an earlier version."""


def write_weights(folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    """Write adapter_config.json and adapter_model.safetensors (float32)."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in sorted(tensors.items())}, folder / WEIGHTS, {"format": "pt"})
    (folder / SETTINGS).write_text(json.dumps(settings, indent=2, sort_keys=True, default=sorted) + "\n", encoding="utf-8")


def read_weights(folder: Path, base_name: str, base_fingerprint: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read an adapter that fits the base.

    Raises:
        AdapterError: nothing there, pickled weights, custom code, damaged, or made for another base.
    """
    if not folder.is_dir():
        raise AdapterError(f"There is no adapter folder {folder}.", "train one: pete train")
    if not (folder / WEIGHTS).is_file():
        pickled = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLED)
        if pickled:
            raise AdapterError(
                f"{folder} holds {', '.join(pickled)}: pickle can run code when opened, and Pete never opens it.",
                "ask its author for adapter_model.safetensors",
            )
        raise AdapterError(f"{folder} has no {WEIGHTS}: not an adapter folder.", "train one: pete train")
    settings = _json(folder / SETTINGS)
    for key in ("auto_map", "auto_mapping"):
        if settings.get(key) and not (key == "auto_mapping" and set(settings[key]) <= {"base_model_class", "parent_library"}):
            raise AdapterError(
                f"{folder / SETTINGS} has {key!r}: it asks to run its own code, and Pete never does that.", "use another adapter"
            )
    if settings.get("peft_type") != "LORA":
        raise AdapterError(f"{folder}: expected a LORA adapter, found {settings.get('peft_type')!r}.", "train one: pete train")
    made_for = settings.get("base_model_name_or_path")
    if (folder / LINEAGE).is_file():
        lineage = read_lineage(folder)
        if lineage.base_fingerprint != base_fingerprint:
            raise AdapterError(
                f"{folder} was made for {lineage.base} ({lineage.base_fingerprint[:12]}), and the base here is "
                f"{base_name} ({base_fingerprint[:12]}).",
                f"load it with --set model.base={lineage.base}, or train a new adapter",
            )
    elif made_for and made_for != base_name:
        raise AdapterError(
            f"{folder} was made for {made_for}, and the base here is {base_name}.", f"load it with --set model.base={made_for}"
        )
    try:
        return settings, load_file(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"{folder / WEIGHTS} is damaged: {error}", "go back to a checkpoint: pete resume RUN") from None


def write_lineage(folder: Path, lineage: Lineage) -> None:
    """Write pete.json, whole or not at all."""
    write_json(folder / LINEAGE, {"version": 1, **lineage.__dict__})


def read_lineage(folder: Path) -> Lineage:
    """Read pete.json; raises AdapterError when it is missing or damaged."""
    record = _json(folder / LINEAGE)
    record.pop("version", None)
    try:
        record |= {key: tuple(record[key]) for key in ("rules", "stop", "avoid")}
        return Lineage(**record)
    except (KeyError, TypeError) as error:
        raise AdapterError(
            f"{folder / LINEAGE} is not what this version writes: {error}", "train again, or use the version that wrote it"
        ) from None


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AdapterError(f"{path.parent} has no {path.name}.", "train one: pete train") from None
    except ValueError as error:
        raise AdapterError(f"{path} is not JSON: {error}", "go back to a checkpoint: pete resume RUN") from None
    if not isinstance(document, dict):
        raise AdapterError(f"{path}: expected an object, found {type(document).__name__}.", "use another adapter")
    return document
