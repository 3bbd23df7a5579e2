"""pete install: packages that only some want. ./pete installs them before Python starts; see scripts/bootstrap.sh."""

from typing import Annotated

import typer

from pete.cli.console import console
from pete.errors import UserError

EXTRAS = {
    "bench": "TRL, which pete bench holds ours against: docs/performance.md",
    "mlx": "mlx-lm, which reads an export for MLX back: docs/export.md",
    "serve": "FastAPI and uvicorn, for pete serve: docs/serve.md",
    "wandb": "Weights & Biases, for tracking.wandb: docs/tracking.md",
}
MODULES = {"bench": "datasets", "mlx": "mlx_lm", "serve": "fastapi"}
"""Extra -> the module that shows whether it is installed, where it is not the extra's own name."""


def install(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="what to install; nothing lists what there is")] = None,
) -> None:
    """Install an optional package into .venv, once; later starts keep it up to date. Without a name: what there is."""
    import difflib
    import importlib.util

    def installed(extra: str) -> bool:
        found = importlib.util.find_spec(MODULES.get(extra, extra))
        return found is not None and found.origin is not None

    if name is None:
        for extra, purpose in EXTRAS.items():
            console().print(f"{extra:10} {'installed' if installed(extra) else '-':10} {purpose}", soft_wrap=True)
        return
    if name not in EXTRAS:
        close = difflib.get_close_matches(name.lower(), EXTRAS, 1)
        raise UserError(
            f"There is nothing called {name!r} to install." + (f" Did you mean {close[0]!r}?" if close else ""),
            "pete install lists what there is",
        )
    if not installed(name):
        raise UserError(f"{name} is not installed, and only ./pete can install it.", f"start it from the checkout: ./pete install {name}")
    console().print(f"{name} is installed.")
