"""A chat server on 127.0.0.1 that speaks the OpenAI wire format, judges by a rule or says what it is told to, and fails on demand."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Rule = Callable[[str, str, str], str]
"""(prompt, A, B) -> what the model says."""


def says(winner: str) -> str:
    return json.dumps({"reason": "because", "winner": winner})


def parts(text: str) -> tuple[str, str, str]:
    """Prompt, A and B out of a question, by its marks."""
    found = [re.search(rf"<{name}-(\w+)>\n(.*)\n</{name}-\1>", text, re.DOTALL) for name in ("prompt", "A", "B")]
    assert all(found), text
    return tuple(match[2] for match in found if match)  # type: ignore[return-value]


@dataclass
class FakeJudge:
    """What it does before it answers: `faults` are used up one a request; `always` never is."""

    rule: Rule = lambda prompt, a, b: says("A")
    faults: list[str] = field(default_factory=list)
    always: str = ""
    answers: Callable[[str], str] | None = None
    """What it says to a question that is no pair to judge."""
    refuses: tuple[str, ...] = ()
    """Settings that newer models do not take."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    url: str = ""
    elsewhere: str = "http://127.0.0.1:9/v1?key="


@contextmanager
def serve(fake: FakeJudge) -> Iterator[FakeJudge]:
    """Run it until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # head and body are two packets: 40 ms a request otherwise

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.requests.append(body)
            fake.headers.append(dict(self.headers))
            fake.paths.append(self.path)
            with suppress(BrokenPipeError, ConnectionResetError):
                self.answer(fake.faults.pop(0) if fake.faults else fake.always, body)

        def answer(self, fault: str, body: dict[str, Any]) -> None:
            key = self.headers.get("Authorization", "")
            if fault == "":
                for name in fake.refuses:
                    if name in body:
                        better = " Use 'max_completion_tokens' instead." if name == "max_tokens" else ""
                        message = f"Unsupported parameter: '{name}' is not supported with this model.{better}"
                        return self.send(400, {"error": {"message": message, "param": name, "code": "unsupported_parameter"}})
                asked = body["messages"][0]["content"]
                self.send(200, reply(fake.answers(asked) if fake.answers else fake.rule(*parts(asked)), body["model"]))
            elif fault.isdigit():
                self.send(int(fault), {"error": {"message": f"Not now, {key}", "type": "error"}}, {"Retry-After": "0"})
            elif fault == "wrong key":
                self.send(401, {"error": {"message": f"Incorrect API key provided: {key[7:17]}***{key[-4:]}"}})
            elif fault == "refused inside":
                self.send(200, {"error": {"message": f"No credit for {key}", "code": 402}})
            elif fault == "html":
                self.send(200, "<html><body>Welcome to nginx</body></html>", {"Content-Type": "text/html"})
            elif fault == "other json":
                self.send(200, {"hello": key})
            elif fault == "drop":
                self.close_connection = True
            elif fault == "silent":
                time.sleep(1.0)
                self.close_connection = True
            elif fault == "redirect":
                self.send(307, {}, {"Location": fake.elsewhere + key})
            elif fault == "stream":
                self.begin("text/event-stream")
                self.drip("data: {}\n\n", 0.0)
            elif fault == "endless":
                self.begin("application/json")
                self.drip(" " * 65536, 0.0)
            elif fault == "drip":
                self.begin("application/json")
                self.drip(" ", 0.02)
            elif fault == "drip headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                for number in range(200):
                    self.wfile.write(f"X-{number}: 1\r\n".encode())
                    time.sleep(0.02)
            elif fault == "null":
                self.send(200, reply(None, body["model"]))
            else:
                raise AssertionError(fault)

        def begin(self, kind: str) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()

        def drip(self, text: str, pause: float) -> None:
            ends = time.monotonic() + 3
            while time.monotonic() < ends:
                self.wfile.write(text.encode())
                time.sleep(pause)

        def send(self, status: int, document: object, headers: dict[str, str] | None = None) -> None:
            data = (document if isinstance(document, str) else json.dumps(document)).encode()
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json", "Content-Length": str(len(data))} | (headers or {})).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    fake.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield fake
    finally:
        server.shutdown()
        server.server_close()


def reply(text: str | None, model: str) -> dict[str, Any]:
    """A chat completion as the servers write it."""
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1764000000, "model": f"{model}-2026-11-01",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": None}, "logprobs": None,
                     "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 20, "total_tokens": 520},
    }  # fmt: skip
