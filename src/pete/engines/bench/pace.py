"""A way's side of the conversation: it waits for a line, works, and answers with a line of JSON."""

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO


class Pace:
    """Orders in, answers out; the clock runs from an order to its answer."""

    def __init__(self, orders: TextIO, answers: TextIO) -> None:
        self._orders, self._answers = orders, answers
        self._began = 0.0
        self.peak: Callable[[], int] = peak_resident
        """Bytes at the highest point so far, on the device that matters."""
        self.finish: Callable[[], None] = lambda: None
        """Waits until everything that was started on the device is done."""

    def ready(self, **facts: Any) -> None:
        """Say that the work can begin."""
        self._say({"peak": self.peak(), **facts})

    def wait(self) -> dict[str, Any] | None:
        """The next order; None when there is none any more."""
        line = self._orders.readline()
        self._began = time.perf_counter()
        return json.loads(line) if line else None

    def done(self, **found: Any) -> None:
        """Answer the order: seconds since it came, unless they are given."""
        self.finish()
        seconds = time.perf_counter() - self._began
        self._say({"seconds": seconds, "peak": self.peak(), **found})

    def failed(self, words: str) -> None:
        """Say why there will be no answer."""
        self._say({"error": words})

    def _say(self, answer: dict[str, Any]) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()


def peak_resident() -> int:
    """Bytes of main memory this process had at its highest point. On Linux getrusage would count the process that started it too."""
    status = Path("/proc/self/status")
    if status.is_file():
        lines = (line.split() for line in status.read_text().splitlines())
        found = [int(words[1]) * 1024 for words in lines if words and words[0] == "VmHWM:"]
        if found:
            return found[0]
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
