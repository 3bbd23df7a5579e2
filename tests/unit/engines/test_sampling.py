import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.config import GenerateConfig
from pete.engines.sampling import _likeliest, draw


def settings(**values) -> GenerateConfig:
    return GenerateConfig.model_validate({"temperature": 1.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0} | values)


def test_draws_follow_the_distribution():
    logits, rng = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32)), np.random.default_rng(0)
    counts = np.bincount([draw(logits, [], settings(), rng) for _ in range(20_000)], minlength=4) / 20_000
    np.testing.assert_allclose(counts, [0.5, 0.3, 0.15, 0.05], atol=0.01)


def test_temperature_sharpens_and_zero_takes_the_likeliest():
    logits, rng = np.array([1.0, 2.0, 0.0], dtype=np.float32), np.random.default_rng(0)
    assert {draw(logits, [], settings(temperature=0), rng) for _ in range(50)} == {1}
    cold = np.mean([draw(logits, [], settings(temperature=0.3), rng) == 1 for _ in range(2000)])
    assert cold == pytest.approx(1 / (1 + np.exp(-1 / 0.3) + np.exp(-2 / 0.3)), abs=0.02)


@given(st.integers(1, 10), st.integers(0, 2**32 - 1))
def test_top_k_never_leaves_the_k_likeliest(k, seed):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=50).astype(np.float32)
    best = set(np.argsort(-logits)[:k].tolist())
    assert {draw(logits, [], settings(top_k=k), rng) for _ in range(30)} <= best


@given(st.integers(0, 60), st.integers(1, 5000), st.integers(0, 2**32 - 1), st.booleans())
def test_the_likeliest_are_those_of_a_full_sort(count, size, seed, coarse):
    logits = np.random.default_rng(seed).normal(size=size).astype(np.float32)
    if coarse:  # as bfloat16 makes them: many are equal
        logits = np.round(logits)
    logits[:: max(1, size // 7)] = -np.inf
    expected = np.lexsort((np.arange(size), -logits))[: count or None]
    np.testing.assert_array_equal(_likeliest(logits, count), expected)


def test_top_p_keeps_the_smallest_set_that_reaches_p():
    logits, rng = np.log(np.array([0.5, 0.3, 0.15, 0.05], dtype=np.float32)), np.random.default_rng(0)
    assert {draw(logits, [], settings(top_p=0.79), rng) for _ in range(300)} == {0, 1}
    assert {draw(logits, [], settings(top_p=0.4), rng) for _ in range(300)} == {0}


def test_repetition_penalty_lowers_what_was_seen_whatever_its_sign():
    rng = np.random.default_rng(0)
    assert draw(np.array([2.0, 1.9], dtype=np.float32), [0], settings(temperature=0, repetition_penalty=1.2), rng) == 1
    assert draw(np.array([-1.9, -2.0], dtype=np.float32), [0, 0], settings(temperature=0, repetition_penalty=1.2), rng) == 1
    logits = np.array([2.0, 1.9], dtype=np.float32)
    draw(logits, [0], settings(repetition_penalty=1.2), rng)
    assert logits.tolist() == [2.0, np.float32(1.9)], "the caller's logits are not touched"
