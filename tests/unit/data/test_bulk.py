import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import psutil
import pytest

from pete.data import bulk
from pete.data.bulk import BLOCK, MADE, MANY, in_blocks, many_rows
from pete.errors import BaseModelError
from pete.resources import PROJECT


def test_the_collector_looks_rarely_and_is_itself_again_whatever_happens():
    before = gc.get_threshold()

    @many_rows()
    def stage() -> None:
        assert gc.get_threshold() == (MADE, *before[1:])
        with many_rows():
            pass
        assert gc.isenabled() and gc.get_threshold() == (MADE, *before[1:])
        raise ValueError

    for _ in range(2):
        with pytest.raises(ValueError):
            stage()
        assert gc.get_threshold() == before


def made_of(work, rows) -> list:
    with in_blocks(work, rows) as blocks:
        return list(blocks)


def added(block: Sequence[int], to: int) -> tuple[int, list[int]]:
    return os.getpid(), [to + number for number in block]


def test_few_rows_are_looked_at_here_block_by_block():
    made = made_of(partial(added, to=1), range(2 * BLOCK + 1))
    assert [len(numbers) for _, numbers in made] == [BLOCK, BLOCK, 1] and {who for who, _ in made} == {os.getpid()}
    assert made_of(partial(added, to=1), []) == []


@pytest.mark.slow
def test_many_are_looked_at_by_others_in_their_order_also_from_a_thread(monkeypatch):
    monkeypatch.setattr(bulk, "usable_cores", lambda: 2)
    made: list[tuple[int, list[int]]] = []
    thread = threading.Thread(target=lambda: made.extend(made_of(partial(added, to=7), range(MANY))))
    thread.start()
    thread.join()
    assert [number for _, numbers in made for number in numbers] == list(range(7, MANY + 7))
    assert os.getpid() not in {who for who, _ in made}
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def refused(block: Sequence[int]) -> int:
    if MANY - 1 in block:
        raise BaseModelError("The base is not here.", "look again")
    return 0


@pytest.mark.slow
def test_an_error_over_there_is_the_same_here(monkeypatch):
    monkeypatch.setattr(bulk, "usable_cores", lambda: 2)
    with pytest.raises(BaseModelError, match="not here") as error:
        made_of(refused, range(MANY))
    assert error.value.hint == "look again"


def ended(block: Sequence[int], here: int) -> list[int]:
    if os.getpid() != here and 4 * BLOCK in block:
        os.kill(os.getpid(), signal.SIGKILL)
    return list(block)


@pytest.mark.slow
def test_what_a_process_that_was_ended_leaves_is_done_here(monkeypatch):
    monkeypatch.setattr(bulk, "usable_cores", lambda: 2)
    made = made_of(partial(ended, here=os.getpid()), range(MANY))
    assert [number for numbers in made for number in numbers] == list(range(MANY))


PROGRAM = """
import sys, time
from pete.data import bulk

def slow(block):
    time.sleep(0.2)
    return len(block)

if __name__ == "__main__":
    bulk.usable_cores = lambda: 2
    with bulk.in_blocks(slow, range(200 * bulk.BLOCK)) as blocks:
        for count in blocks:
            print(count, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_ctrl_c_and_a_sudden_end_leave_nobody_behind(tmp_path: Path, how: signal.Signals):
    program = tmp_path / "many.py"
    program.write_text(PROGRAM)
    process = subprocess.Popen(
        [sys.executable, str(program)], env=os.environ | {"PYTHONPATH": str(PROJECT / "src")}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == f"{BLOCK}\n"
    helping = psutil.Process(process.pid).children(recursive=True)
    assert len(helping) >= 2
    began = time.monotonic()
    (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)  # a terminal tells all of them
    _, said = process.communicate(timeout=20)
    assert process.returncode in (-how, 130) and time.monotonic() - began < 15
    assert said.count("Traceback") == (how == signal.SIGINT) and "Process Spawn" not in said  # the program's own
    assert psutil.wait_procs(helping, timeout=10)[1] == []
