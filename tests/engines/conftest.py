"""Every engine that the conformance suite runs on, behind one factory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pete.config import Config, ModelConfig
from pete.engines import open_trainer
from pete.engines.protocol import Trainer
from tests.engines import DEVICE

ENGINES = ("fake", "torch-llama", "torch-gpt_neox")


@pytest.fixture(params=ENGINES)
def make(request: pytest.FixtureRequest, tiny_models: dict[str, Path]) -> Callable[..., tuple[Trainer, ModelConfig]]:
    """make(adapter=None, **sections) -> a loaded engine and its model configuration."""
    engine_name, _, shape = request.param.partition("-")

    def build(adapter: Path | None = None, **sections: dict) -> tuple[Trainer, ModelConfig]:
        model = ModelConfig(base=str(tiny_models[shape]) if shape else "fake", dtype="float32")
        config = Config.model_validate({"model": model.model_dump(), "engine": {"name": engine_name, "device": DEVICE}, **sections})
        engine = open_trainer(config)
        engine.load(model, adapter)
        return engine, model

    return build
