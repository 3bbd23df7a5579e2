import json
import time
from contextlib import suppress

import pytest

from pete.serve.limits import Limits
from pete.serve.server import listen
from tests.server import KEY, MODEL, connect, fake_tuned, healthy, send_buffer, serving, wait_until

HEAD = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {KEY}\r\nContent-Type: application/json\r\n"
TIGHT = Limits(read_seconds=0.6, write_seconds=0.6, close_seconds=0.6, connections=5)


def ends(connection, within: float) -> bool:
    """Whether the other side closes the connection; whatever it sends before is read."""
    connection.settimeout(within)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


@pytest.mark.parametrize("sent", ["", "GET /heal", HEAD, HEAD + "Content-Length: 10\r\n\r\n{"])
def test_a_request_that_does_not_arrive_is_not_waited_for(sent):
    with serving(fake_tuned(), TIGHT) as server, connect(server) as connection:
        connection.sendall(sent.encode())
        began = time.monotonic()
        assert ends(connection, 5) and time.monotonic() - began > 0.4


def test_nor_one_that_drips():
    with serving(fake_tuned(), TIGHT) as server, connect(server) as connection:
        began = time.monotonic()
        with pytest.raises(ConnectionError):
            for letter in (HEAD * 20).encode():
                connection.sendall(bytes([letter]))
                time.sleep(0.05)
        assert time.monotonic() - began < 5


def test_a_client_that_keeps_asking_is_kept():
    """Idle moments between requests do not add up."""
    with serving(fake_tuned(), TIGHT) as server, connect(server) as connection:
        for _ in range(14):
            assert healthy(connection)
            time.sleep(0.1)


def test_a_reply_that_nobody_reads_is_let_go_and_its_row_with_it():
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "x"}], "stream": True, "n": 2}).encode()
    tuned = fake_tuned(max_new_tokens=1900)
    with serving(tuned, TIGHT, taken=send_buffer(listen("127.0.0.1", 0))) as server:
        with connect(server, receive=2048) as connection:
            connection.sendall(HEAD.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            assert connection.recv(12) == b"HTTP/1.1 200"
            assert wait_until(lambda: "pete_rows 0\n" in server.metrics.text() and tuned.engine.steps), "drawing waits for no reader"
            assert wait_until(lambda: server.metrics.get("pete_requests_total", path="/v1/chat/completions", status="200") == 1, 5), (
                "let go"
            )
            got = b""
            with suppress(ConnectionError):
                while more := connection.recv(65536):
                    got += more
            assert b"data: " in got and b"[DONE]" not in got, "it never heard the end"
        with connect(server) as connection:
            assert healthy(connection)


def test_more_connections_than_there_may_be_are_dropped_and_others_go_on():
    with serving(fake_tuned(), Limits(connections=5)) as server:
        kept = [connect(server) for _ in range(5)]
        for connection in kept:
            assert healthy(connection)
        with connect(server) as one_more:
            assert ends(one_more, 5)
        kept[0].close()

        def taken() -> bool:
            with connect(server) as another:
                return healthy(another)

        assert wait_until(taken)
        for connection in kept:
            connection.close()


@pytest.mark.parametrize(
    "garbage",
    [b"\x16\x03\x01\x02\x00\x01\x00", b"\x00" * 100, b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"G" * 200_000, b"GET / HTTP/1.1\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
     b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
)  # fmt: skip
def test_what_is_no_http_is_refused_and_the_connection_closed(garbage, caplog, capfd):
    with serving(fake_tuned(), TIGHT) as server:
        with connect(server) as connection:
            with suppress(ConnectionError):
                connection.sendall(garbage)
            assert ends(connection, 5)
        with connect(server) as connection:
            assert healthy(connection)
    assert caplog.text == "" and capfd.readouterr() == ("", "")
