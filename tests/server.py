"""A real server on 127.0.0.1, in a thread, over the fake engine; and an engine that takes its time."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace
from typing import Any

import numpy as np

from pete.config import Config, ModelConfig
from pete.data.render import Renderer
from pete.engines.fake import FakeEngine, fake_base
from pete.engines.protocol import Rows
from pete.generate.rules import Validator
from pete.generate.stream import Tuned
from pete.persona import PLAIN_TEMPLATE, Limit
from pete.serve.limits import Limits
from pete.serve.server import Server, listen

KEY = "pete-" + "k" * 43
MODEL = "fake-run"


class TimedEngine(FakeEngine):
    """Letters only, never an end of its own; each step takes `delay` seconds, whoever shares it. Fails when told to."""

    def __init__(self, config: Config, delay: float = 0.0, endless: bool = True) -> None:
        super().__init__(config)
        self.delay, self.endless = delay, endless
        self.steps: list[int] = []
        """Rows of each step so far."""
        self.faults: list[Exception] = []
        """Raised one a step."""
        self.refuses: list[Exception] = []
        """Raised one a join."""
        self.threads: set[str] = set()
        self.flows = threading.Event()
        """While it is not set, a step does not come back."""
        self.flows.set()

    def load(self, model: ModelConfig, adapter: Any = None) -> None:
        super().load(model, adapter)
        if self.endless:
            letters = [self.base_tokens.token_to_id(c) for c in "abcdefghijklmnopqrstuvwxyz ĠĠĠ".replace(" ", "")]
            away = np.ones(self._vocabulary, dtype=bool)
            away[letters] = False
            self._table[:, away] = -1e9

    @property
    def base_tokens(self) -> Any:
        from pete.engines.fake import byte_tokenizer

        return byte_tokenizer()

    def rows(self, most: int = 1) -> Rows:
        engine, inner = self, super().rows(most)

        class Timed(Rows):
            def join(self, prompt, sampling, ends):
                engine.threads.add(threading.current_thread().name)
                if engine.refuses:
                    raise engine.refuses.pop(0)
                return inner.join(prompt, sampling, ends)

            def step(self):
                if engine.faults:
                    raise engine.faults.pop(0)
                engine.flows.wait()
                if engine.delay:
                    time.sleep(engine.delay)
                drawn = inner.step()
                engine.steps.append(len(drawn))
                return drawn

            def leave(self, row):
                inner.leave(row)

        return Timed()


def fake_tuned(delay: float = 0.0, endless: bool = True, limits: dict[str, Limit] | None = None, **generate: Any) -> Tuned:
    """A model without an adapter; what it says is noise, and the same for the same seed."""
    generate = {"temperature": 1.0, "top_k": 0, "top_p": 1.0, "repetition_penalty": 1.0, "max_new_tokens": 40} | generate
    config = Config.model_validate({"engine": {"name": "fake"}, "model": {"base": "fake"}, "generate": generate})
    engine = TimedEngine(config, delay, endless)
    engine.load(ModelConfig(base="fake"))  # type: ignore[call-arg]
    renderer = Renderer(fake_base().folder, template=PLAIN_TEMPLATE, system="You are Ada.", context=2048)
    lineage = SimpleNamespace(stop=("\n### Instruction:",), avoid=())
    return Tuned(engine, renderer, lineage, config, Validator(limits, {}, ()))  # type: ignore[arg-type]


@contextmanager
def serving(
    tuned: Tuned, limits: Limits | None = None, host: str = "127.0.0.1", taken: socket.socket | None = None, **more: Any
) -> Iterator[Server]:
    """A server, ready; stopped at the end, and its thread with it."""
    server = Server(tuned, MODEL, taken or listen(host, 0), KEY, limits=limits, **more)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(10)
        assert not thread.is_alive(), "it ends when it is told to"


def connect(server: Server, receive: int = 0) -> socket.socket:
    """A bare connection; with `receive` bytes that the system keeps of what is not read."""
    host, port = server.url.removeprefix("http://").rsplit(":", 1)
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.settimeout(20)
    if receive:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
    made.connect((host.strip("[]"), int(port)))
    return made


def wait_until(met: Any, seconds: float = 10.0) -> bool:
    """Look until it is so, or for so long."""
    until = time.monotonic() + seconds
    while not met():
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def healthy(connection: socket.socket) -> bool:
    """Ask over a bare connection how it is, and read the whole reply."""
    got = b""
    try:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        while not got.endswith(b"}"):
            if not (more := connection.recv(65536)):
                return False
            got += more
    except OSError:
        return False
    return got.startswith(b"HTTP/1.1 200 ") and got.endswith(b'{"status":"ok"}')


def send_buffer(taken: socket.socket) -> socket.socket:
    """Connections of this socket hold little that is not read, as over a slow line; here the system would take megabytes."""
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return taken


def main() -> None:
    """A server in a process of its own, with tight limits; prints its address, ends with a signal."""
    limits = Limits(rows=16, waiting=64, read_seconds=2.0, write_seconds=2.0, close_seconds=2.0, body_bytes=65536)
    taken = send_buffer(listen("127.0.0.1", 0))
    server = Server(fake_tuned(delay=0.001), MODEL, taken, KEY, limits=limits, failed=lambda kind: print("failed", kind, flush=True))
    print(server.url, flush=True)
    with suppress(KeyboardInterrupt):
        server.run()


if __name__ == "__main__":
    main()
