"""Ask on the terminal, with a time limit, whether to start anew: the default holds after ten seconds."""

import os
import sys
import time

from pete.terminal import draws, redraw

SECONDS = 10.0


def wants_new(question: str, seconds: float = SECONDS) -> bool:
    """Whether a person at the terminal presses n before the time is over; any other key goes on at once.

    Without a terminal, and in the background of one, the answer is no, at once. What is said goes to stderr.
    """
    import select
    import termios
    import tty

    try:
        keyboard = sys.stdin.fileno()
        if not sys.stdin.isatty() or os.tcgetpgrp(keyboard) != os.getpgrp():  # from the background, the first touch would stop us
            return False
        before = termios.tcgetattr(keyboard)
    except (OSError, ValueError, AttributeError, termios.error):  # closed, or none at all
        return False
    end, drawn, printed = time.monotonic() + seconds, draws(sys.stderr), False
    print(question, file=sys.stderr)
    try:
        tty.setcbreak(keyboard, termios.TCSAFLUSH)  # a key counts without return; what was typed into the void before does not
        while (left := end - time.monotonic()) > 0:
            line = f"Going on with it in {left:.0f} s. Press n for a new run, another key to go on now. "
            if drawn:
                redraw(line)
            elif not printed:
                print(line, file=sys.stderr)
            printed = True
            if select.select([keyboard], [], [], min(1.0, left))[0]:
                return os.read(keyboard, 1) in (b"n", b"N")
        return False
    finally:
        termios.tcsetattr(keyboard, termios.TCSAFLUSH, before)
        if drawn:
            redraw("")
