"""The monitor on a terminal: a live screen, one frame, or log lines where there is no screen."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from rich.console import Console, Group
from rich.live import Live

from pete.monitor.frame import frame, headline
from pete.monitor.state import State
from pete.monitor.watch import Watch
from pete.terminal import Key, single_keys

LOOK_SECONDS = 1.0
TICK_SECONDS = 0.2
"""How soon a key or a new size of the window is noticed."""
LINE_SECONDS = 60.0
"""Between two lines where there is no screen, unless something happens."""
NO_BRAILLE = ("linux", "vt100", "vt220")
QUIT = ("q", "Q", "\x04", "")
"""Keys that leave; the last one is a terminal that went away."""
NO_WRAP, WRAP = "\x1b[?7l", "\x1b[?7h"


def ascii_only(console: Console) -> bool:
    """Whether the terminal cannot be trusted with more than ASCII. Python itself writes UTF-8 even where LC_ALL is C."""
    utf8 = console.encoding.lower().startswith("utf")
    return not utf8 or os.environ.get("LC_ALL") in ("C", "POSIX") or os.environ.get("TERM") in NO_BRAILLE


def show_once(state: State, console: Console) -> None:
    """One frame, a line less than the terminal has, so that the prompt below it pushes nothing out."""
    for line in frame(state, console.width, max(1, console.height - 1), ascii_only=ascii_only(console)):
        line.rstrip()
        console.print(line, no_wrap=True, overflow="crop", crop=False)


def show_live(watch: Watch, console: Console) -> State:
    """A full screen until q or Ctrl-C; the last state that was seen."""
    plain = ascii_only(console)
    state = watch.look()
    looked = time.monotonic()
    size = None
    with _keys() as pressed, _leaving_on_signals(), Live(console=console, screen=True, auto_refresh=False, redirect_stderr=False) as live:
        console.file.write(NO_WRAP)  # a character that is wider than it says must not push the screen
        try:
            while True:
                due = time.monotonic() - looked >= LOOK_SECONDS
                if due:
                    state, looked = watch.look(), time.monotonic()
                if due or size != console.size:
                    size = console.size
                    live.update(Group(*frame(state, size.width, size.height, ascii_only=plain)), refresh=True)
                if pressed(TICK_SECONDS) in QUIT:
                    return state
        except KeyboardInterrupt:
            return state
        finally:
            console.file.write(WRAP)


def show_lines(watch: Watch, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> State:
    """A line a minute and one for each thing that happens, until the run is over or Ctrl-C."""
    state = watch.look()
    before: tuple[object, ...] = ()
    warned: tuple[str, ...] | None = None
    said_at = step = -1.0
    try:
        while True:
            h = state.history
            news = (state.condition, len(h.sessions), h.validations[-1:], state.warnings, len(state.sleep_gaps))
            if news != before or (h.last_step != step and state.now - said_at >= LINE_SECONDS):
                for warning in state.warnings:
                    if warned is not None and warning not in warned:
                        say(f"note: {warning}")
                say(headline(state))
                before, warned, said_at, step = news, state.warnings, state.now, h.last_step
            if state.over:
                return state
            sleep(LOOK_SECONDS)
            state = watch.look()
    except KeyboardInterrupt:
        return state


def _keys() -> AbstractContextManager[Key]:
    """The keyboard; without one, what only waits."""
    return single_keys(keep_typed=True) if sys.stdin.isatty() else nullcontext(time.sleep)


@contextmanager
def _leaving_on_signals() -> Iterator[None]:
    """A closed window or a shutdown leaves the way Ctrl-C does, so that the terminal is put back in order."""

    def leave(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, leave) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
