"""Python's warnings while trainings run: each to the training of its thread. `warnings` itself has one handler for the whole process."""

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Show = Callable[..., Any]
"""Called as `warnings.showwarning` is."""


class _Routes:
    """The handlers by thread. The process's own is replaced when the first training begins, and put back when the last one ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._handlers: dict[int, Show] = {}
        self._caught = warnings.catch_warnings()
        self._others: Show = warnings.showwarning

    @contextmanager
    def to(self, show: Show) -> Iterator[None]:
        """Inside, the warnings of this thread go to `show`."""
        thread = threading.get_ident()
        with self._lock:
            if not self._handlers:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                self._others, warnings.showwarning = warnings.showwarning, self._show
            self._handlers[thread] = show
        try:
            yield
        finally:
            with self._lock:
                del self._handlers[thread]
                if not self._handlers:
                    self._caught.__exit__(None, None, None)

    def _show(self, *warning: Any, **more: Any) -> None:
        handlers = dict(self._handlers)
        # a thread that a library started belongs to the only training there is
        only = next(iter(handlers.values())) if len(handlers) == 1 else self._others
        handlers.get(threading.get_ident(), only)(*warning, **more)


_ROUTES = _Routes()
warnings_to = _ROUTES.to
