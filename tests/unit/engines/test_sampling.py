import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.config import GenerateConfig
from pete.data.examples import phrase_pattern
from pete.engines.sampling import Avoid, _likeliest, draw


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


PIECES = ["Unlock", " unlock", "ing", "un", "lock", "ed", " a", " game", "-", "changer", " changer", "s", ".", " the", "re", " relock",
          " here", "\u2019s", " here's", " the kicker", "!\nUnlock",
          "delved", "返", "返品", "品", "を", "\u2019", "\u2018s"]  # fmt: skip


def completing(said: str | list[str], *phrases: str) -> set[str]:
    said = [said] if isinstance(said, str) else said
    return {PIECES[i] for i in Avoid(PIECES, phrases, 1.0).completing([PIECES.index(piece) for piece in said])}


@pytest.mark.parametrize(
    ("said", "phrases", "blocked"),
    [
        ([], ["unlock*"], {"Unlock", " unlock", "!\nUnlock"}),
        ([" the"], ["unlock*"], {" unlock", "!\nUnlock"}),  # "theUnlock" is another word
        (["un"], ["unlock*"], {" unlock", "!\nUnlock", "lock"}),
        (["re", "un"], ["unlock*"], {" unlock", "!\nUnlock"}),  # inside "reunlock" it is no word of its own
        ([" a", " game"], ["game changer", "game-changer"], {" changer"}),
        ([" game", "-"], ["game changer", "game-changer"], {"changer"}),
        ([" here", "\u2019s"], ["here's the kicker"], {" the kicker"}),
        ([" here's", " the"], ["here's the kicker"], set()),  # no token goes on from there
        ([" game"], ["a"], {" a"}),
        ([], ["delv*"], {"delved"}),
        (["を"], ["返品"], {"返品"}),  # no space stands between words there
        (["を", "返"], ["返品"], {"返品", "品"}),
        ([" here"], ["here\u2019s"], {"\u2019s", "\u2018s", " here's"}),
        ([], ["delve"], set()),
        ([], ["un"], {"un"}),
        ([], [], set()),
        ([], ["", "*"], set()),
    ],
)
def test_avoid_finds_what_would_complete_a_phrase_in_any_cut(said, phrases, blocked):
    assert completing(said, *phrases) == blocked


words = st.lists(st.sampled_from(range(len(PIECES))), max_size=12)


@given(words, st.integers(0, 2**32 - 1))
def test_a_forbidden_phrase_is_never_drawn_and_other_draws_do_not_change(said, seed):
    phrases = ["unlock*", "game-changer", "game changer", "here's the kicker", "返品", "品を返*"]
    avoid, pattern = Avoid(PIECES, phrases, math.inf), phrase_pattern(phrases)
    assert pattern is not None
    rng = np.random.default_rng(seed)
    logits, made = rng.normal(size=len(PIECES)).astype(np.float32), []
    before = logits.copy()
    for _ in range(20):
        state = rng.bit_generator.state
        token = draw(logits, made, settings(), rng, avoid)
        if not len(avoid.completing(made)):
            rng.bit_generator.state = state
            assert draw(logits, made, settings(), rng) == token
        made.append(token)
    assert not pattern.search("".join(PIECES[i] for i in made))
    np.testing.assert_array_equal(logits, before)


def test_a_finite_bias_is_that_many_nats():
    avoid = Avoid(PIECES, ["game-changer"], 2.0)
    made = [PIECES.index(" game"), PIECES.index("-")]
    logits = np.zeros(len(PIECES), dtype=np.float32)
    logits[PIECES.index("changer")] = 4.0
    rng = np.random.default_rng(0)
    share = np.mean([PIECES[draw(logits, made, settings(), rng, avoid)] == "changer" for _ in range(5000)])
    assert share == pytest.approx(np.exp(2) / (np.exp(2) + len(PIECES) - 1), abs=0.03)
