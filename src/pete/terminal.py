"""Terminal output: control characters scrubbed, characters the terminal lacks replaced, failed writes remembered.

`scrub` is the one set of characters that are never shown. `prepare` puts it in front of stdout and stderr, so that no message,
whoever wrote it, needs to think of it; `cli.screen` does the same for what rich draws, which has escapes of its own.
"""

import codecs
import io
import os
import re
import select
import sys
import termios
import tty
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
"""C0 and C1 controls but newline and tab, the byte order mark, and the marks that turn text around."""

# a terminal's own sequences whole, so that no "[31m" is left of them
_SEQUENCE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|.?)", re.DOTALL)
LONGEST = 2000
"""Characters of one text that `harmless` keeps; a screen holds no more of it."""

# one cell for one cell, so that no line changes its width; a braille cell becomes a star
ASCII = str.maketrans("·●━─│┤└┴◆★…−–—‘’“”×±", "-*#-|+++oO.---''\"\"x~") | dict.fromkeys(range(0x2801, 0x2900), ord("*"))
"""What stands for a character that a terminal does not have; a question mark for all others."""

PIECE = 512
"""Bytes that a pipe takes whole once it says that it takes any (PIPE_BUF is at least that)."""
PATIENCE = 1.0
"""Seconds that a reader may keep a courtesy waiting, once; then what he does not take at once is dropped, until he reads again."""


def scrub(text: str) -> str:
    """Text without what could drive a terminal or hide what it says; works character by character, so on any chunk."""
    return HOSTILE.sub("", text)


def harmless(text: str) -> str:
    """One line for a place of fixed width: scrubbed, whole sequences too, and without characters whose width terminals disagree about."""
    text = _SEQUENCE.sub("", text[:LONGEST].encode("utf-8", "replace").decode("utf-8"))
    text = " ".join(scrub(text).split())
    kept = "".join(
        c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") and not "\ufe00" <= c <= "\ufe0f"
    )
    return kept.strip()


class Output(io.TextIOWrapper):
    """stdout or stderr: scrubbed, what cannot be encoded is replaced, and a failed write is remembered.

    A `courtesy` loses what cannot be written, or is not read, and says nothing; otherwise the OSError goes to whoever writes.
    """

    def __init__(self, stream: io.TextIOWrapper, courtesy: bool = False) -> None:
        given = {"encoding": stream.encoding, "line_buffering": stream.line_buffering, "write_through": stream.write_through}
        super().__init__(stream.detach(), errors="pete.shown", **given)  # type: ignore[arg-type]
        self.courtesy = courtesy
        self.failure: OSError | None = None
        self._patience = PATIENCE
        self.trusted = Trusted(self)

    def write(self, text: str) -> int:
        """Scrub and write."""
        return self.write_trusted(scrub(text))

    def write_trusted(self, text: str) -> int:
        """Write text whose escapes are ours."""
        try:
            return self._offer(text) if self.courtesy else super().write(text)
        except OSError as error:
            return self._lost(error, len(text))

    def flush(self) -> None:
        """Flush, as `write` writes."""
        try:
            super().flush()
        except OSError as error:
            self._lost(error, 0)

    def _offer(self, text: str) -> int:
        super().flush()
        data = text.encode(self.encoding, self.errors or "strict")
        for start in range(0, len(data), PIECE):
            if not select.select([], [self.fileno()], [], self._patience)[1]:
                self._patience = 0.0
                break
            self._patience = PATIENCE
            os.write(self.fileno(), data[start : start + PIECE])
        return len(text)

    def _lost(self, error: OSError, size: int) -> int:
        self.failure = self.failure or error
        if not self.courtesy:
            raise error
        return size


class Trusted:
    """An `Output` for code that scrubs what it is given and adds escapes of its own."""

    def __init__(self, output: Output) -> None:
        self._output = output

    def write(self, text: str) -> int:
        """Write as it is."""
        return self._output.write_trusted(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._output, name)


def prepare() -> None:
    """Make this process's streams fit for anything: closed ones lead nowhere, output is an `Output`, bytes on stdin survive.

    What COLUMNS, LINES and TERM say is forgotten where it cannot be so.
    """
    codecs.register_error("pete.shown", _shown)
    sys.stdin = sys.stdin or _nowhere(0, "r")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")  # a wrong byte is for whoever reads the line, and not the end of it
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name) or _nowhere(number, "w")
        if isinstance(stream, io.TextIOWrapper) and not isinstance(stream, Output):
            stream = Output(stream, courtesy=number == 2)
        setattr(sys, name, stream)
    for name in ("COLUMNS", "LINES"):
        if not re.fullmatch("[1-9][0-9]{1,3}", os.environ.get(name, "10")):
            del os.environ[name]
    os.environ.setdefault("TERM", "dumb")


def lost(stream: TextIO) -> OSError | None:
    """Why not everything that was printed has arrived, if so; the rest then goes nowhere, and the process can end in peace."""
    if not isinstance(stream, Output):
        return None
    stream.courtesy = True
    stream.flush()
    if stream.failure is not None:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
    return stream.failure


def draws(stream: TextIO) -> bool:
    """Whether a stream is a terminal that obeys escapes."""
    return stream.isatty() and os.environ.get("TERM", "dumb").lower() not in ("dumb", "unknown")


def redraw(line: str) -> None:
    """The same line of stderr again, with other words; only where it `draws`."""
    stream = getattr(sys.stderr, "trusted", sys.stderr)
    stream.write(f"\r\x1b[K{scrub(line)}")
    stream.flush()


Key = Callable[..., str | None]
"""(seconds=None, fresh=False) -> a key, "" once the terminal is gone, None when the time is over; fresh: typed after the call."""


@contextmanager
def single_keys(keep_typed: bool = False) -> Iterator[Key]:
    """Keys from the terminal on stdin, without return; Ctrl-C interrupts as ever.

    `keep_typed`: what was typed before counts too. An arrow key is its escape character, and not the letter that follows it.

    Raises:
        OSError, ValueError, termios.error: stdin is no terminal.
    """
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    when = termios.TCSANOW if keep_typed else termios.TCSAFLUSH

    def key(seconds: float | None = None, fresh: bool = False) -> str | None:
        try:
            if fresh:
                termios.tcflush(descriptor, termios.TCIFLUSH)
            if not select.select([descriptor], [], [], seconds)[0]:
                return None
            return os.read(descriptor, 64).decode(errors="replace")[:1]
        except (OSError, termios.error):
            return ""

    tty.setcbreak(descriptor, when)
    try:
        yield key
    finally:
        with suppress(termios.error):  # the window was closed
            termios.tcsetattr(descriptor, when, before)


def _nowhere(number: int, mode: str) -> TextIO:
    """/dev/null in place of a stream that was closed before we began, also for programs that we start."""
    try:
        os.fstat(number)
    except OSError:  # the number is free, and the next file that is opened would be taken for the stream
        opened = os.open(os.devnull, os.O_RDWR)
        if opened != number:
            os.dup2(opened, number)
            os.close(opened)
        os.set_inheritable(number, True)
        return io.TextIOWrapper(open(number, f"{mode}b", closefd=False), encoding="utf-8")
    return io.TextIOWrapper(open(os.devnull, f"{mode}b"), encoding="utf-8")


def _shown(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    found = error.object[error.start : error.end]
    return "".join(chr(ASCII.get(ord(character), ord("?"))) for character in found), error.end
