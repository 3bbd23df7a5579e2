"""A base's config.json as transformers reads it, every default filled in, without importing transformers (seconds)."""

import ast
import functools
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pete.engines.base_models.checks import read_settings

THETA = 10_000.0


@dataclass(frozen=True)
class Rope:
    """How positions turn queries and keys."""

    kind: str
    """default, linear, llama3, longrope, yarn, ..."""
    theta: float
    share: float
    """Of a head's dimensions that are turned."""
    given: Mapping[str, Any]
    """What the config says of it."""


class Settings:
    """One base's configuration: `settings["hidden_size"]`."""

    def __init__(self, folder: Path, name: str) -> None:
        """Read config.json.

        Raises:
            BaseModelError: it is not there, or no JSON.
        """
        given = read_settings(folder, name)
        self.kind = str(given.get("model_type", ""))
        self._all = _defaults(self.kind) | given

    def __getitem__(self, key: str) -> Any:
        return self._all[key]

    def get(self, key: str, otherwise: Any = None) -> Any:
        """A value; `otherwise` where there is none."""
        value = self._all.get(key)
        return otherwise if value is None else value

    @property
    def head_dim(self) -> int:
        """Numbers a head has."""
        return self.get("head_dim") or self["hidden_size"] // self["num_attention_heads"]

    @property
    def kv_heads(self) -> int:
        """Heads that keys and values have."""
        own = "num_key_value_heads" in _defaults(self.kind)  # else transformers looks at no such key
        return (own and self.get("num_key_value_heads")) or self["num_attention_heads"]

    @property
    def layer_types(self) -> list[str]:
        """sliding_attention or full_attention, layer by layer; older configurations say it with a number or not at all."""
        layers = self["num_hidden_layers"]
        if listed := self.get("layer_types"):
            return list(listed)
        if self.kind in ("gemma2", "gemma3_text"):
            period = self.get("sliding_window_pattern", 2 if self.kind == "gemma2" else 6)
            return ["sliding_attention" if (layer + 1) % period else "full_attention" for layer in range(layers)]
        if self.kind in ("qwen2", "qwen3", "smollm3"):  # a window only where it is switched on, from a layer on
            first = self.get("max_window_layers", 0) if self.get("use_sliding_window") else layers
            return ["sliding_attention" if layer >= first else "full_attention" for layer in range(layers)]
        return ["sliding_attention" if self.get("sliding_window") else "full_attention"] * layers

    def rope(self, layers: str = "full_attention") -> Rope:
        """What turns the layers of a type."""
        given = self.get("rope_parameters") or self.get("rope_scaling") or {}
        sliding = layers == "sliding_attention"
        if nested := given.get(layers):
            given = nested
        elif self.kind == "gemma3_text" and sliding:  # before the two had tables of their own
            given = {"rope_theta": self.get("rope_local_base_freq", THETA)}
        given = self._theta() | dict(given)
        kind = str(given.get("rope_type") or given.get("type") or "default")
        share = given.get("partial_rotary_factor") or self.get("partial_rotary_factor") or self.get("rotary_pct")
        share = share or (0.25 if self.kind == "gpt_neox" else 1.0)
        for key in ("original_max_position_embeddings", "max_position_embeddings"):
            if self.get(key):
                given.setdefault("original_max_position_embeddings", self[key])
        return Rope("longrope" if kind == "su" else kind, float(given["rope_theta"]), float(share), given)

    def _theta(self) -> dict[str, float]:
        found = self.get("rope_theta") or self.get("rotary_emb_base")
        default = _defaults(self.kind).get("default_theta", THETA)
        return {"rope_theta": found or (default["global"] if isinstance(default, dict) else default)}


@functools.cache
def _defaults(kind: str) -> dict[str, Any]:
    """What transformers takes for what a configuration of this kind leaves out; its source is read as text."""
    found = importlib.util.find_spec("transformers")
    assert found is not None and found.origin is not None
    stem = kind.removesuffix("_text")
    source = Path(found.origin).parent / "models" / stem / f"configuration_{stem}.py"
    if not kind.isidentifier() or not source.is_file():
        return {}
    for node in ast.parse(source.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef):
            values = dict(_literals(node))
            if values.get("model_type") == kind:
                return values
    return {}


def _literals(node: ast.ClassDef) -> list[tuple[str, Any]]:
    """The class attributes of a class whose values stand there as they are."""
    made = []
    for line in node.body:
        target = line.target if isinstance(line, ast.AnnAssign) else line.targets[0] if isinstance(line, ast.Assign) else None
        value = line.value if isinstance(line, ast.AnnAssign | ast.Assign) else None
        if isinstance(target, ast.Name) and value is not None:
            try:
                made.append((target.id, ast.literal_eval(value)))
            except ValueError:
                continue
    return made
