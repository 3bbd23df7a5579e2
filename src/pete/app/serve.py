"""Serve: a run's model behind an address that speaks OpenAI's protocol."""

import functools
import importlib.util
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pete.app.chat import open_chat
from pete.app.notify import Notify
from pete.app.rewrite import open_rewriter
from pete.errors import UserError
from pete.places import config_root
from pete.run import RunDir, write_atomic

if TYPE_CHECKING:
    from pete.serve.limits import Limits
    from pete.serve.server import Server

PORT = 11435
"""One above Ollama's."""
PACKAGES = ("fastapi", "uvicorn")


@dataclass(frozen=True)
class Serving:
    """A server that is ready to run, and what to tell its clients."""

    server: "Server"
    name: str
    url: str
    key: str
    key_file: Path
    new_key: bool


def key_file() -> Path:
    """Where the key is kept; beside it, in `address`, a line for where the last server is and a line for its model."""
    return config_root() / "serve" / "key"


def open_server(
    run: RunDir,
    notify: Notify,
    host: str = "127.0.0.1",
    port: int = PORT,
    origins: Sequence[str] = (),
    overrides: Sequence[str] = (),
    limits: "Limits | None" = None,
) -> Serving:
    """Take the port, find or make the key, load the model. `server.run()` serves.

    Raises:
        UserError: a package is missing, the port is taken, the key cannot be used, and as `open_chat` does.
    """
    missing = [package for package in PACKAGES if importlib.util.find_spec(package) is None]
    if missing:
        raise UserError(f"The server needs {' and '.join(missing)}, which only some want.", "pete install serve")
    from pete.serve.access import checked_origins, is_loopback
    from pete.serve.keys import read_or_make_key
    from pete.serve.server import Server, listen, url_of

    origins = checked_origins(origins)
    taken = listen(host, port)
    try:
        key = read_or_make_key(key_file())
        if not is_loopback(taken.getsockname()[0]):
            notify.message(
                f"{host} is reached by other machines: whoever has the key can ask, and what is asked travels unencrypted. "
                "--host 127.0.0.1 is this machine only.",
                "note",
            )
        notify.message(f"loading {run.name} ...", "working")
        tuned = open_chat(run, overrides)

        def failed(kind: str) -> None:
            notify.message(f"a request failed ({kind})", "note")

        rewriter = functools.cache(lambda: open_rewriter(tuned, run, notify))
        server = Server(tuned, run.name, taken, key.text, origins, limits, failed, rewriter)
        url = url_of(taken)
        write_atomic(key.path.with_name("address"), f"{url}\n{run.name}\n")
    except BaseException:
        taken.close()
        raise
    return Serving(server, run.name, url, key.text, key.path, key.new)


def example(serving: Serving) -> str:
    """A request to try."""
    asked = {"model": serving.name, "messages": [{"role": "user", "content": "Write a tagline for a bakery."}]}
    return (
        f'curl {serving.url}/v1/chat/completions -H "Authorization: Bearer $(cat {shlex.quote(str(serving.key_file))})" '
        f"-H 'Content-Type: application/json' -H 'Accept: text/plain' -d {shlex.quote(json.dumps(asked, ensure_ascii=False))}"
    )
