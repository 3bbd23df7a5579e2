"""What computes. Only ints, numpy arrays and paths cross this border; tensors never do."""

import importlib
import os

from pete.config import Config, EngineConfig
from pete.engines.protocol import Engine
from pete.engines.torch.policy import environment
from pete.errors import UserError

_ENGINES = {
    "torch": ("pete.engines.torch.engine", "TorchEngine"),
    "fake": ("pete.engines.fake", "FakeEngine"),
}


def set_environment(engine: EngineConfig) -> None:
    """Put into the environment what torch reads once, when it is imported; so before whatever may import it (converting a base does)."""
    os.environ.pop("PYTORCH_MPS_LOW_WATERMARK_RATIO", None)  # one from outside could lie above our high one
    os.environ.update(environment(engine))


def open_engine(config: Config) -> Engine:
    """Import and make the engine a configuration names; nothing is loaded yet.

    Raises:
        UserError: its packages are not installed, with the command that installs them.
    """
    module, name = _ENGINES[config.engine.name]
    set_environment(config.engine)
    try:
        return getattr(importlib.import_module(module), name)(config)
    except ModuleNotFoundError as error:
        raise UserError(
            f"The {config.engine.name} engine needs the package {error.name!r}, which is not installed.",
            "start through ./pete, which installs what is missing",
        ) from None
