"""Writes a base, an adapter in it, as one GGUF: a tensor at a time, aside, and in its place only when whole."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGUFValueType, GGUFWriter

from pete.adapter import LINEAGE, read_lineage
from pete.config import EMBEDDED_BASE
from pete.data.tokenizer import TOKENIZER
from pete.engines.base_models.merge import HEADS, MergedWeights
from pete.engines.gguf import architectures
from pete.engines.gguf.check import check_file
from pete.engines.gguf.kinds import KINDS, G, check_kind, row_size, type_of
from pete.engines.gguf.known import remember
from pete.engines.gguf.settings import Settings
from pete.engines.gguf.tokenizer import Vocabulary
from pete.engines.llama.runtime import quantize_rows
from pete.engines.protocol import Base
from pete.places import is_hub_id

SAMPLING = {"temperature": "temp", "top_k": "top_k", "top_p": "top_p", "repetition_penalty": "penalty_repeat"}
"""What we and llama.cpp call the settings that an answer is drawn with."""
WHOLE = {"top_k"}
"""Those that are whole numbers."""


def write_gguf(
    base: Base, adapter: Path | None, path: Path, kind: str, importance: Mapping[str, np.ndarray] | None = None, name: str = ""
) -> str:
    """Write the file, and know it again (`known.py`).

    Args:
        base: whole on this machine.
        adapter: merged into it; its tokenizer and chat template, where it brings them, are the file's.
        path: of the file; what is there is replaced once the new one is whole.
        kind: one of KINDS.
        importance: of columns, by the file's tensor names (`importance.py`); float32 [columns].
        name: what programs show; of adapter and base where not given.

    Returns:
        The file's sha256.

    Raises:
        BaseModelError: llama.cpp does not compute this base, or reads its texts otherwise.
        AdapterError: the adapter does not fit.
        UserError: there is no such kind.
    """
    check_kind(kind)
    settings = Settings(base.folder, base.name)
    architecture = architectures.architecture_of(base, settings)
    shape = architectures.metadata(base, settings, architecture)
    weights = MergedWeights(base, adapter)
    folder = adapter if adapter is not None and (adapter / TOKENIZER).is_file() else base.folder
    vocabulary = Vocabulary(folder, settings["vocab_size"], base.name)
    names = architectures.tensor_names(_needed(weights), base, settings, architecture)
    extra = architectures.extra_tensors(settings)
    layers = settings["num_hidden_layers"]
    head = "output.weight" if "output.weight" in names else "token_embd.weight"

    aside = path.with_name(f".{path.name}.{os.getpid()}")
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = GGUFWriter(aside, architecture.name)
    try:
        for key, value in _about(base, adapter, vocabulary, name).items():
            _put(writer, key, value)
        _put(writer, "general.file_type", int(KINDS[kind][1]))
        _put(writer, "general.quantization_version", 2)
        for key, value in shape.items():
            _put(writer, f"{architecture.name}.{key}", value)
        for key, value in vocabulary.metadata().items():
            _put(writer, key, value)
        types = {}
        for tensor, value in extra.items():
            writer.add_tensor_info(tensor, value.shape, value.dtype, value.nbytes)
        for tensor, theirs in names.items():
            size = weights.shape(theirs)
            types[tensor] = type_of(kind, tensor, size, layers, head=head)
            rows = int(np.prod(size[:-1], dtype=np.int64))
            nbytes = rows * row_size(types[tensor], size[-1])
            writer.add_tensor_info(tensor, size, np.dtype(np.float32), nbytes, raw_dtype=types[tensor])
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for value in extra.values():
            writer.write_tensor_data(value)
        for tensor, theirs in names.items():
            value = architectures.changed(theirs, weights.tensor(theirs), settings, architecture)
            writer.write_tensor_data(_in(types[tensor], value, (importance or {}).get(tensor)))
        writer.close()
        check_file(aside, vocabulary)
        digest = remember(aside)
        os.replace(aside, path)
        return digest
    finally:
        writer.close()
        aside.unlink(missing_ok=True)


def _needed(weights: MergedWeights) -> list[str]:
    """The names of the weights, without a head that is its embedding over again."""
    names = weights.names()
    heads = [name for name in names if name.removesuffix(".weight") in HEADS]
    embeddings = [name for name in names if name.endswith(("embed_tokens.weight", "embed_in.weight"))]
    for head in heads:  # no adapted one: it is another matrix by then
        if embeddings and head not in weights.adapted() and np.array_equal(weights.tensor(head), weights.tensor(embeddings[0])):
            names.remove(head)
    return names


def _in(kind: G, value: np.ndarray, importance: np.ndarray | None) -> np.ndarray:
    """A tensor in one of ggml's types."""
    if kind is G.F32:
        return np.ascontiguousarray(value, dtype=np.float32)
    return quantize_rows(value, int(kind), row_size(kind, value.shape[-1]), importance)


def _put(writer: GGUFWriter, key: str, value: Any) -> None:
    """A value of the metadata, in the type that llama.cpp reads it in."""
    match value:
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_key_value(key, value, GGUFValueType.UINT32)
        case float():
            writer.add_float32(key, value)
        case str():
            writer.add_string(key, value)
        case list():
            writer.add_array(key, value)
        case _:
            raise AssertionError(f"{key} = {value!r}")


def _about(base: Base, adapter: Path | None, vocabulary: Vocabulary, name: str) -> dict[str, Any]:
    """What it is, what it is made of, and how it is asked."""
    lineage = read_lineage(adapter) if adapter is not None and (adapter / LINEAGE).is_file() else None
    short = base.name.rsplit("/", 1)[-1]
    title = name or (f"{lineage.persona} on {short}" if lineage else short)
    # by these names llama.cpp decides whether special tokens swallow the white space behind them, and then looks for Phi-3's
    strips = vocabulary.strips_after()
    if not strips:
        title = title.replace("-3", " 3").replace("hi3", "hi 3") if any(p in title.lower() for p in ("phi-3", "phi3")) else title
    elif not any(p in title.lower() for p in ("phi-3", "phi3")):
        title = f"{title} (Phi-3)"
    made: dict[str, Any] = {"general.type": "model", "general.name": title}
    if lineage:
        made["general.finetune"] = lineage.persona
    if licence := _licence(base):
        made["general.license"] = licence
    made |= {"general.base_model.count": 1, "general.base_model.0.name": short}
    if is_hub_id(base.name) and base.revision != "local":
        made["general.base_model.0.organization"] = base.name.split("/")[0]
        made["general.base_model.0.repo_url"] = f"https://huggingface.co/{base.name}"
    for ours, value in (lineage.generate if lineage else _drawn(base)).items():
        if ours in SAMPLING and isinstance(value, int | float):
            made[f"general.sampling.{SAMPLING[ours]}"] = int(value) if ours in WHOLE else float(value)
    return made


def _drawn(base: Base) -> dict[str, Any]:
    """How the base's own settings draw an answer."""
    try:
        found = json.loads((base.folder / "generation_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("do_sample") else {}


def _licence(base: Base) -> str:
    """The base's licence, where its page beside the weights names it."""
    if base.name == EMBEDDED_BASE:
        return "apache-2.0"
    try:
        head = (base.folder / "README.md").read_text(encoding="utf-8", errors="replace").split("---")
    except OSError:
        return ""
    lines = head[1].splitlines() if len(head) > 2 and not head[0].strip() else []
    return next((line.partition(":")[2].strip(" '\"") for line in lines if line.startswith("license:")), "")
