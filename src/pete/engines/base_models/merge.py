"""A base's weights with an adapter's changes in them, W + scale B A: one tensor in memory at a time, numpy only."""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pete.adapter import MERGE_IT, read_weights
from pete.engines.base_models.checks import architecture_of, weight_names
from pete.engines.protocol import Base
from pete.errors import AdapterError, BaseModelError

NUMBERS = {"F32": "<f4", "F16": "<f2", "BF16": "<u2", "F64": "<f8"}
"""What safetensors calls a kind of number -> how numpy reads it; a bfloat16 is the upper half of a float32."""
BUFFERS = re.compile(r"(^|\.)(attn|attention)\.(masked_)?bias$|(^|\.)rotary_emb\.inv_freq$")
"""What older versions of transformers kept beside the weights: masks and angles, which a model makes itself."""
TURNED = {"gpt2": ("c_attn", "c_proj", "c_fc", "q_attn"), "openai-gpt": ("c_attn", "c_proj", "c_fc")}
"""Kind of model -> layers whose weight is [in, out] (Conv1D), the other way round than a linear layer's."""

HEADS = ("lm_head", "embed_out")
"""Names of the head; a GPT-NeoX has the second in its files and the first in memory."""


@dataclass(frozen=True)
class _Place:
    file: Path
    offset: int
    """Bytes from the file's beginning."""
    kind: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Change:
    a: np.ndarray
    """[rank, in]"""
    b: np.ndarray
    """[out, rank]"""
    scale: float
    turned: bool


class MergedWeights:
    """Every weight of a base by transformers' name, as the tuned model has it; a tied head, which has no weight of its own, is no name."""

    def __init__(self, base: Base, adapter: Path | None) -> None:
        """Read the headers of the base's files, and the adapter.

        Raises:
            BaseModelError: a base without weights on disk.
            AdapterError: an adapter that is no plain LoRA of this base's layers.
        """
        self.base = base
        self._places = _places(base)
        self._changes = self._read(adapter) if adapter is not None else {}

    def names(self) -> list[str]:
        """Transformers' names, as the base's files have them, sorted."""
        return sorted(self._places)

    def adapted(self) -> list[str]:
        """The names of those that the adapter changes, sorted."""
        return sorted(self._changes)

    def file(self, name: str) -> str:
        """Name of the base's file that holds a weight."""
        return self._places[name].file.name

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape, as in the base's file."""
        return self._places[name].shape

    def dtype(self, name: str) -> str:
        """How the base keeps it: F32, F16 or BF16 (F64, which no model computes in, counts as F32)."""
        return self._places[name].kind.replace("F64", "F32")

    def tensor(self, name: str) -> np.ndarray:
        """The weight, float32."""
        value = _load(self._places[name])
        if change := self._changes.get(name):
            delta = change.scale * (change.b @ change.a)
            value += delta.T if change.turned else delta
        return value

    def _read(self, adapter: Path) -> dict[str, _Change]:
        settings, tensors = read_weights(adapter, self.base.name, self.base.fingerprint)
        turned = TURNED.get(architecture_of(self.base.folder), ())
        changes: dict[str, _Change] = {}
        for key, a in tensors.items():
            layer, found, _ = key.removeprefix("base_model.model.").partition(".lora_A.")
            b = tensors.get(key.replace(".lora_A.", ".lora_B."))
            if not found or b is None:
                if key.endswith(".lora_B.weight") and key.replace(".lora_B.", ".lora_A.") in tensors:
                    continue
                raise AdapterError(f"{adapter}: {key} is no half of a linear layer's LoRA, and nothing else can be merged.", MERGE_IT)
            name = self._name_of(layer, adapter)
            change = _Change(a.astype(np.float32), b.astype(np.float32), _scale(settings, layer), layer.rpartition(".")[2] in turned)
            rank, shape = _of_layer(settings, "rank_pattern", layer, settings.get("r")), self._places[name].shape
            wanted = ((rank, shape[0]), (shape[1], rank)) if change.turned else ((rank, shape[-1]), (shape[0], rank))
            if len(shape) != 2 or (a.shape, b.shape) != wanted:
                raise AdapterError(
                    f"{adapter} does not fit {self.base.name}: {layer} is {list(shape)} there, and the adapter's halves are "
                    f"{list(a.shape)} and {list(b.shape)} for a rank of {rank}.",
                    "name the base it was made for",
                )
            changes[name] = change
        return changes

    def _name_of(self, layer: str, adapter: Path) -> str:
        """The base's name of an adapted layer's weight; files leave out or add what stands in front of a model's body."""
        wanted = f"{layer}.weight"
        if wanted in self._places:
            return wanted
        near = [name for name in self._places if wanted.endswith(f".{name}") or name.endswith(f".{wanted}")]
        if len(near) == 1:
            return near[0]
        if layer in HEADS:
            if own := next((f"{head}.weight" for head in HEADS if f"{head}.weight" in self._places), None):
                return own
            raise AdapterError(
                f"{adapter} adapts the head ({layer}), and the head of {self.base.name} is its embedding: merged, the embedding would "
                "change with it.",
                "train one that leaves the head alone: pete train",
            )
        raise AdapterError(f"{adapter} does not fit {self.base.name}, which has no {wanted}.", "name the base it was made for")


def _places(base: Base) -> dict[str, _Place]:
    """Where each weight stands."""
    files = [] if base.made_here else weight_names(base.folder)
    if not files:
        raise BaseModelError(f"{base.name} has no weights on disk: there is nothing to merge or convert.", "use another base")
    places: dict[str, _Place] = {}
    for file in files:
        path = base.folder / file
        with path.open("rb") as opened:
            begin = 8 + int.from_bytes(opened.read(8), "little")
            header = json.loads(opened.read(begin - 8))
        for name, entry in header.items():
            if name != "__metadata__" and entry["dtype"] in NUMBERS and not BUFFERS.search(name):
                places[name] = _Place(path, begin + entry["data_offsets"][0], entry["dtype"], tuple(entry["shape"]))
    return places


def _load(place: _Place) -> np.ndarray:
    """One tensor of a safetensors file, float32."""
    values = np.fromfile(place.file, NUMBERS[place.kind], math.prod(place.shape), offset=place.offset)
    if place.kind == "BF16":
        values = (values.astype(np.uint32) << 16).view(np.float32)
    return values.astype(np.float32, copy=False).reshape(place.shape)


def _scale(settings: Mapping[str, Any], layer: str) -> float:
    """What B A is multiplied with."""
    rank, alpha = (_of_layer(settings, f"{kind}_pattern", layer, settings[key]) for kind, key in (("rank", "r"), ("alpha", "lora_alpha")))
    return alpha / math.sqrt(rank) if settings.get("use_rslora") else alpha / rank


def _of_layer(settings: Mapping[str, Any], patterns: str, layer: str, otherwise: Any) -> Any:
    """A layer's own rank or alpha: of the first pattern that its name ends with, as peft reads them."""
    named = settings.get(patterns) or {}
    return next((value for pattern, value in named.items() if re.match(rf"(.*\.)?({pattern})$", layer)), otherwise)
