import pytest

from pete.engines.bench import reading


@pytest.mark.parametrize("threads", [1, 3])
def test_the_speed_is_bytes_over_seconds_of_the_best_try(monkeypatch: pytest.MonkeyPatch, threads: int):
    moments = iter([0.0, 5.0, 10.0, 12.0, 20.0, 24.0])
    monkeypatch.setattr(reading.time, "perf_counter", lambda: next(moments))
    assert reading.read_speed(threads, 12_000) == 6000.0


def test_memory_here_is_read_at_a_speed_that_memory_has():
    assert 1e8 < reading.read_speed(1, 1 << 26) < 1e13
