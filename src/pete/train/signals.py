"""Stop a training with a signal: Ctrl-C, a closed window or a shutdown. Only the command line listens; a thread has no signals."""

import signal
from types import FrameType

from pete.train.loop import Stop


class StopSignal(Stop):
    """A signal asks the loop to save at the end of its step; asked twice, the process stops at once."""

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __enter__(self) -> "StopSignal":
        """Listen, while the loop runs: before and after it a signal ends the process as usual."""
        self._previous = {number: signal.signal(number, self._receive) for number in self.SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _receive(self, number: int, _: FrameType | None) -> None:
        if self() and number != signal.SIGHUP:  # a closing window may send it twice, from the shell and from the kernel
            raise KeyboardInterrupt
        self.request(number)
