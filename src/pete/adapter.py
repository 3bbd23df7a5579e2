"""Adapter folders in PEFT's format, whichever engine trained them: written, read, checked. safetensors and JSON only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from pete.errors import AdapterError
from pete.places import hub_id_of
from pete.run import write_json

WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
LINEAGE = "pete.json"
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
HONOURED = frozenset(
    {"r", "lora_alpha", "use_rslora", "rank_pattern", "alpha_pattern", "lora_dropout", "target_modules", "exclude_modules",
     "layers_to_transform", "layers_pattern", "fan_in_fan_out", "init_lora_weights", "peft_type", "base_model_name_or_path",
     # facts about it, and how it was begun: nothing of that is left to do once its weights are there
     "task_type", "auto_mapping", "peft_version", "revision", "inference_mode", "runtime_config", "megatron_core", "qalora_group_size",
     "loftq_config", "eva_config", "corda_config", "lora_ga_config",
     # about tied layers (head and embeddings), and those are refused as targets
     "ensure_weight_tying"}
)  # fmt: skip
"""Fields of adapter_config.json that an adapter is loaded by, or that say nothing about what it computes."""
REFUSED = {
    "bias": "trained biases", "lora_bias": "biases of its own", "modules_to_save": "whole trained modules",
    "trainable_token_indices": "trained tokens", "target_parameters": "layers that are no modules (experts)",
    "layer_replication": "repeated layers", "use_dora": "DoRA", "alora_invocation_tokens": "activated LoRA",
    "velora_config": "VeLoRA", "kasa_config": "KaSA", "monteclora_config": "Monte Carlo LoRA", "arrow_config": "Arrow routing",
    "use_bdlora": "block-diagonal LoRA", "use_qalora": "quantised LoRA", "megatron_config": "Megatron's layers",
}  # fmt: skip
"""Fields that, unless they are off, change what an adapter computes in a way Pete does not -> what they bring."""
OFF = (None, False, "none", "", [], {})
MERGE_IT = "merge it into its base with peft (merge_and_unload, save_pretrained) and use the result as the base; or train one: pete train"
PLAIN_STARTS = (None, True, False, "gaussian", "eva", "orthogonal", "mica")
"""Values of init_lora_weights that leave the base's weights alone. PiSSA, OLoRA, CorDA, LoftQ and LoRA-GA take a part out of them."""


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
    began: str = ""
    """When the run began (ISO, local time), where the chat template writes the date; else empty."""
    prompt_format: Mapping[str, Any] = field(default_factory=dict)
    """The persona's [prompt_format]: how a request is put before the model; nothing set: as in training."""


def write_weights(folder: Path, settings: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    """Write adapter_config.json and adapter_model.safetensors (float32)."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: np.ascontiguousarray(value) for name, value in sorted(tensors.items())}, folder / WEIGHTS, {"format": "pt"})
    (folder / SETTINGS).write_text(json.dumps(settings, indent=2, sort_keys=True, default=sorted) + "\n", encoding="utf-8")


def read_weights(folder: Path, base_name: str, base_fingerprint: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read an adapter that fits the base: its settings, and its tensors as float32 (or float16, as saved).

    Raises:
        AdapterError: nothing there, pickled weights, custom code, damaged, made for another base, or more than plain LoRA.
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
        if settings.get(key) and not (
            key == "auto_mapping" and set(settings[key]) <= {"base_model_class", "parent_library", "unsloth_fixed"}
        ):
            raise AdapterError(
                f"{folder / SETTINGS} has {key!r}: it asks to run its own code, and Pete never does that.", "use another adapter"
            )
    if settings.get("peft_type") != "LORA":
        raise AdapterError(f"{folder}: expected a LORA adapter, found {settings.get('peft_type')!r}.", "train one: pete train")
    _check_fields(folder, settings)
    made_for = settings.get("base_model_name_or_path")
    if (folder / LINEAGE).is_file():
        lineage = read_lineage(folder)
        if lineage.base_fingerprint != base_fingerprint:
            raise AdapterError(
                f"{folder} was made for {lineage.base} ({lineage.base_fingerprint[:12]}), and the base here is "
                f"{base_name} ({base_fingerprint[:12]}).",
                f"load it with --set model.base={lineage.base}, or train a new adapter",
            )
    elif made_for and not _same_base(str(made_for), base_name):
        raise AdapterError(
            f"{folder} was made for {made_for}, and the base here is {base_name}.", f"load it with --set model.base={made_for}"
        )
    try:
        tensors = _read_tensors(folder / WEIGHTS)
    except (SafetensorError, OSError) as error:
        raise AdapterError(f"{folder / WEIGHTS} is damaged: {error}", "go back to a checkpoint: pete resume RUN") from None
    return settings, tensors


def _check_fields(folder: Path, settings: Mapping[str, Any]) -> None:
    """Every field is honoured, off, or refused by its name."""
    for name, value in settings.items():
        if name in HONOURED or value in OFF:
            continue
        brings = REFUSED.get(name)
        raise AdapterError(
            f"{folder / SETTINGS} has {name} = {json.dumps(value)[:60]}"
            + (f": the adapter brings {brings}, and Pete loads plain LoRA." if brings else ", a field that Pete does not know."),
            MERGE_IT,
        )
    if (start := settings.get("init_lora_weights")) not in PLAIN_STARTS:
        raise AdapterError(
            f"{folder / SETTINGS} has init_lora_weights = {json.dumps(start)[:60]}: made so, it takes a part out of the base's weights, "
            "and the base beside it would be no base.",
            "convert it with peft, once (save_pretrained(..., path_initial_model_for_weight_conversion=...) writes plain LoRA); "
            "or train one: pete train",
        )


def _same_base(made_for: str, base_name: str) -> bool:
    """Whether an adapter's base is this one: by its name, or, where the name is a path of some machine, by that path's end."""
    path = made_for.replace("\\", "/").rstrip("/")
    if snapshot := hub_id_of(path):
        return snapshot[0] == base_name
    return made_for == base_name or ((path.startswith(("/", ".", "~")) or path[1:3] == ":/") and path.rsplit("/", 1)[-1] == base_name)


def _read_tensors(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a safetensors file; bfloat16, which numpy has not, as the float32 of the same value."""
    found: dict[str, np.ndarray] = {}
    with safe_open(path, "np") as file:
        for name in file.keys():  # noqa: SIM118
            kind = file.get_slice(name).get_dtype()
            if kind not in ("F64", "F32", "F16", "BF16"):
                raise AdapterError(f"{path}: {name} is kept as {kind}: expected float32, float16 or bfloat16.", "save it in one of these")
            if kind != "BF16":
                found[name] = file.get_tensor(name)
    raw = path.read_bytes()
    begin = 8 + int.from_bytes(raw[:8], "little")
    for name, entry in json.loads(raw[8:begin]).items():
        if name != "__metadata__" and name not in found:
            start, stop = (begin + offset for offset in entry["data_offsets"])
            halves = np.frombuffer(raw[start:stop], dtype="<u2").astype(np.uint32)  # a bfloat16 is the upper half of a float32
            found[name] = (halves << 16).view(np.float32).reshape(entry["shape"])
    if strange := next((name for name, value in found.items() if not np.isfinite(value).all()), None):
        raise AdapterError(
            f"{path}: {strange} holds numbers that are not finite: its training diverged.", "use an earlier checkpoint of it"
        )
    return found


def write_lineage(folder: Path, lineage: Lineage) -> None:
    """Write pete.json, whole or not at all."""
    write_json(folder / LINEAGE, {"version": 1, **lineage.__dict__})


def read_lineage(folder: Path) -> Lineage:
    """Read pete.json; raises AdapterError when it is missing or damaged."""
    record = _json(folder / LINEAGE)
    record.pop("version", None)
    if "asking" in record:  # its name in earlier versions
        record["prompt_format"] = record.pop("asking")
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
