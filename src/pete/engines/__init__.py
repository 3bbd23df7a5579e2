"""Engines, opened by name. Only ints, numpy arrays and paths cross this border; tensors never do.

An engine is one module or package here, named as in `pete.config.ENGINES`. Its packages are imported when it is opened. What has to
be in the environment before that, a function `environment(EngineConfig)` at the top of its module or package says, where it has one.
"""

import importlib
import os
from typing import Any

from pete.config import ENGINES, Config
from pete.engines.protocol import Generator, Trainer
from pete.errors import ConfigError, UserError


def open_trainer(config: Config) -> Trainer:
    """Import and make the engine that trains; nothing is loaded yet.

    Raises:
        ConfigError: that engine only generates.
        UserError: its packages are not installed, with the command that installs them.
    """
    engine = _open(config.engine.name, config)
    if not hasattr(engine, "train_step"):
        raise ConfigError(f"engine.name = {engine.name!r}: it generates and does not train.", "--set engine.name=torch trains")
    return engine


def open_generator(config: Config) -> Generator:
    """Import and make the engine that generates: `generate.engine`, or the one that trains.

    Raises:
        UserError: its packages are not installed, with the command that installs them.
    """
    return _open(generating_engine(config), config)


def generating_engine(config: Config) -> str:
    """The name of the engine that generates."""
    return config.engine.name if config.generate.engine == "auto" else config.generate.engine


def environment(config: Config, engine: str = "") -> dict[str, str]:
    """The variables an engine (the one that trains unless named) wants in the environment before its packages are imported."""
    wanted = getattr(importlib.import_module(f"pete.engines.{engine or config.engine.name}"), "environment", None)
    return wanted(config.engine) if wanted else {}


def set_environment(config: Config, engine: str = "") -> None:
    """Put these variables into the environment; before anything that may import the engine's packages. An empty one is taken out."""
    for name, value in environment(config, engine).items():
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def _open(name: str, config: Config) -> Any:
    module, _, kind = ENGINES[name].partition(":")
    set_environment(config, name)
    try:
        return getattr(importlib.import_module(module), kind)(config)
    except ModuleNotFoundError as error:
        raise UserError(
            f"The {name} engine needs the package {error.name!r}, which is not installed.",
            "start through ./pete, which installs what is missing",
        ) from None
