"""--to mlx: the merged folder as mlx-lm loads it, on a Mac with `mlx_lm.generate --model FOLDER`."""

import shutil
from pathlib import Path

from pete.data.tokenizer import TEMPLATE, TOKENIZER
from pete.errors import UserError
from pete.export.card import model_card
from pete.export.merged import kind_of, make_merged
from pete.export.weights import size_of
from pete.export.workshop import Exporter, Made, Workshop, link_or_copy
from pete.listener import LISTENER


class Mlx(Exporter):
    """See the module. Names and settings are those of the merged folder; mlx-lm turns them into its own when it loads."""

    def room(self, shop: Workshop) -> int:
        """As much as the base."""
        return size_of(shop.weights)

    def target(self, shop: Workshop) -> Path:
        """A folder."""
        return shop.out / "mlx"

    def make(self, shop: Workshop) -> Made:
        """The folder, loaded again with mlx-lm."""
        require_mlx()
        from pete.engines.mlx.reader import MlxReader

        merged = make_merged(shop)
        folder = shop.scratch / "mlx"
        folder.mkdir()
        for path in merged.path.iterdir():
            if path.suffix == ".safetensors":
                link_or_copy(path, folder / path.name)
            else:
                shutil.copyfile(path, folder / path.name)
        LISTENER.get().message("loading the folder with mlx-lm ...")
        files = [*sorted(folder.glob("*.safetensors")), folder / TOKENIZER, folder / TEMPLATE, folder / "config.json"]
        proof = shop.prove(MlxReader(folder), "mlx", kind_of(shop), files)
        (folder / "README.md").write_text(model_card(shop.source, proof), encoding="utf-8")
        return Made(folder, proof, (f"on a Mac: mlx_lm.generate --model {self.target(shop)} --prompt TEXT",))


def require_mlx() -> None:
    """Raises UserError where mlx-lm is not here, which has to read the folder back."""
    import importlib.util

    if importlib.util.find_spec("mlx_lm") is None:
        raise UserError("mlx-lm is not installed, and no folder for it leaves unread.", "./pete install mlx; or --to merged")
