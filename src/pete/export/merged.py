"""--to merged: base and adapter as one folder in Hugging Face's format, which plain transformers loads."""

import math
import shutil
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from pete.data.tokenizer import TEMPLATE, TOKENIZER
from pete.engines.base_models.checks import read_settings
from pete.errors import BaseModelError
from pete.export.card import model_card
from pete.export.source import Source, write_speech
from pete.export.weights import size_of, write_merged
from pete.export.workshop import Exporter, Made, Workshop
from pete.listener import LISTENER
from pete.run import write_json

LICENCES = ("licen[cs]e*", "notice*", "copying*", "*use_policy*", "gemma_terms*")
"""Files of a base that have to go where its weights go."""
KINDS = {"F32": "f32", "F16": "f16", "BF16": "bf16"}


class Merged(Exporter):
    """See the module."""

    def room(self, shop: Workshop) -> int:
        """As much as the base."""
        return size_of(shop.weights)

    def target(self, shop: Workshop) -> Path:
        """A folder."""
        return shop.out / "merged"

    def make(self, shop: Workshop) -> Made:
        """The folder, loaded again with transformers."""
        return make_merged(shop)


def make_merged(shop: Workshop) -> Made:
    """The folder and its proof, made once in a workshop.

    Raises:
        BaseModelError, AdapterError, WorkError: it cannot be merged, or is not what was trained.
    """
    if shop.source.base.made_here:
        raise BaseModelError(f"{shop.source.base.name} has no weights on disk: there is nothing to merge.", "--to adapter works with it")
    return shop.once("merged", lambda: _make(shop))


def _make(shop: Workshop) -> Made:
    from pete.engines.torch.plain import PlainTransformers

    folder = shop.scratch / "merged"
    kind = kind_of(shop)
    shop.reference  # noqa: B018 - before anything big is written, and out of memory again
    folder.mkdir()
    notify = LISTENER.get()
    write_merged(shop.weights, folder, lambda done, of: notify.progress("merging", done, of))
    write_settings(shop.source, folder)
    notify.message("loading the merged model with transformers ...")
    files = [*sorted(folder.glob("*.safetensors")), folder / TOKENIZER, folder / TEMPLATE, folder / "config.json"]
    reader = PlainTransformers(folder, dtype="float32" if shop.in_float32 else "bfloat16")
    proof = shop.prove(reader, "merged", kind, files)
    (folder / "README.md").write_text(model_card(shop.source, proof), encoding="utf-8")
    return Made(folder, proof)


def kind_of(shop: Workshop) -> str:
    """The kind of number that most of the base's weights are kept in."""
    weights = shop.weights
    largest = max(weights.names(), key=lambda name: math.prod(weights.shape(name)))
    return KINDS[weights.dtype(largest)]


def write_settings(source: Source, folder: Path) -> None:
    """Everything of the folder but its weights: config, tokenizer, template, ends, licence."""
    write_json(folder / "config.json", model_settings(source))
    write_speech(source, folder)
    for path in source.base.folder.iterdir():
        if path.is_file() and any(fnmatch(path.name.lower(), pattern) for pattern in LICENCES):
            shutil.copyfile(path, folder / path.name)


def model_settings(source: Source) -> dict[str, Any]:
    """The base's config.json, for programs of every age and without the name of a folder.

    transformers 5 keeps GPT-NeoX's rotary settings in `rope_parameters` alone and the kind of number in `dtype`; older
    versions, MLX and llama.cpp's converter look for the names of before.
    """
    settings = read_settings(source.base.folder, source.base.name)
    settings = {key: value for key, value in settings.items() if key not in ("_name_or_path", "name_or_path")}
    kind = settings.get("dtype") or settings.get("torch_dtype")
    if kind:
        settings |= {"dtype": kind, "torch_dtype": kind}
    rope = settings.get("rope_parameters")
    if isinstance(rope, dict) and isinstance(theta := rope.get("rope_theta"), int | float):
        settings.setdefault("rope_theta", theta)
        if settings.get("model_type") == "gpt_neox":
            settings.setdefault("rotary_emb_base", theta)
            settings.setdefault("rotary_pct", rope.get("partial_rotary_factor", 0.25))
    return settings | {"eos_token_id": _ends(source)}


def _ends(source: Source) -> int | list[int]:
    ends = sorted(source.renderer.ends)
    return ends[0] if len(ends) == 1 else ends
