"""A screen that can neither end nor hold up what is shown on it: a pipe that was closed, a full one, a terminal without the letter."""

import contextlib
import io
import os
import select
import sys
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from rich.console import Console

PIECE = 512
"""Bytes that a pipe takes whole once it says that it takes any (PIPE_BUF is at least that)."""
PATIENCE = 1.0
"""Seconds that a reader may keep us waiting, once; from then on what he does not take at once is dropped, until he reads again."""


class Steady(io.TextIOBase):
    """A text stream onto another; what cannot be written there is lost, and nothing else happens."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._patience = PATIENCE

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        with contextlib.suppress(OSError, ValueError):
            return self._stream.isatty()
        return False

    def fileno(self) -> int:
        """The stream's."""
        return self._stream.fileno()

    def writable(self) -> bool:
        """Always, as far as anybody can tell."""
        return True

    def write(self, text: str) -> int:
        """Write what the stream takes; never raises, never waits for long."""
        with contextlib.suppress(OSError, ValueError):
            self._stream.flush()
            try:
                descriptor = self._stream.fileno()
            except OSError:  # in memory
                self._stream.write(text)
                return len(text)
            data = text.encode(self.encoding, "replace")
            for start in range(0, len(data), PIECE):
                if not select.select([], [descriptor], [], self._patience)[1]:
                    self._patience = 0.0
                    break
                self._patience = PATIENCE
                os.write(descriptor, data[start : start + PIECE])
        return len(text)


def steady(console: "Console") -> "Console":
    """The console, on a steady stream."""
    console.file = cast(IO[str], Steady(console.file))
    return console


@contextlib.contextmanager
def steady_streams() -> Iterator[None]:
    """Standard output and error as steady streams, for what libraries print while we train."""
    with contextlib.ExitStack() as stack:
        if sys.stdout is not None:
            stack.enter_context(contextlib.redirect_stdout(Steady(sys.stdout)))
        if sys.stderr is not None:
            stack.enter_context(contextlib.redirect_stderr(Steady(sys.stderr)))
        yield
