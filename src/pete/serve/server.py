"""The server: a socket that is taken before anything is loaded, uvicorn, and the application behind its gate."""

import errno
import logging
import socket
import threading
from collections.abc import Callable, Sequence

import uvicorn
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from pete.errors import UserError
from pete.generate.rewrite.rewriter import Rewriter
from pete.generate.stream import Tuned
from pete.serve.access import Gate, KeyCheck, own_names
from pete.serve.connection import connection_class
from pete.serve.endpoints import PATHS, make_app
from pete.serve.limits import Limits
from pete.serve.metrics import Metrics

BACKLOG = 128


def listen(host: str, port: int) -> socket.socket:
    """Take a port; who connects waits until the server runs. Port 0 is any free one.

    Raises:
        UserError: it is taken, or the address is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError):
        raise UserError(f"--host {host}: no such address.", "--host 127.0.0.1 is this machine only") from None
    taken = socket.socket(family, kind, protocol)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(BACKLOG)
    except OSError as error:
        taken.close()
        if error.errno == errno.EADDRINUSE:
            raise UserError(
                f"Port {port} of {host} is taken: another program listens there, perhaps another pete serve.",
                f"stop that one, or take the next port: pete serve --port {port + 1 if port < 65535 else 11435}",
            ) from None
        raise UserError(
            f"Cannot listen at {host}, port {port}: {error.strerror}.", "--host 127.0.0.1 --port 11435 are the usual ones"
        ) from None
    return taken


def url_of(taken: socket.socket) -> str:
    """Where a program on this machine finds the server that has this socket."""
    host, port = str(taken.getsockname()[0]), taken.getsockname()[1]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server:
    """One model behind one socket."""

    def __init__(
        self,
        tuned: Tuned,
        name: str,
        taken: socket.socket,
        key: str,
        origins: Sequence[str] = (),
        limits: Limits | None = None,
        failed: Callable[[str], None] = lambda kind: None,
        rewriter: Callable[[], Rewriter] | None = None,
    ) -> None:
        """Get ready to serve.

        Args:
            tuned: the model; the server's alone from now on.
            name: what clients call it.
            taken: a socket that listens; closed at the end.
            key: what clients show.
            origins: of web pages that may ask.
            limits: how much it takes.
            failed: hears the kind of each failure, from any thread.
            rewriter: what rewrites drafts, under the name with `:rewrite` behind it.
        """
        limits = limits or Limits()
        self.metrics = Metrics()
        self._taken = taken
        app: ASGIApp = KeyCheck(make_app(tuned, name, limits, self.metrics, failed, rewriter), key=key, limits=limits)
        if origins:
            headers = ("authorization", "content-type")
            app = CORSMiddleware(
                app, allow_origins=origins, allow_methods=("GET", "POST"), allow_headers=headers, allow_private_network=True
            )
        bound = str(taken.getsockname()[0])
        gate = Gate(app, bound=bound, names=own_names(), origins=origins, metrics=self.metrics, paths=PATHS)
        config = uvicorn.Config(
            gate,
            http=connection_class(limits),
            ws="none",
            lifespan="on",
            loop="asyncio",
            log_config=None,
            log_level=logging.CRITICAL + 1,  # its lines have addresses and tracebacks in them
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=3,
        )
        self._uvicorn = uvicorn.Server(config)
        self._ended = threading.Event()

    @property
    def url(self) -> str:
        """Where it is, for programs on this machine."""
        return url_of(self._taken)

    def run(self) -> None:
        """Serve until `stop`, or, in the main thread, until a signal, which is then what it would have been without a server."""
        try:
            self._uvicorn.run(sockets=[self._taken])
        finally:
            self._ended.set()

    def stop(self, patience: float = 20.0) -> None:
        """End it, from another thread; what is being answered has three seconds."""
        self._uvicorn.should_exit = True
        self._ended.wait(patience)
