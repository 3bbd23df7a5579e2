import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.config import Config
from pete.data.batch import PAIRS, Batch, Sequencer, common_beginning, in_batches, pairs
from pete.data.render import Rendered
from pete.errors import ConfigError


def rows(lengths: list[int]) -> list[Rendered]:
    return [Rendered(np.full(n, i, dtype=np.int32), np.arange(n) > 0, n) for i, n in enumerate(lengths)]


def sequencer(lengths: list[int], packing: bool = False, max_length: int = 64, warmup: int = 0, **train: object) -> Sequencer:
    config = Config.model_validate(
        {"train": train, "data": {"packing": packing, "max_length": max_length}, "optim": {"warmup_steps": warmup}}
    )
    return Sequencer(rows(lengths), config)


def seen(batches: list[list[Batch]]) -> list[int]:
    out = []
    for batch in itertools.chain.from_iterable(batches):
        starts = np.cumsum([0, *batch.lengths])[:-1]
        out += [int(batch.ids[s]) for s in starts]
    return out


@given(st.lists(st.integers(2, 60), min_size=4, max_size=30), st.booleans(), st.integers(1, 3), st.integers(1, 3), st.integers(0, 9))
def test_an_epoch_sees_every_row_once(lengths, packing, micro, accumulation, seed):
    s = sequencer(lengths, packing, epochs=1, micro_batch=micro, accumulation=accumulation, seed=seed)
    batches = list(s.steps_from(0))
    assert len(batches) == s.steps and all(len(step) == accumulation for step in batches)
    counts = np.bincount(seen(batches), minlength=len(lengths))
    assert counts.min() >= 1, "steps are rounded up, so no row is dropped"
    for batch in itertools.chain.from_iterable(batches):
        assert sum(batch.lengths) == len(batch.ids) == len(batch.trained)


@given(st.lists(st.integers(2, 60), min_size=4, max_size=30), st.booleans(), st.integers(0, 12))
def test_going_on_sees_exactly_what_was_left(lengths, packing, first):
    s = sequencer(lengths, packing, steps=12, micro_batch=2, accumulation=1)
    whole, rest = list(s.steps_from(0)), list(s.steps_from(first))
    assert seen(whole)[len(seen(whole[:first])) :] == seen(rest)
    assert len(rest) == 12 - first


def test_packing_fills_rows_up_to_the_limit():
    s = sequencer([30, 30, 20, 10, 40, 24], packing=True, max_length=64, epochs=1, micro_batch=1, accumulation=1)
    sizes = [len(batch.ids) for step in s.steps_from(0) for batch in step]
    assert max(sizes) <= 64 and len(sizes) < 6


def test_epochs_differ_and_seeds_differ():
    s = sequencer(list(range(2, 40)), steps=4, micro_batch=19, accumulation=1)
    order = seen(list(s.steps_from(0)))
    assert sorted(order[:38]) == sorted(order[38:]) and order[:38] != order[38:]
    assert seen(list(sequencer(list(range(2, 40)), steps=4, micro_batch=19, accumulation=1, seed=1).steps_from(0))) != order


def test_passes_are_over_texts():
    config = Config.model_validate({"train": {"epochs": 2, "micro_batch": 2, "accumulation": 1}, "optim": {"warmup_steps": 0}})
    assert Sequencer(rows([5] * 20), config, texts=10).steps == 10 and Sequencer(rows([5] * 20), config).steps == 20


def test_warmup_longer_than_the_epochs_make():
    with pytest.raises(ConfigError, match="leaves nothing of the 2 steps"):
        sequencer([5] * 10, epochs=1, micro_batch=5, accumulation=1, warmup=2)


def test_scoring_batches_keep_order_and_lose_nothing():
    made = list(in_batches(rows([50, 60, 10, 200, 5]), tokens=100))
    assert [len(b.lengths) for b in made] == [1, 2, 1, 1]
    assert seen([made]) == [0, 1, 2, 3, 4]


def test_a_long_row_among_short_ones_bounds_the_rectangle_of_its_batch():
    """100 rows beside one of 500 tokens would be attended as 100 x 512 x 512: a gigabyte of scores for 2,500 tokens."""
    mixed = [20] * 40 + [500] + [20] * 59
    made = list(in_batches(rows(mixed)))
    assert seen([made]) == list(range(100)), "in order"
    assert max(pairs(batch.lengths) for batch in made) <= 2048 * PAIRS < pairs(mixed) / 20
    assert len(made) <= 4, "and the short ones still go together"
    assert [batch.lengths for batch in in_batches(rows([2000, 2000]))] == [(2000,), (2000,)], "a row alone is never refused"


@pytest.mark.parametrize("packing", [False, True])
@pytest.mark.parametrize("first", [0, 2])
def test_micro_batches_are_those_of_the_steps(packing, first):
    s = sequencer([5, 9, 30, 12, 7, 41, 8, 22, 6], packing, steps=5, micro_batch=2, accumulation=2)
    expected = [batch.lengths for step in s.steps_from(first) for batch in step]
    assert [tuple(map(len, part)) for part in s.micro_batches(first)] == expected and len(expected) == 2 * (5 - first)


def test_what_all_rows_begin_with():
    def batch(*texts: str) -> Batch:
        return Batch(np.array([ord(c) for c in "".join(texts)]), np.ones(sum(map(len, texts)), bool), tuple(map(len, texts)))

    assert batch("abcd", "abxd", "abc").shared == 2
    assert batch("abcd", "ab", "abcd").shared == 2, "a row may be nothing else"
    assert [common_beginning(rows) for rows in ([[], [1]], [[1, 2], [1, 3]], [[1, 2], [1, 2, 3]], [[1, 2, 3], [1]])] == [0, 1, 2, 1]
    assert batch("abcd", "abcd").shared == 4 and batch("abcd").shared == 0 and batch("ab", "ba").shared == 0
