"""What a training will take, from numbers that somebody else measures; with real engines: tests/engines/test_torch_engine.py."""

import pytest
import torch

from pete.config import Config
from pete.engines.torch.forecast import BEYOND_CACHE, kept_beside, seconds_a_step, sharing, side_by_side, step_bytes, timed


def test_a_step_is_what_the_first_layer_takes_and_each_further_one_adds():
    asked = []

    def of_layers(count: int) -> float:
        asked.append(count)
        return 3.0 + 0.5 * count

    assert seconds_a_step(of_layers, 24, 24 * BEYOND_CACHE) == pytest.approx(15.0) and asked == [1, 2]
    asked.clear()
    assert seconds_a_step(of_layers, 24, 3 * BEYOND_CACHE) == pytest.approx(15.0) and asked == [1, 8], "two would stay in the cache"
    asked.clear()
    assert seconds_a_step(of_layers, 24, BEYOND_CACHE) == 15.0 and asked == [24], "all of them hardly fill it"
    assert seconds_a_step(lambda count: 3.0 - count, 24, 24 * BEYOND_CACHE) == 2.0, "a layer takes no less than nothing"


@pytest.mark.parametrize(("seconds", "steps"), [(0.75, 3), (1.5, 2)])
def test_a_slow_step_is_timed_once_and_the_first_counts_never(monkeypatch, seconds, steps):
    done, now = [], [0.0]

    def step() -> None:
        now[0] += seconds if done else 100.0
        done.append(now[0])

    monkeypatch.setattr("pete.engines.torch.forecast.time.perf_counter", lambda: now[0])
    assert timed(step) == seconds and len(done) == steps


def test_the_highest_point_is_counted_beside_weights_and_adapter():
    def meta(*shape: int) -> torch.Tensor:
        return torch.empty(*shape, device="meta")

    weight, adapter = meta(1000, 10), meta(100, 10).requires_grad_()

    def train() -> None:
        first = meta(500) * 2
        del first
        (adapter * meta(100, 10)).sum().backward()

    parts = step_bytes([weight, adapter], [adapter], train, None)
    assert (parts["weights"], parts["adapter"]) == (40_000, 4 * 4000)
    scored = step_bytes([weight, adapter], [adapter], train, lambda: meta(5000) * 2)
    assert scored["activations"] > parts["activations"] and scored["activations"] >= 2 * 20_000


def test_what_a_memory_manager_keeps_has_its_name_and_is_a_share_of_the_activations():
    assert kept_beside("cpu", 1000) == {"heap": 400} and kept_beside("cuda", 1000) == {"allocator": 450}
    assert kept_beside("mps", 1000) == {}, "driver memory: nobody has measured it"


def test_devices_add_up_their_speed_where_each_has_its_own_and_share_the_memory_of_a_machine(monkeypatch):
    four = Config.model_validate({"train": {"epochs": 1, "devices": 4}})
    assert (side_by_side(four, "cuda"), sharing(four, "cuda")) == (4, 1)
    assert (side_by_side(four, "cpu"), sharing(four, "cpu")) == (1, 4), "the same cores and the same memory"
    for name, value in {"RANK": "0", "WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    assert (side_by_side(four, "cpu"), sharing(four, "cpu")) == (4, 2), "two machines"
