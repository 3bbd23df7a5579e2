import os
import threading
import time

from pete.tracking import guard


def plenty(_):
    return 10 * guard.LEAST_FREE


def test_a_full_disk_a_large_folder_and_a_missing_one_are_said(tmp_path):
    assert guard.problem(tmp_path, plenty) == ""
    assert "only 1.0 GB left" in guard.problem(tmp_path, lambda _: 10**9)
    (tmp_path / "run").mkdir()
    with (tmp_path / "run" / "big").open("wb") as file:
        file.truncate(guard.LARGEST + 1)
    assert "256 MB" in guard.problem(tmp_path, plenty)
    assert "is gone" in guard.problem(tmp_path / "no", lambda path: os.statvfs(path).f_bavail)


def test_the_disk_is_looked_at_again_and_again(tmp_path):
    left, said = [10 * guard.LEAST_FREE], threading.Event()
    guard.look_after_disk(tmp_path, lambda _: said.set(), lambda _: left[0])
    time.sleep(0.1)
    assert not said.is_set()
    left[0] = 0
    assert said.wait(5)


def test_the_end_of_the_pipe_is_the_end_of_training_and_the_clock_starts_there():
    reading, writing = os.pipe()
    over, said = threading.Event(), threading.Event()
    guard.watch(reading, 0.3, over, lambda _: said.set())
    time.sleep(0.5)
    assert not over.is_set() and not said.is_set()
    os.close(writing)
    assert over.wait(5)
    ended = time.monotonic()
    assert said.wait(5) and time.monotonic() - ended > 0.2
