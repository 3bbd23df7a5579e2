"""Which engine answers: the fast one where it is proven, else the exact one with its reason, and never another model in silence."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from pete.config import Config, LoraConfig, ModelConfig
from pete.engines.fake import FakeEngine
from pete.engines.llama.draft import DraftError
from pete.engines.reference import FILE, Gap, Reference
from pete.errors import BaseModelError, WorkError
from pete.generate import answering
from pete.listener import LISTENER, NoListener

ROWS = [[65, 66], [70, 71, 72]]


class Fast(FakeEngine):
    """A second engine on the same table, a little off."""

    name, dtype = "llama", "q8_0"
    off = 0.01

    def load(self, model: ModelConfig, adapter: Path | None = None) -> None:
        super().load(model, adapter)
        self._table = self._table + np.random.default_rng(1).normal(0, self.off, self._table.shape).astype(np.float32)


def gap_here(config: Config, adapter: Path) -> Gap:
    engine, reference = Fast(config), Reference.read(adapter)
    engine.load(config.model, adapter)
    assert config.generate.engine == "llama" and reference is not None
    return reference.gap(engine)


class Said(NoListener):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def said() -> Iterator[list[str]]:
    listener = Said()
    token = LISTENER.set(listener)
    yield listener.lines
    LISTENER.reset(token)


@pytest.fixture
def adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An adapter with its reference, and engines that count how often they are opened."""
    monkeypatch.setenv("PETE_CACHE", str(tmp_path / "cache"))
    engine = FakeEngine(Config())
    engine.load(Config().model)
    engine.add_lora(LoraConfig(rank=2, targets=("bigram",)))
    engine._weights[1][:] = np.random.default_rng(0).normal(0, 1, engine._weights[1].shape)
    engine.save(tmp_path / "adapter", with_optimizer=False)
    Reference.of(engine, ROWS).write(tmp_path / "adapter")
    monkeypatch.setattr(answering, "open_generator", lambda config: (Fast if config.generate.engine == "llama" else FakeEngine)(config))
    monkeypatch.setattr(answering, "open_trainer", FakeEngine)
    monkeypatch.setattr(answering, "gap_of", gap_here)
    monkeypatch.setattr(answering, "make_files", lambda config, adapter: None)
    return tmp_path / "adapter"


def asked(engine: str = "auto", trains: str = "torch") -> Config:
    return Config.model_validate({"generate": {"engine": engine}, "engine": {"name": trains}})


def test_the_fast_engine_answers_where_it_computes_the_same(adapter: Path, said: list[str]) -> None:
    engine = answering.load_answering(asked(), adapter, lambda: ROWS)
    assert engine.name == "llama" and engine.adapter_active and said == []


def test_once_proven_it_is_not_held_against_anything_again(adapter: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering.load_answering(asked(), adapter, lambda: ROWS)
    monkeypatch.setattr(answering, "gap_of", None)
    assert answering.load_answering(asked(), adapter, lambda: ROWS).name == "llama"
    (adapter / "adapter_config.json").write_bytes((adapter / "adapter_config.json").read_bytes() + b" ")
    with pytest.raises(TypeError):
        answering.load_answering(asked(), adapter, lambda: ROWS)


def test_another_model_is_refused_when_named_and_passed_over_when_not(adapter: Path, said: list[str], monkeypatch) -> None:
    monkeypatch.setattr(Fast, "off", 2.0)
    assert answering.load_answering(asked(), adapter, lambda: ROWS).name == "fake"
    assert len(said) == 1 and said[0].startswith("torch answers, which is slower: llama.cpp computes another model than was trained")
    with pytest.raises(WorkError, match=r"differs by up to .* nats") as found:
        answering.load_answering(asked("llama"), adapter, lambda: ROWS)
    assert "generate.engine=torch" in found.value.hint


def test_a_base_without_a_map_is_answered_by_the_engine_that_trained(adapter: Path, said: list[str], monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise BaseModelError("gpt2 has no map to GGUF.", "export merged")

    monkeypatch.setattr(Fast, "load", refuse)
    assert answering.load_answering(asked(), adapter, lambda: ROWS).name == "fake"
    assert said == ["torch answers, which is slower: gpt2 has no map to GGUF."]


def test_a_draft_with_other_tokens_is_an_error_and_no_reason_to_answer_slowly(adapter: Path, said: list[str], monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise DraftError("small cannot guess for large")

    monkeypatch.setattr(answering, "make_files", refuse)
    with pytest.raises(DraftError):
        answering.load_answering(asked(), adapter, lambda: ROWS)
    assert said == []


def test_an_adapter_without_a_reference_gets_one_from_the_engine_that_trained(adapter: Path) -> None:
    (adapter / FILE).unlink()
    assert answering.load_answering(asked(), adapter, lambda: ROWS).name == "llama"
    reference = Reference.read(adapter)
    assert reference is not None and reference.rows == ROWS and not np.array_equal(reference.tuned, reference.base)


@pytest.mark.parametrize("config", [asked("torch"), asked(trains="fake"), asked("fake")])
def test_who_names_another_engine_gets_that(adapter: Path, config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Fast, "load", None)
    assert answering.load_answering(config, adapter, lambda: ROWS).name == "fake"
