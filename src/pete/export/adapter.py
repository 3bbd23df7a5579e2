"""--to adapter: the adapter's folder in PEFT's format as one zip, the same bytes every time, without a path of this machine in it."""

import json
import os
import zipfile
from pathlib import Path
from typing import Any

from pete.adapter import LINEAGE, SETTINGS, WEIGHTS
from pete.data.tokenizer import TOKENIZER
from pete.engines import open_trainer
from pete.engines.protocol import Generator
from pete.export.proof import Reader
from pete.export.source import SPOKEN, Source, require_adapter
from pete.export.workshop import Exporter, Made, Workshop
from pete.listener import LISTENER
from pete.places import hub_id_of

PACKED = (SETTINGS, WEIGHTS, *SPOKEN, LINEAGE)
"""What goes in: everything that is read again, and nothing of how it was trained on (optimizer, random states)."""
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The moment zip files begin with: the time of packing is no part of what is packed."""


class Adapter(Exporter):
    """See the module."""

    def room(self, shop: Workshop) -> int:
        """The zip, and what is taken out of it again to be proven."""
        return 2 * sum(path.stat().st_size for path in require_adapter(shop.source).iterdir() if path.name in PACKED)

    def target(self, shop: Workshop) -> Path:
        """One file."""
        return shop.out / f"{shop.source.name}-adapter.zip"

    def make(self, shop: Workshop) -> Made:
        """The zip; what is taken out of it again is loaded with peft."""
        folder = require_adapter(shop.source)
        packed = shop.scratch / "adapter.zip"
        pack(folder, packed)
        again = shop.scratch / "adapter"
        with zipfile.ZipFile(packed) as file:
            file.extractall(again)
        shop.reference  # noqa: B018 - out of memory again before the next model comes
        LISTENER.get().message("loading the packed adapter again ...")
        proof = shop.prove(open_adapter(shop.source, again, shop.in_float32), "adapter", "f32", [packed])
        named = self.target(shop).name
        return Made(packed, proof.model_copy(update={"sha256": {named: proof.sha256[packed.name]}}))


def pack(folder: Path, file: Path) -> None:
    """Write the zip: files by name, no times, no owners, not compressed (weights do not shrink)."""
    with zipfile.ZipFile(file, "w") as out:
        for name in PACKED:
            path = folder / name
            if path.is_file():
                content = path.read_bytes() if name != SETTINGS else portable_settings(path)
                entry = zipfile.ZipInfo(name, LONG_AGO)
                entry.external_attr = 0o644 << 16
                entry.create_system = 3
                out.writestr(entry, content)


def portable_settings(path: Path) -> bytes:
    """adapter_config.json with the base's name in place of a folder of this machine."""
    settings: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    base = str(settings.get("base_model_name_or_path") or "")
    if snapshot := hub_id_of(base):
        settings["base_model_name_or_path"] = snapshot[0]
    elif os.path.isabs(base) or base.startswith((".", "~")):
        settings["base_model_name_or_path"] = Path(base).name
    return (json.dumps(settings, indent=2, sort_keys=True) + "\n").encode()


class EngineReader:
    """The engine that trained, where nothing else knows the base."""

    def __init__(self, engine: Generator) -> None:
        self.name, self.engine = f"Pete's {engine.name} engine", engine

    def prompt_ids(self, messages: object) -> None:
        """Pete's own."""

    def ends(self) -> None:
        """Pete's own."""


def open_adapter(source: Source, folder: Path, in_float32: bool) -> Reader:
    """An adapter's folder on its base, by peft; a base that only Pete knows, by its engine."""
    if source.base.made_here or not (folder / TOKENIZER).is_file():
        engine = open_trainer(source.config)
        engine.load(source.config.model, folder)
        return EngineReader(engine)
    from pete.engines.torch.plain import PlainTransformers

    return PlainTransformers(source.base.folder, folder, "float32" if in_float32 else "bfloat16")
