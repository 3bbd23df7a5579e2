"""A hub on 127.0.0.1 that speaks the routes huggingface_hub uses, remembers every request, and fails on demand."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

LARGE = 10_000
"""Bytes from which a file is kept in LFS: known by its sha256, and served by another host after a redirect."""


@dataclass
class FakeHub:
    """repos: {"owner/name": {commit: {file: bytes}}}, the last commit of each is main."""

    repos: dict[str, dict[str, dict[str, bytes]]]
    tags: dict[str, str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    broken: int = 0
    """Status every request gets, when not 0."""
    cuts: list[int] = field(default_factory=list)
    """Bytes of content after which the connection of the next large transfers is cut, one each."""
    broken_after_cut: int = 0
    """What `broken` becomes with the next cut, when not 0."""
    ranges: bool = True
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0
    """Bytes of large files that went out."""
    endpoint: str = ""

    def environment(self, home: Path) -> dict[str, str]:
        """What makes a program use this hub and an own cache, and nothing of the developer's."""
        return {"HF_ENDPOINT": self.endpoint, "HF_HOME": str(home), "HF_HUB_DISABLE_XET": "1", "HF_TOKEN": "", "HF_HUB_OFFLINE": "0",
                "HF_HUB_CACHE": str(home / "hub"), "NO_PROXY": "127.0.0.1,localhost", "no_proxy": "127.0.0.1,localhost"}  # fmt: skip

    def asked(self, part: str) -> list[tuple[str, str, dict[str, str]]]:
        """The requests with `part` in their path."""
        return [request for request in self.requests if part in request[1]]


def commit(number: int) -> str:
    """A commit's name."""
    return f"{number:040x}"


@contextmanager
def serve(hub: FakeHub) -> Iterator[FakeHub]:
    """Run it until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.requests.append((self.command, path, {k.lower(): v for k, v in self.headers.items()}))
            if hub.broken:
                return self.reply(hub.broken, b"down")
            parts = path.strip("/").split("/")
            if parts[0] == "cdn":
                return self.large(
                    next(c for r in hub.repos.values() for files in r.values() for c in files.values() if digest(c) == parts[1])
                )
            if "hf_wrong" in self.headers.get("authorization", ""):
                return self.reply(401, b"{}", {"X-Error-Message": "Invalid credentials in Authorization header"})
            name = "/".join(parts[2:4] if parts[:2] == ["api", "models"] else parts[:2])
            verb, rest = (parts[4], parts[5:]) if parts[:2] == ["api", "models"] else (parts[2], parts[3:])
            if name not in hub.repos:
                return self.reply(401, b'{"error": "Invalid username or password."}')
            wanted = rest[0] if rest else "main"
            sha = list(hub.repos[name])[-1] if wanted == "main" else hub.tags.get(wanted, wanted)
            files = hub.repos[name].get(sha)
            if files is None:
                return self.reply(404, b"{}", {"X-Error-Code": "RevisionNotFound"})
            if verb == "revision":
                return self.reply(200, json.dumps({"id": name, "sha": sha, "siblings": [{"rfilename": f} for f in files]}).encode())
            if verb == "tree":
                return self.reply(200, json.dumps([listed(f, content) for f, content in files.items()]).encode())
            if name in hub.gated and "authorization" not in self.headers:
                return self.reply(401, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted."})
            content = files.get("/".join(rest[1:]))
            if content is None:
                return self.reply(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": sha})
            if len(content) < LARGE:
                return self.reply(200, content, {"ETag": f'"{git_id(content)}"', "X-Repo-Commit": sha})
            port = hub.endpoint.rsplit(":", 1)[1]
            self.reply(302, b"", {"Location": f"http://localhost:{port}/cdn/{digest(content)}?signature=x", "X-Repo-Commit": sha,
                                  "X-Linked-Etag": f'"{digest(content)}"', "X-Linked-Size": str(len(content))})  # fmt: skip

        def large(self, content: bytes) -> None:
            start = 0
            if hub.ranges and "range" in self.headers:
                start = int(self.headers["range"].removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start or (hub.ranges and "range" in self.headers) else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.end_headers()
            cut = hub.cuts.pop(0) if hub.cuts else None
            body = content[start:] if cut is None else content[start : start + cut]
            self.wfile.write(body)
            hub.sent += len(body)
            if cut is not None and hub.broken_after_cut:
                hub.broken = hub.broken_after_cut
            self.close_connection = True

        def reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def listed(path: str, content: bytes) -> dict[str, object]:
    entry: dict[str, object] = {"type": "file", "path": path, "size": len(content), "oid": git_id(content)}
    if len(content) >= LARGE:
        entry["lfs"] = {"oid": digest(content), "size": len(content), "pointerSize": 134}
    return entry
