import os
import threading
import time

from pete.events import Warned, to_line
from pete.tracking.follow import _follow, watch


def test_the_end_of_the_pipe_is_the_end_of_training_and_the_clock_starts_there():
    reading, writing = os.pipe()
    over, given_up = threading.Event(), threading.Event()
    watch(reading, 0.3, over, lambda _: given_up.set())
    time.sleep(0.5)
    assert not over.is_set() and not given_up.is_set()
    os.close(writing)
    assert over.wait(5)
    ended = time.monotonic()
    assert given_up.wait(5) and time.monotonic() - ended > 0.2


def test_every_event_comes_once_those_of_the_last_moment_too(tmp_path, monkeypatch):
    monkeypatch.setattr("pete.tracking.follow.POLL_SECONDS", 0.01)
    path, over = tmp_path / "events.jsonl", threading.Event()
    path.write_text(to_line(Warned(message="0")))
    came = []
    for event in _follow(path, over):
        came.append(event.message)
        if len(came) < 4:
            with path.open("a") as file:
                file.write(to_line(Warned(message=str(len(came)))))
        else:
            with path.open("a") as file:
                file.write(to_line(Warned(message="last")))
            over.set()
            break
    came += [event.message for event in _follow(path, over)][4:]
    assert came == ["0", "1", "2", "3", "last"]


def test_a_run_that_was_deleted_is_followed_no_further(tmp_path):
    assert list(_follow(tmp_path / "gone" / "events.jsonl", threading.Event())) == []
