import contextlib
import errno
import io
import os
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete import terminal
from pete.terminal import ASCII, Output, harmless, lost, scrub

ANY = st.text(st.characters(exclude_categories=[]), max_size=80)  # lone surrogates too
TURNS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def drives(text: str) -> set[str]:
    """What could drive a terminal or turn text around, by what Unicode says of it."""
    return {
        c for c in text
        if (unicodedata.category(c) == "Cc" and c not in "\n\t") or unicodedata.bidirectional(c) in TURNS or c in "\u200e\u200f\u061c"
    }  # fmt: skip


@pytest.mark.parametrize("hostile", ["\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\u202e", "\u2066", "\r", "\x00", "\x7f"])
def test_scrub_leaves_nothing_a_terminal_obeys(hostile):
    assert drives(hostile) and not drives(scrub(f"a{hostile}b"))
    assert scrub("tab\there\nand é \ufffd") == "tab\there\nand é \ufffd"


@given(ANY, ANY)
def test_scrub_works_on_any_chunk(a, b):
    assert scrub(a + b) == scrub(a) + scrub(b) and not drives(scrub(a + b))


@given(ANY)
def test_harmless_is_one_scrubbed_line(text):
    made = harmless(text)
    assert scrub(made) == made and "\n" not in made and "\t" not in made and made == made.strip()


def test_a_sequence_goes_whole_where_the_width_counts():
    assert harmless("a\x1b[31mb\x1b]0;title\x07c\nd") == "abc d"


# --- output ----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True, scope="module")
def _shown():
    terminal.codecs.register_error("pete.shown", terminal._shown)


def output(raw: io.RawIOBase, encoding: str = "utf-8", courtesy: bool = False) -> Output:
    return Output(io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding), courtesy)


class Full(io.RawIOBase):
    """A disk without room."""

    def writable(self) -> bool:
        return True

    def write(self, _: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Paper(io.RawIOBase):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written = b""

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.written += bytes(data)
        return len(data)


@given(ANY, st.sampled_from(["ascii", "latin-1", "utf-8"]))
def test_whatever_is_printed_arrives_in_the_characters_there_are(text, encoding):
    paper = Paper()
    print(text, end="", file=(stream := output(paper, encoding)), flush=True)
    arrived = paper.written.decode(encoding)
    assert not drives(arrived) and len(arrived) == len(scrub(text)) and stream.failure is None
    assert all(a == b or a == chr(ASCII.get(ord(b), ord("?"))) for a, b in zip(arrived, scrub(text), strict=True))


def test_a_minus_stays_one():
    paper = Paper()
    print("\u22120.21 “so” \u2500 é", file=output(paper, "ascii"), flush=True)
    assert paper.written == b'-0.21 "so" - ?\n'


@pytest.mark.parametrize("size", [1, 100_000])
def test_a_full_disk_is_remembered(size):
    stream = output(Full())
    with pytest.raises(OSError, match="space"):
        print("x" * size, file=stream, flush=True)
    assert stream.failure is not None and stream.failure.errno == errno.ENOSPC


@pytest.fixture
def pipe():
    reading, writing = os.pipe()
    yield reading, output(io.FileIO(writing, "w"), courtesy=True)
    with contextlib.suppress(OSError):
        os.close(reading)


def test_a_courtesy_loses_what_cannot_be_written(pipe):
    reading, stream = pipe
    print("heard ä", file=stream)
    assert os.read(reading, 100).decode() == "heard ä\n" and stream.failure is None
    os.close(reading)
    print("lost" * 1000, file=stream, flush=True)
    stream.trusted.write("\x1b[K")
    assert isinstance(stream.failure, BrokenPipeError)
    assert isinstance(lost(stream), BrokenPipeError)
    stream.courtesy = False
    print("into nowhere", file=stream, flush=True)


def test_who_does_not_read_holds_a_courtesy_up_once(pipe, monkeypatch):
    monkeypatch.setattr(terminal, "PATIENCE", 0.1)
    reading, stream = pipe
    os.set_blocking(stream.fileno(), False)
    with pytest.raises(BlockingIOError):
        for _ in range(10_000):
            os.write(stream.fileno(), b"x" * 4096)
    os.set_blocking(stream.fileno(), True)
    start = time.monotonic()
    for _ in range(1000):
        print("dropped", file=stream)
    assert time.monotonic() - start < 5, "one wait, and not a thousand"
    while len(os.read(reading, 1 << 20)) == 1 << 20:
        pass
    print("heard again", file=stream)
    assert os.read(reading, 1 << 20) == b"heard again\n" and stream.failure is None
