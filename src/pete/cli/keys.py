"""Single keys from the terminal, without return."""

import os
import sys


class Keyboard:
    """Within `with`, a call waits for one key and gives it; "" once the terminal is gone. Ctrl-C interrupts as ever."""

    def __enter__(self) -> "Keyboard":
        import termios
        import tty

        self._descriptor = sys.stdin.fileno()
        self._before = termios.tcgetattr(self._descriptor)
        tty.setcbreak(self._descriptor, termios.TCSAFLUSH)
        return self

    def __exit__(self, *_: object) -> None:
        import termios

        try:
            termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)
        except termios.error:  # the window was closed
            return

    def __call__(self) -> str:
        """One key; an arrow key is its escape character, and not the letter that follows it."""
        import termios

        try:
            termios.tcflush(self._descriptor, termios.TCIFLUSH)  # a key pressed twice must not answer a question nobody has read
            return os.read(self._descriptor, 64).decode(errors="replace")[:1]
        except (OSError, termios.error):
            return ""
