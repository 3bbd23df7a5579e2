import socket

import pytest

from pete.errors import UserError
from pete.serve.server import listen, url_of
from tests.server import fake_tuned, serving


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
