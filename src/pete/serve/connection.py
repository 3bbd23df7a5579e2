"""A connection whose patience ends: uvicorn itself waits for ever for a request to arrive, and for a reply to be read."""

import asyncio
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from pete.serve.limits import Limits

LOOK = 0.5
"""Seconds between looks, at most; shorter where a limit is."""
READ = "for a reply to be read"


def connection_class(of: Limits) -> type[H11Protocol]:
    """HTTP/1.1 of uvicorn's with these limits."""

    class Limited(_Connection):
        limits = of

    return Limited


class _Connection(H11Protocol):
    limits: ClassVar[Limits]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since: dict[str, float] = {}
        self._seen: Any = None
        self._look_later()
        if len(self.connections) > self.limits.connections:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._looks.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        self._since.pop(READ, None)
        super().resume_writing()

    def _look_later(self) -> None:
        shortest = min(self.limits.read_seconds, self.limits.write_seconds, self.limits.close_seconds)
        self._looks = self.loop.call_later(min(LOOK, shortest / 4), self._look)

    def _look(self) -> None:
        now = self.loop.time()
        if self.cycle is not self._seen:  # another request: what was waited for has come
            self._seen = self.cycle
            self._since.clear()
        arriving = self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
        waits: dict[str, Any] = {
            "for the rest of a request": (arriving, self.limits.read_seconds),
            READ: (self.flow.write_paused, self.limits.write_seconds),
            "for what is left to be taken": (self.transport.is_closing(), self.limits.close_seconds),
        }
        for what, (waiting, patience) in waits.items():
            if not waiting:
                self._since.pop(what, None)
            elif now - self._since.setdefault(what, now) > patience:
                self.transport.abort()  # at once, whatever is left in its buffer
                return
        self._look_later()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; where a reply has begun, there is nothing to say any more."""
        try:
            super().send_400_response(msg)
        except h11.LocalProtocolError:
            self.transport.abort()
