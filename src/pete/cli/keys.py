"""Single keys from the terminal, without return."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


@contextmanager
def keyboard() -> Iterator[Callable[[], str]]:
    """Gives a function that waits for one key and returns it; "" once the terminal is gone. Ctrl-C interrupts as ever."""
    import termios
    import tty

    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)

    def key() -> str:
        try:
            termios.tcflush(descriptor, termios.TCIFLUSH)  # a key pressed twice must not answer a question nobody has read
            pressed = os.read(descriptor, 64).decode(errors="replace")
        except (OSError, termios.error):
            return ""
        return pressed if len(pressed) <= 1 else "\x1b" if pressed[0] == "\x1b" else pressed[0]  # an arrow key is no letter A

    try:
        tty.setcbreak(descriptor, termios.TCSAFLUSH)
        yield key
    finally:
        with suppress(OSError, termios.error):
            termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)
