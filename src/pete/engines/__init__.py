"""Engines, opened by name. Only ints, numpy arrays and paths cross this border; tensors never do.

An engine is one module or package here, named as in `pete.config.ENGINES`. Its packages are imported when it is opened. At the
top of its module or package it may define `environment(EngineConfig)`, what has to be in the environment before that,
`check_device(...)`, a self-test, and where it trains on several devices `check_devices(Config)` and `on_devices(Config)`.
"""

import importlib
import os
import pkgutil
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from pete.config import ENGINES, Config
from pete.engines.protocol import Generator, Trainer
from pete.errors import ConfigError, UserError
from pete.machine.device_check import DeviceCheck


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


def check_devices(config: Config) -> None:
    """See, before anything is loaded, that the engine trains on `train.devices` devices and that they are here.

    Raises:
        ConfigError: it trains on one, or there are fewer.
    """
    if config.train.devices > 1:
        _several(config, "check_devices")(config)


def on_devices(config: Config) -> AbstractContextManager[Trainer]:
    """The engine that trains, on all of `train.devices`, as a block: what else computes ends with it.

    Raises:
        ConfigError, UserError: as `check_devices` and `open_trainer` do.
    """
    return nullcontext(open_trainer(config)) if config.train.devices == 1 else _several(config, "on_devices")(config)


def serve_leader() -> None:
    """Compute, as one of the processes that torchrun started, what rank 0 says, until that one ends."""
    with _packages_of("torch"):
        from pete.engines.torch.parallel import serve

        serve()


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


def check_device(
    config: Config, facts: Mapping[str, str | int | float], *, again: bool = False, before_run: bool = False
) -> DeviceCheck | None:
    """What the self-test of the engine that trains finds on the device it will use; None where it has none, or none is needed.

    Args:
        config: decides engine and device.
        facts: of `check_machine`: versions, build and chip, for which an answer is kept.
        again: test even though an answer is kept.
        before_run: only if a run should not begin without it.
    """
    check = getattr(importlib.import_module(f"pete.engines.{config.engine.name}"), "check_device", None)
    return check(config, facts, again=again, before_run=before_run) if check else None


def _open(name: str, config: Config) -> Any:
    set_environment(config, name)
    with _packages_of(name):
        return pkgutil.resolve_name(ENGINES[name])(config)


def _several(config: Config, verb: str) -> Any:
    """What the engine has for several devices, by name."""
    name = config.engine.name
    set_environment(config, name)
    if (found := getattr(importlib.import_module(f"pete.engines.{name}"), verb, None)) is None:
        raise ConfigError(
            f"train.devices = {config.train.devices}: the {name} engine does not train on several.",
            "--devices 1; or --set engine.name=torch, which does",
        )
    return found


@contextmanager
def _packages_of(name: str) -> Iterator[None]:
    """Say it in a sentence where a package of this engine is missing."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(
            f"The {name} engine needs the package {error.name!r}, which is not installed.",
            "start through ./pete, which installs what is missing",
        ) from None
