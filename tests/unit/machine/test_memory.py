import psutil
import pytest

from pete.machine.memory import read_memory, swap_used


def test_this_machine():
    memory = read_memory()
    assert 0 < memory.available <= memory.total and memory.swap >= 0


@pytest.mark.parametrize("error", [OSError("no /proc/vmstat"), RuntimeError("no swap")])
def test_swap_that_cannot_be_read_is_none(monkeypatch, error):
    def refuse():
        raise error

    monkeypatch.setattr(psutil, "swap_memory", refuse)
    assert swap_used() == 0
