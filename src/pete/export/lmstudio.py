"""--to lmstudio: the GGUF where LM Studio looks for models, as a second name for the same file or as a copy."""

import os
import shutil
from pathlib import Path

from pete.export.gguf import file_name, file_room, make_gguf
from pete.export.workshop import Exporter, Made, Workshop, link_or_copy
from pete.places import known_home

PUBLISHER = "pete"
"""LM Studio shows models as publisher/model."""


class LMStudio(Exporter):
    """See the module."""

    quantizes = True

    def room(self, shop: Workshop) -> int:
        """The file."""
        return file_room(shop.parameters, shop.kind)

    def target(self, shop: Workshop) -> Path:
        """publisher/model, in LM Studio's own folder where there is one and no other was asked for."""
        home = known_home()
        theirs = home / ".lmstudio" / "models" if home else None
        root = theirs if theirs is not None and theirs.is_dir() and not shop.out_is_asked_for else shop.out / "lmstudio"
        return root / PUBLISHER / f"{shop.source.name}-{shop.kind}"

    def make(self, shop: Workshop) -> Made:
        """The folder; its file is proven with llama.cpp, which is inside LM Studio."""
        made = make_gguf(shop)
        folder = shop.scratch / "lmstudio"
        folder.mkdir()
        link_or_copy(made.path, folder / file_name(shop))
        return Made(folder, made.proof.model_copy(update={"form": "lmstudio"}))

    def place(self, made: Made, target: Path) -> tuple[str, ...]:
        """Put it there, whole or not at all; LM Studio's folder may be on another disk."""
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        try:
            aside.mkdir()
            for path in made.path.iterdir():
                link_or_copy(path, aside / path.name)
            os.replace(aside, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        if target.parents[2].name != ".lmstudio":
            return ("LM Studio finds it in ~/.lmstudio/models: copy the folder pete/ there.",)
        return ()
