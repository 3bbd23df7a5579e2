"""A wandb that is not the real one: modules that fail in every way, and a server that answers as W&B's does and keeps what it got."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

MODULE = """
import json, os, time

FAULT = "{fault}"

def fault(place):
    if FAULT == "raises at " + place:
        raise RuntimeError("no " + place + " today")
    if FAULT == "blocks at " + place:
        while True:
            time.sleep(60)
    if FAULT == "dies at " + place:
        os._exit(7)

class Settings:
    def __init__(self, **values):
        self.__dict__.update(values)

class Config:
    def update(self, values, allow_val_change=False):
        pass

class Run:
    def __init__(self):
        self.config, self.summary = Config(), {{}}
    def log(self, row, step, commit):
        fault("log")
        with open("wandb/rows.jsonl", "a") as file:
            file.write(json.dumps({{"step": step, **row}}) + "\\n")
        size = 0
        while FAULT == "fills the disk at log":
            size += 100 * 2**20
            with open("wandb/run.log", "ab") as file:
                file.truncate(size)  # sparse: counted, not stored
    def finish(self, exit_code):
        fault("finish")

def init(config, settings):
    fault("init")
    return Run()

def teardown(exit_code=0):
    fault("teardown")

fault("import")
"""


def write_module(folder: Path, fault: str) -> Path:
    """A folder for PYTHONPATH whose wandb has one fault: "raises at log", "blocks at init", "fills the disk at log", ..."""
    folder.mkdir(exist_ok=True)
    (folder / "wandb.py").write_text(MODULE.format(fault=fault))
    return folder


class Server(ThreadingHTTPServer):
    """W&B's, as far as a run needs it; `bodies` is everything it was sent, headers included."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.bodies: list[bytes] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, query: dict) -> dict:
        asked = query["query"]
        if "upsertBucket" in asked:
            entity = {"id": "e", "name": "team"}
            bucket = {"id": "x", "name": query["variables"]["name"], "displayName": "d", "description": None, "config": "{}",
                      "sweepName": None, "historyLineCount": 0, "project": {"id": "p", "name": "pete", "entity": entity}}  # fmt: skip
            return {"upsertBucket": {"bucket": bucket, "inserted": True}}
        if "createRunFiles" in asked:
            files = [{"name": name, "uploadUrl": f"{self.url}/storage/{name}"} for name in query["variables"]["files"]]
            return {"createRunFiles": {"runID": "x", "uploadHeaders": [], "files": files}}
        return {}

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up as they like."""


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.bodies.append(f"{self.command} {self.path}\n{self.headers}\n".encode() + body)
        answer = {}
        if self.path == "/graphql" and self.server.status == 200:
            answer = {"data": self.server.answer(json.loads(body))}
        data = json.dumps(answer).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_POST

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(status: int = 200) -> Iterator[Server]:
    """The server, for as long as the block lasts; any other status than 200 is its answer to everything."""
    server = Server(status)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
