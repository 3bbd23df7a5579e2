"""The reference that another engine is held against: kept, read, and near only to the model it was measured on."""

from pathlib import Path

import numpy as np
import pytest

from pete.config import Config, LoraConfig
from pete.engines.fake import FakeEngine
from pete.engines.reference import FILE, LONGEST, NEAR, ROWS, Reference, divergence

ROW = [65, 66, 67]


def tuned(change: float = 1.0) -> FakeEngine:
    """A fake engine whose adapter changes its logits by about so much."""
    engine = FakeEngine(Config())
    engine.load(Config().model)
    engine.add_lora(LoraConfig(rank=2, targets=("bigram",)))
    engine._weights[1][:] = np.random.default_rng(0).normal(0, change, engine._weights[1].shape)
    engine._weights[0][:] = 1.0
    return engine


def test_it_is_kept_and_read_as_it_was(tmp_path: Path) -> None:
    engine = tuned()
    reference = Reference.of(engine, [ROW, np.arange(300) % 250])
    assert engine.adapter_active and len(reference.rows[1]) == LONGEST
    reference.write(tmp_path)
    again = Reference.read(tmp_path)
    assert again is not None and again.rows == reference.rows
    assert np.array_equal(again.tuned, reference.tuned) and np.array_equal(again.base, reference.base)
    assert not np.array_equal(again.tuned, again.base)
    assert len(Reference.of(engine, [ROW] * 50).rows) == ROWS


@pytest.mark.parametrize("content", [None, b"", b"torn"])
def test_none_or_a_damaged_one_is_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    assert Reference.read(tmp_path) is None


def test_the_same_model_is_near_and_another_is_not() -> None:
    reference = Reference.of(tuned(), [ROW, [70]])
    same = reference.gap(tuned())
    assert same.largest == 0 and same.agreement == 1 and same.change > 0 and same.near
    near = tuned()
    near._table += np.random.default_rng(1).normal(0, 0.01, near._table.shape).astype(np.float32)
    assert 0 < reference.gap(near).largest < NEAR and reference.gap(near).near
    assert not reference.gap(tuned(0.1)).near, "another adapter"
    weak = Reference.of(tuned(0.01), [ROW, [70]])
    forgotten = weak.gap(tuned(0.0))
    assert forgotten.largest < NEAR and not forgotten.near, "an adapter that does little, left out"
    other = tuned()
    other._table = other._table[::-1].copy()
    assert not reference.gap(other).near, "another base"
    broken = tuned()
    broken._table[:] = np.nan
    assert not reference.gap(broken).near


def test_one_that_was_made_of_more_rows_counts_whole() -> None:
    engine = tuned()
    one = Reference.of(engine, [ROW] * ROWS)
    many = Reference([*one.rows] * 3, np.tile(one.tuned, (3, 1)), np.tile(one.base, (3, 1)))
    assert many.gap(engine).near, "an adapter of a Pete that took more"


def test_an_engine_with_too_few_words_is_far(monkeypatch: pytest.MonkeyPatch) -> None:
    reference, engine = Reference.of(tuned(), [ROW]), tuned()
    whole = engine.logits
    monkeypatch.setattr(engine, "logits", lambda ids: whole(ids)[:-5])
    assert not reference.gap(engine).near
    monkeypatch.setattr(engine, "logits", lambda ids: np.append(whole(ids), [0.0, 0.0]))
    assert reference.gap(engine).near, "words beyond the vocabulary are padding"


def test_divergence_is_kullbacks() -> None:
    true, other = np.log(np.array([[0.5, 0.25, 0.25]])), np.log(np.array([[0.25, 0.5, 0.25]]))
    assert divergence(true, other + 3) == pytest.approx(0.25 * np.log(2))
