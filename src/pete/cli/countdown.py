"""Ask on the terminal, with a time limit, whether to start anew: the default holds after ten seconds."""

import os
import sys
import time

from pete.terminal import draws, redraw, single_keys

SECONDS = 10.0


def wants_new(question: str, seconds: float = SECONDS) -> bool:
    """Whether a person at the terminal presses n before the time is over; any other key goes on at once.

    Without a terminal, and in the background of one, the answer is no, at once. What is said goes to stderr.
    """
    try:
        if not sys.stdin.isatty() or os.tcgetpgrp(sys.stdin.fileno()) != os.getpgrp():  # in the background, the first touch would stop us
            return False
    except (OSError, ValueError, AttributeError):  # closed, or none at all
        return False
    end, drawn, printed = time.monotonic() + seconds, draws(sys.stderr), False
    print(question, file=sys.stderr)
    try:
        with single_keys() as key:
            while (left := end - time.monotonic()) > 0:
                line = f"Going on with it in {left:.0f} s. Press n for a new run, another key to go on now. "
                if drawn:
                    redraw(line)
                elif not printed:
                    print(line, file=sys.stderr)
                printed = True
                if (pressed := key(min(1.0, left))) is not None:
                    return pressed in ("n", "N")
        return False
    finally:
        if drawn:
            redraw("")
