"""The floor's products: which, over what memory, and for how long."""

import itertools

import numpy as np
import pytest
import torch

from pete.data.batch import Batch
from pete.engines.bench import floors
from pete.engines.bench.floors import DRAWN, Numbers, Product, Shape, products_of, sustained


class Clock:
    def __init__(self, *seconds: float) -> None:
        self.now, self._seconds = 0.0, list(seconds)

    def perf_counter(self) -> float:
        return self.now

    def work(self) -> None:
        self.now += self._seconds.pop(0)


def test_it_is_the_mean_of_as_many_as_the_time_takes_and_not_the_best(monkeypatch: pytest.MonkeyPatch):
    clock = Clock(0.5, 1.0, 1.4, 2.0, 2.5)
    monkeypatch.setattr(floors, "time", clock)
    assert sustained(clock.work, 2.9, lambda: None) == pytest.approx(2.9 / 3), (
        "a clock that falls: the first half second is no speed that lasts"
    )


def test_one_that_takes_longer_is_taken_once(monkeypatch: pytest.MonkeyPatch):
    clock, waits = Clock(16.0), []
    monkeypatch.setattr(floors, "time", clock)
    assert sustained(clock.work, 3.0, lambda: waits.append(clock.now)) == 16.0
    assert waits == [0.0, 16.0], "the device is waited for before and behind"


def test_a_steps_products_are_all_of_the_body_and_the_head_where_a_token_is_trained():
    shape = Shape({(4, 4): 2, (4, 8): 1}, (4, 50), 1, 0)  # type: ignore[arg-type]
    micro = [Batch(np.arange(rows, dtype=np.int32), np.arange(rows) < 2, (rows,)) for rows in (6, 5)]
    found = products_of(shape, micro)
    assert found == [
        Product(6, 4, 4, 2),
        Product(6, 4, 8, 1),
        Product(5, 4, 4, 2),
        Product(5, 4, 8, 1),
        Product(2, 4, 50, 1),
        Product(2, 4, 50, 1),
    ]
    assert found[0].flops == 2 * (2 * 6 * 4 * 4) * 2


def test_each_matrix_is_another_piece_of_memory_and_all_together_no_cache_holds(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(floors, "STRETCH", 4 * (DRAWN + 1))
    numbers, seen = Numbers(10, "float32", "cpu"), []
    assert len(numbers._all) == 2 * DRAWN and float(numbers._all.std()) == pytest.approx(1, abs=0.01)
    monkeypatch.setattr(
        torch.nn.functional, "linear", lambda x, weight: seen.append((tuple(x.shape), tuple(weight.shape), weight.data_ptr()))
    )
    numbers.compute(Product(3, 1024, 512, 5))
    assert [one[:2] for one in seen] == [((3, 1024), (512, 1024))] * 5
    starts = [one[2] for one in seen]
    steps = [after - before for before, after in itertools.pairwise(starts)]
    assert steps[:3] == [4 * 512 * 1024] * 3 and steps[3] < 0, "then it begins again"


def test_there_is_room_for_the_largest_matrix(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(floors, "STRETCH", 64)
    assert len(Numbers(3 * DRAWN - 1, "bfloat16", "cpu")._all) == 3 * DRAWN
