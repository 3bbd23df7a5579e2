"""Opening engines by name, with one that nobody ships: it answers and does not train."""

import os
import sys
import types

import numpy as np
import pytest

from pete import config as configuration
from pete.config import Config
from pete.engines import check_device, environment, open_generator, open_trainer, set_environment
from pete.engines.protocol import Generator, LossSum, MemoryUse
from pete.errors import ConfigError, UserError


class Echo(Generator):
    """Repeats the prompt's end."""

    name = "echo"

    def __init__(self, config: Config) -> None:
        pass

    def load(self, model, adapter=None):
        pass

    def loss(self, batch):
        return LossSum((1.0,) * len(batch.lengths), (1,) * len(batch.lengths))

    def logits(self, ids):
        return np.eye(257, dtype=np.float32)[ids[-1]]

    def stream(self, prompts, sampling, ends, done=None):
        for row, prompt in enumerate(prompts):
            yield from ((row, token) for token in prompt[-2:])

    def memory(self):
        return MemoryUse(1, 1, 1)


@pytest.fixture
def echo(monkeypatch) -> types.ModuleType:
    """The engine in its place: a module named after it, and the line in ENGINES."""
    module = types.ModuleType("pete.engines.echo")
    module.EchoEngine = Echo  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pete.engines.echo", module)
    monkeypatch.setitem(configuration.ENGINES, "echo", "pete.engines.echo:EchoEngine")
    return module


def chosen(name: str, answers: str = "auto") -> Config:
    config = Config.model_validate({"engine": {"name": "fake"}})
    engine = config.engine.model_copy(update={"name": name})
    return config.model_copy(update={"engine": engine, "generate": config.generate.model_copy(update={"engine": answers})})


def test_what_trains_and_what_answers_may_be_two(echo):
    config = chosen("fake", "echo")
    assert (open_trainer(config).name, open_generator(config).name) == ("fake", "echo")
    assert open_generator(chosen("fake")).name == "fake", "auto is the one that trained"
    answers = open_generator(config)
    assert (answers.device, answers.dtype, answers.adapter_active, set(answers.versions())) == ("cpu", "float32", True, {"numpy"})
    assert list(answers.stream([[1, 2, 3]], config.generate, ())) == [(0, 2), (0, 3)]


def test_an_engine_that_only_answers_does_not_train(echo):
    with pytest.raises(ConfigError, match=r"engine\.name = 'echo': it generates and does not train"):
        open_trainer(chosen("echo"))


def test_an_engine_says_what_it_wants_in_the_environment_and_nobody_else_does(echo, monkeypatch):
    for name in ("ECHO_LEVEL", "ECHO_OLD"):
        monkeypatch.setenv(name, "from outside")
    set_environment(chosen("echo"))
    assert environment(chosen("echo")) == {} and os.environ["ECHO_LEVEL"] == "from outside"
    echo.environment = lambda engine: {"ECHO_LEVEL": "3", "ECHO_OLD": ""}  # type: ignore[attr-defined]
    set_environment(chosen("echo"))
    assert os.environ["ECHO_LEVEL"] == "3" and "ECHO_OLD" not in os.environ
    assert environment(chosen("fake")) == {} and "PYTORCH_ENABLE_MPS_FALLBACK" in environment(chosen("torch"))


def test_an_engine_without_a_self_test_has_nothing_to_say(echo):
    assert check_device(chosen("echo"), {}) is None
    echo.check_device = lambda config, facts, *, again, before_run: (again, before_run)  # type: ignore[attr-defined]
    assert check_device(chosen("echo"), {}, again=True) == (True, False)


def test_a_missing_package_is_a_sentence(echo, monkeypatch):
    monkeypatch.setitem(configuration.ENGINES, "echo", "pete.engines.gone:GoneEngine")
    with pytest.raises(UserError, match=r"The echo engine needs the package 'pete\.engines\.gone', which is not installed"):
        open_generator(chosen("echo"))


def test_an_engine_that_lacks_a_verb_cannot_be_made():
    class Half(Echo):
        memory = Generator.memory

    with pytest.raises(TypeError, match="memory"):
        Half(Config())
