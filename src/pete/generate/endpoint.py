"""A chat model behind an address: one question, one answer, in the wire format that OpenAI's servers and most others speak.

Nothing here decides what is asked. What can go wrong on the way is tried again where that helps, and said in one sentence
where it does not. The key never leaves the `Authorization` header: not into messages, not into what is returned.
"""

import ipaddress
import json
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from pete.errors import UserError, WorkError

PATH = "/chat/completions"
PATIENCE = 180.0
"""Seconds for one whole answer; a server that thinks longer is asked once more."""
LARGEST = 1_000_000
"""Bytes of an answer that are read."""
WAITS = (1.0, 4.0, 15.0)
"""Seconds before another try, where the server does not name its own."""
LONGEST_WAIT = 60.0
BUSY = (408, 409, 425, 429, 500, 502, 503, 504, 529)
"""Statuses that may be gone in a moment."""
Answer = tuple[httpx2.Response, bytes]
OPTIONS: Mapping[str, Any] = {"temperature": 0, "max_tokens": 2000, "stream": False}
"""2000: models that think before they answer count their thoughts too."""
NO_CHAT = "is that the address of a chat API? It usually ends in /v1"


@dataclass(frozen=True)
class Called:
    """What a verb calls the model behind an address and its options, for messages."""

    who: str
    """ "judge" """
    key: str
    """The variable of the environment that holds the key."""
    url: str
    """The option that takes the address."""
    model: str
    """The option that takes the model's name."""
    command: str
    """The verb with both."""


@dataclass(frozen=True)
class Reply:
    """What the model said, and the name under which the server answered."""

    text: str
    model: str = ""


@dataclass(frozen=True)
class Address:
    """Where questions go. `private`: a plain http address of this machine or of one beside it."""

    url: str
    host: str
    loopback: bool
    private: bool


def read_address(url: str, called: Called) -> Address:
    """Check an address as typed; /v1 and /chat/completions are added where they are missing.

    https goes anywhere. Plain http goes to this machine, and to a machine that is named as a neighbour (10.x, 192.168.x, a name
    without dots, name.local): everybody in between can read it.

    Raises:
        UserError: no address, one that would send texts in the clear, or one that carries a secret.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    example = "expected an address such as https://api.example.com/v1 or http://127.0.0.1:8080/v1"
    if parts.username or parts.password or parts.query or parts.fragment:  # not repeated: it may be a secret
        raise UserError(
            f"The {called.who}'s address carries a name, a password, a ?query or a #fragment: {example}.",
            f"put the key into the environment as {called.key}: addresses end up in the shell's history",
        )
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() or not c.isprintable() for c in url):
        raise UserError(f"{url!r} is no address of a {called.who}: {example}.", called.command)
    loopback, private = _nearness(host)
    if parts.scheme == "http" and not private:
        raise UserError(
            f"http://{host} would send texts unencrypted across the internet; only this machine or a neighbour is asked that way.",
            f"use https://{host}",
        )
    shown = f"[{host}]" if ":" in host else host
    path = parts.path.rstrip("/")
    if not path.endswith(PATH):
        path = (path or "/v1") + PATH
    whole = f"{parts.scheme}://{shown}{f':{port}' if port else ''}{path}"
    try:
        httpx2.URL(whole)
        host.encode("idna")
    except (httpx2.InvalidURL, UnicodeError) as error:
        problem = f"{url!r} is no address of a {called.who} ({error}): {example}."
        raise UserError(problem, "see whether it was typed as it should be") from None
    return Address(whole, host, loopback, parts.scheme == "http")


def _nearness(host: str) -> tuple[bool, bool]:
    try:
        number = ipaddress.ip_address(host)
    except ValueError:
        named = not host[0].isdigit()  # 134744072 is 8.8.8.8
        return host == "localhost", named and ("." not in host or host.endswith(".local"))
    return number.is_loopback, number.is_loopback or number.is_private or number.is_link_local


class Endpoint:
    """One address and the key for it."""

    def __init__(
        self, called: Called, url: str, key: str = "", patience: float = PATIENCE, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Check address and key; nothing is sent.

        Raises:
            UserError: see `read_address`; or the key cannot be one, or would travel unencrypted.
        """
        self.called, self.address = called, read_address(url, called)
        key = key.strip()
        if not all("!" <= c <= "~" for c in key):
            raise UserError(
                f"{called.key} holds characters that no key has (spaces, line ends or letters beyond ASCII).", f"set {called.key} again"
            )
        if key and self.address.private and not self.address.loopback:
            raise UserError(
                f"The key in {called.key} would travel unencrypted to http://{self.address.host}.",
                f"tunnel it (ssh -L 8080:localhost:PORT {self.address.host}, then {called.url} http://127.0.0.1:8080/v1), "
                f"or unset {called.key}",
            )
        self._key, self._patience, self._sleep = key, patience, sleep
        self._client: httpx2.Client | None = None
        self._options = dict(OPTIONS)

    @property
    def where(self) -> str:
        """Where texts go, for an announcement: the address, and what there is to say of the way there."""
        return f"{self.address.url}{' on this machine' if self.address.loopback else ' unencrypted' if self.address.private else ''}"

    @property
    def with_key(self) -> str:
        """Whether a key goes with them, and which."""
        return f"with the key in {self.called.key}" if self._key else "without a key"

    def ask(self, model: str, prompt: str) -> Reply:
        """Ask, and wait for the whole answer.

        Raises:
            WorkError: no answer, or one that is none; the message says what came instead and never holds the key.
        """
        failures = 0
        while True:
            wait = None
            try:
                answer, body = self._send({"model": model, "messages": [{"role": "user", "content": prompt}], **self._options})
                document = _document(body)
                status = _status(answer.status_code, document)
                if status == 200:
                    return self._read(document, answer, body)
                problem, wait = f"it answered {status}{self._words(status, document)}", _retry_after(answer)
                if status in (400, 422) and self._adapt(document):
                    continue
                if status not in BUSY:
                    raise self._failed(problem, self._advice(status, answer))
            except TimeoutError:
                problem, failures = f"no answer within {self._patience:.0f} s", failures + 1  # twice as dear as others
            except httpx2.RequestError as error:
                problem = _in_words(error)
            if failures >= len(WAITS):
                raise self._failed(f"{problem}, after several tries", "see whether it runs and what its log says")
            self._sleep(WAITS[failures] if wait is None else wait)
            failures += 1

    def _send(self, request: Mapping[str, Any]) -> Answer:
        if self._client is None:
            # a proxy of the environment is for the world outside; a neighbour is asked directly
            direct = self.address.private or self.address.loopback
            headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "pete"}
            headers |= {"Authorization": f"Bearer {self._key}"} if self._key else {}
            self._client = httpx2.Client(timeout=self._patience, follow_redirects=False, trust_env=not direct, headers=headers)
        client = self._client

        def work() -> Answer:
            with client.stream("POST", self.address.url, content=json.dumps(request).encode()) as answer:
                if answer.status_code == 200 and answer.headers.get("content-type", "").startswith("text/event-stream"):
                    raise self._failed("it answered with a stream of events, which was not asked for", NO_CHAT)
                body = b""
                for chunk in answer.iter_bytes():
                    body += chunk
                    if len(body) > LARGEST:
                        raise self._failed(f"its answer is longer than {LARGEST // 1000} kB", NO_CHAT)
                return answer, body

        try:
            return _within(self._patience, work)
        except (TimeoutError, httpx2.TimeoutException):
            self._client = None  # what still trickles in on the old connection is nobody's
            raise TimeoutError from None

    def _read(self, document: Any, answer: httpx2.Response, body: bytes) -> Reply:
        try:
            text = document["choices"][0]["message"]["content"]
        except (TypeError, KeyError, IndexError):
            kind = answer.headers.get("content-type", "").split(";")[0] or "something unnamed"
            what = kind if document is None else "JSON without choices[0].message.content"
            begins = self._clean(body[:400].decode(errors="replace"), 60)
            raise self._failed(f"it answered with {what} that begins {begins!r}", NO_CHAT) from None
        if isinstance(text, list):  # some servers answer in parts
            text = "".join(part["text"] for part in text if isinstance(part, dict) and isinstance(part.get("text"), str))
        named = document.get("model")
        return Reply(self._without_key(text) if isinstance(text, str) else "", self._clean(named, 100) if isinstance(named, str) else "")

    def _adapt(self, document: Any) -> bool:
        """Leave out, or rename, a setting that this server refuses; False when the refusal is about something else."""
        error = document.get("error", document) if isinstance(document, dict) else document
        text = json.dumps(error)
        if "max_tokens" in self._options and "max_tokens" in text:
            most = self._options.pop("max_tokens")
            if "max_completion_tokens" in text:
                self._options["max_completion_tokens"] = most
            return True
        for name in ("max_completion_tokens", "temperature"):
            if name in self._options and name in text:
                del self._options[name]
                return True
        return False

    def _advice(self, status: int, answer: httpx2.Response) -> str:
        if 300 <= status < 400:
            to = urlsplit(answer.headers.get("location", ""))
            where = f"{to.scheme}://{to.hostname}" if to.scheme and to.hostname else "elsewhere"
            where = self._clean(where, 80)
            return f"it wants to send Pete to {where}, and texts go only where you said: give the final address to {self.called.url}"
        if status in (401, 403):
            name = self.called.key
            return f"see whether the key in {name} is right" if self._key else f"put a key into the environment as {name}"
        if status == 404:
            return f"see whether the address ends as its documentation says (usually /v1) and {self.called.model} names a model it has"
        return "see what its documentation says about that"

    def _words(self, status: int, document: Any) -> str:
        """What the server says about it, in one line; nothing where it may quote the key."""
        error = document.get("error") if isinstance(document, dict) else None
        message = error.get("message") if isinstance(error, dict) else error
        if not isinstance(message, str) or status in (401, 403) or "key" in message.lower():
            return ""
        return f" ({self._clean(message, 160)})"

    def _failed(self, problem: str, hint: str) -> WorkError:
        return WorkError(f"The {self.called.who} at {self.address.url} cannot be asked: {problem}.", hint)

    def _clean(self, text: str, most: int) -> str:
        line = " ".join("".join(c if c.isprintable() else " " for c in self._without_key(text)).split())
        return line if len(line) <= most else line[: most - 1] + "\u2026"

    def _without_key(self, text: str) -> str:
        # a server can send back what it was given; "x", which local servers take for a key, is no secret
        return text.replace(self._key, "[key]") if len(self._key) >= 8 else text


def _within(seconds: float, work: Callable[[], Answer]) -> Answer:
    """What `work` gives, or TimeoutError: a server that sends a byte now and then never runs into a socket's timeout."""
    done: Future[Answer] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except Exception as error:
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result(timeout=seconds)


def _document(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _status(status: int, document: Any) -> int:
    """The status, or the one inside: some servers answer 200 and put the error into the body."""
    error = document.get("error") if isinstance(document, dict) and "choices" not in document else None
    if status != 200 or not error:
        return status
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and code >= 400 else 400


def _retry_after(answer: httpx2.Response) -> float | None:
    try:
        return min(LONGEST_WAIT, max(0.0, float(answer.headers["retry-after"])))
    except (KeyError, ValueError):  # also a date: then our own waits
        return None


def _in_words(error: httpx2.RequestError) -> str:
    if isinstance(error, httpx2.ConnectError):
        return "it cannot be reached" + (", its certificate is not trusted" if "CERTIFICATE" in str(error).upper() else "")
    if isinstance(error, httpx2.ProxyError):
        return "the proxy refuses"
    if isinstance(error, httpx2.RemoteProtocolError):
        return "it closed the connection or does not speak HTTP"
    return "the connection broke" if isinstance(error, httpx2.TransportError) else "its answer is garbled"
