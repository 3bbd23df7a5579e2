"""How far a download is, on stderr: a line that is rewritten on a terminal, and in a log a line every tenth."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from pete.terminal import draws, redraw
from pete.words import file_size


class FetchView:
    """A `pete.listener.Listener`."""

    def __init__(self) -> None:
        self._began: tuple[float, int] | None = None
        self._shown = 0.0
        self._tenth = 0

    def message(self, text: str) -> None:
        """A line."""
        self.end()
        print(text, file=sys.stderr, flush=True)

    def progress(self, what: str, done: int, of: int) -> None:
        """How much is here, how fast it comes, and how long it will take."""
        now = time.monotonic()
        if self._began is None:
            self._began, self._tenth = (now, done), done * 10 // of
        line, seconds = f"  {file_size(done)} of {file_size(of)}", now - self._began[0]
        if seconds > 1 and done > self._began[1]:
            speed = (done - self._began[1]) / seconds
            line += f", {file_size(speed)}/s"
            if of - done > 60 * speed:
                line += f", {(of - done) / speed / 60:.0f} min left"
        if draws(sys.stderr):
            if now - self._shown > 0.2 or done == of:
                self._shown = now
                redraw(line)
        elif done * 10 // of > self._tenth:
            self._tenth = done * 10 // of
            print(line, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line; what is fetched next begins anew."""
        if self._shown:
            print(file=sys.stderr)
        self._began, self._shown = None, 0.0


@contextmanager
def fetches_shown() -> Iterator[None]:
    """Inside, conversions and downloads are shown."""
    from pete.listener import LISTENER

    view = FetchView()
    token = LISTENER.set(view)
    try:
        yield
    finally:
        LISTENER.reset(token)
        view.end()
