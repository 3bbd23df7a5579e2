import io
import os
import threading
import time

import pytest
from rich.console import Console

from pete.machine import steady
from pete.machine.steady import Steady


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    stream = os.fdopen(writing, "w", encoding="utf-8")
    yield reading, stream
    for close in (lambda: os.close(reading), stream.close):
        try:
            close()
        except OSError:
            continue


def test_what_is_read_is_what_was_written(pipe):
    reading, stream = pipe
    stream.write("before, ")
    text = "ä line\n" * 1000
    Steady(stream).write(text[:100])
    got, rest = [os.read(reading, 10_000)], text[100:]
    reader = threading.Thread(target=lambda: got.extend(iter(lambda: os.read(reading, 10_000), b"")))
    reader.start()
    Steady(stream).write(rest)
    stream.close()
    reader.join(5)
    assert b"".join(got).decode() == f"before, {text}"


def test_a_pipe_that_was_closed_raises_nothing(pipe):
    reading, stream = pipe
    os.close(reading)
    with pytest.raises(BrokenPipeError):
        os.write(stream.fileno(), b"the fault is real")
    console = steady.steady(Console(file=stream))
    console.print("lost")
    assert console.file.write("lost") == 4


def test_a_full_pipe_holds_nothing_up_and_goes_on_when_it_is_read_again(pipe, monkeypatch):
    monkeypatch.setattr(steady, "PATIENCE", 0.1)
    reading, stream = pipe
    screen = Steady(stream)
    os.set_blocking(stream.fileno(), False)
    with pytest.raises(BlockingIOError):
        for _ in range(10_000):
            os.write(stream.fileno(), b"x" * 4096)
    os.set_blocking(stream.fileno(), True)
    start = time.monotonic()
    for _ in range(1000):
        screen.write("dropped\n")
    assert time.monotonic() - start < 5, "one wait, and not a thousand"
    while len(os.read(reading, 1 << 20)) == 1 << 20:
        pass
    screen.write("heard again\n")
    assert b"heard again" in os.read(reading, 1 << 20)


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_letter_the_terminal_has_not_got(tmp_path, encoding):
    with (tmp_path / "out").open("w", encoding=encoding) as stream:
        with pytest.raises(UnicodeEncodeError):
            "→".encode(encoding)
        Steady(stream).write("a → b\n")
    assert (tmp_path / "out").read_bytes() == b"a ? b\n"


def test_a_stream_in_memory_or_closed():
    memory = io.StringIO()
    Steady(memory).write("kept")
    assert memory.getvalue() == "kept"
    memory.close()
    assert Steady(memory).write("lost") == 4 and not Steady(memory).isatty()
