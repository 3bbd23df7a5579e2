"""Every engine that the conformance suite runs on, behind one factory."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pete.config import Config, ModelConfig
from pete.engines import open_generator, open_trainer
from pete.engines.protocol import Generator, Trainer
from tests.engines import DEVICE

TRAINERS = ("fake", "torch-llama", "torch-gpt_neox")
GENERATORS = (*TRAINERS, "llama-llama", "llama-gpt_neox")
"""Engine, and the shape of the model it loads."""


@pytest.fixture(params=GENERATORS)
def answering(request: pytest.FixtureRequest, tiny_models: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Generator:
    """Each engine that answers, with a base loaded; llama.cpp computes in float32 here, as the others do."""
    monkeypatch.setenv("PETE_CACHE", str(tmp_path))
    engine_name, _, shape = request.param.partition("-")
    model = ModelConfig(base=str(tiny_models[shape]) if shape else "fake", dtype="float32")
    device = DEVICE if engine_name == "torch" else "cpu"
    sections = {"engine": {"device": device, "llama": {"kind": "f32"}}, "generate": {"engine": engine_name}}
    engine = open_generator(Config.model_validate({"model": model.model_dump(), **sections}))
    engine.load(model)
    return engine


@pytest.fixture(params=TRAINERS)
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
