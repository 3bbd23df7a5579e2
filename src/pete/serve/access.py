"""Who may ask: requests that name this machine, from no web page that was not allowed, with the key.

A page that a browser shows can send requests to 127.0.0.1, and by DNS rebinding even under a name of its own. So the Host must be
an address or a name of this machine, and an Origin, which only browsers send, must have been named by the user.
"""

import ipaddress
import re
import secrets
import socket
import time
from collections.abc import Collection, Sequence

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pete.errors import UserError
from pete.serve.errors import Refusal
from pete.serve.limits import Limits
from pete.serve.metrics import Metrics

OPEN = "/health"
"""The address that needs no key."""
_ORIGIN = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:/@\s]+))(?::[0-9]{1,5})?")


def is_loopback(host: str) -> bool:
    """Whether an address, or a name that always means one, is of this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


def own_names() -> frozenset[str]:
    """Names by which other machines may call this one."""
    name = socket.gethostname().lower().rstrip(".")
    first = name.partition(".")[0]
    return frozenset({name, first, f"{first}.local"} - {""})


def host_allowed(header: str, bound: str, names: Collection[str]) -> bool:
    """Whether a Host header means this server.

    Rebinding needs a name of the attacker's, so that an address is safe; a server that only this machine reaches takes only its own.

    Args:
        header: as it was sent, with a port or without.
        bound: the address the server listens at.
        names: this machine's, for a server that others reach.
    """
    found = _HOST.fullmatch(header.strip())
    if found is None:
        return False
    host = (found[1] or found[2]).lower().rstrip(".")
    if is_loopback(host) or host == bound.lower():
        return True
    if is_loopback(bound):
        return False
    try:
        return not found[2] or bool(ipaddress.IPv4Address(host))
    except ValueError:
        return host in names


def checked_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """Origins as browsers send them.

    Raises:
        UserError: one is none, or means every page.
    """
    for origin in origins:
        if _ORIGIN.fullmatch(origin) is None:
            raise UserError(
                f"--cors {origin}: expected the origin of a page, as a browser names it: scheme, host, port, nothing behind.",
                "such as --cors http://localhost:3000; each one by itself, never *",
            )
    return tuple(origins)


class Gate:
    """ASGI, in front of everything: counts requests, and lets those pass that name this machine and come from no stranger's page."""

    def __init__(
        self, app: ASGIApp, *, bound: str, names: Collection[str], origins: Collection[str], metrics: Metrics, paths: Collection[str]
    ) -> None:
        """Stand in front of `app`; `paths` are counted by name, all others together."""
        self._app, self._bound, self._names, self._origins = app, bound, names, origins
        self._metrics, self._paths = metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), "none"

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            if refusal := self._refusal(Headers(scope=scope)):
                await refused(refusal)(scope, receive, counted)
            else:
                await self._app(scope, receive, counted)
        finally:
            path = scope["path"] if scope["path"] in self._paths else "other"
            self._metrics.add("pete_requests_total", path=path, status=status)
            self._metrics.add("pete_request_seconds_total", time.perf_counter() - began, path=path)

    def _refusal(self, headers: Headers) -> Refusal | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not host_allowed(hosts[0], self._bound, self._names):
            return Refusal(403, "The Host header names another machine than this one.", code="host_not_allowed")
        if any(origin not in self._origins for origin in headers.getlist("origin")):
            return Refusal(
                403, "Web pages of this origin may not ask here: pete serve --cors ORIGIN allows one.", code="origin_not_allowed"
            )
        return None


class KeyCheck:
    """ASGI, behind the gate: lets those pass that show the key and do not send too much."""

    def __init__(self, app: ASGIApp, *, key: str, limits: Limits) -> None:
        """Stand in front of `app`."""
        self._app, self._key, self._limits = app, key.encode(), limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        refusal = self._refusal(Headers(scope=scope)) if scope["type"] == "http" and scope["path"] != OPEN else None
        await (refused(refusal) if refusal else self._app)(scope, receive, send)

    def _refusal(self, headers: Headers) -> Refusal | None:
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        if not shown:
            return Refusal(401, "No key was shown: Authorization: Bearer KEY.", code="missing_api_key")
        if scheme.lower() != "bearer" or not secrets.compare_digest(shown.strip().encode("utf-8", "replace"), self._key):
            return Refusal(401, "Incorrect API key provided.", code="invalid_api_key")
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdecimal() or len(length) > 18 or int(length) > self._limits.body_bytes:
            return too_large(self._limits)
        return None


def too_large(limits: Limits) -> Refusal:
    """A body that is longer than it may be."""
    return Refusal(413, f"The request is larger than {limits.body_bytes} bytes.", code="request_too_large", headers={"connection": "close"})


def refused(refusal: Refusal) -> JSONResponse:
    """The reply."""
    return JSONResponse(refusal.document, refusal.status, refusal.headers)
