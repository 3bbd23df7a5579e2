import socket
import threading
import time

import httpx2
import pytest

from pete.errors import UserError
from pete.serve.server import listen, url_of
from tests.server import KEY, MODEL, fake_tuned, serving, wait_until


def test_a_taken_port_is_named_before_anything_is_loaded():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} of 127.0.0.1 is taken") as error:
            listen("127.0.0.1", port)
        assert f"--port {port + 1}" in error.value.hint
    listen("127.0.0.1", port).close()  # free again at once


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.9", "a" * 300, "999.1.1.1"])
def test_an_address_that_is_not_ours_is_refused(host):
    with pytest.raises(UserError):
        listen(host, 0)


@pytest.mark.parametrize(
    ("host", "begins"), [("127.0.0.1", "http://127.0.0.1:"), ("0.0.0.0", "http://127.0.0.1:"), ("::1", "http://[::1]:")]
)
def test_where_it_is_for_a_program_on_this_machine(host, begins):
    with listen(host, 0) as taken:
        assert url_of(taken) == f"{begins}{taken.getsockname()[1]}"


def test_who_connects_early_waits_and_the_port_is_free_at_the_end():
    with listen("127.0.0.1", 0) as taken, socket.create_connection(taken.getsockname(), timeout=5):
        pass
    with serving(fake_tuned()) as server:
        port = int(server.url.rsplit(":", 1)[1])
    listen("127.0.0.1", port).close()


def test_closing_waits_for_nobody_long():
    """What is being answered, whole or as a stream, has three seconds; then it is told, and the engine's thread ends."""
    tuned, got = fake_tuned(delay=0.05, max_new_tokens=1500), []

    def ask(url: str, stream: bool) -> None:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "x"}], "stream": stream}
        try:
            got.append(httpx2.post(f"{url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=60).text)
        except httpx2.HTTPError as error:
            got.append(type(error).__name__)

    with serving(tuned) as server:
        clients = [threading.Thread(target=ask, args=(server.url, stream)) for stream in (True, False)]
        for client in clients:
            client.start()
        assert wait_until(lambda: tuned.engine.steps.count(2) > 3)
        began = time.monotonic()
        server.stop()
        assert 2 < time.monotonic() - began < 10
    for client in clients:
        client.join(10)
        assert not client.is_alive()
    assert len(got) == 2 and not any("[DONE]" in text for text in got) and len(tuned.engine.steps) < 400
    assert not any(thread.name == "pete-scheduler" for thread in threading.enumerate())
