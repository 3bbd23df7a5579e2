"""64 clients at a time, most of them up to no good, on a server in a process of its own: answers stay right, and nothing grows."""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import httpx2
import psutil
import pytest

from pete.resources import PROJECT
from tests.server import KEY, MODEL

CLIENTS = 64
PATIENCE = 150
"""Seconds for one client's whole business, its time in the queue of a busy machine included."""
SEEDS = 6
HEAD = (
    "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
    "Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
)


@pytest.fixture
def served() -> Iterator[tuple[str, psutil.Process]]:
    """(address, process) of a server."""
    command, env = [sys.executable, "-m", "tests.server"], os.environ | {"PYTHONPATH": str(PROJECT / "src")}
    process = subprocess.Popen(command, cwd=PROJECT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process.stdout.readline().strip(), psutil.Process(process.pid)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=20)
        assert said == "", "nothing goes wrong that would have to be told"
    finally:
        process.kill()
        process.wait()


def body(seed: int, tokens: int, stream: bool, n: int = 1) -> bytes:
    return json.dumps(
        {
            "model": MODEL,
            "messages": [{"role": "user", "content": f"Question {seed}?"}],
            "seed": seed,
            "stream": stream,
            "max_tokens": tokens,
            "n": n,
        }
    ).encode()


def request(seed: int = 0, tokens: int = 30, stream: bool = True, key: str = KEY, n: int = 1) -> bytes:
    text = body(seed, tokens, stream, n)
    return HEAD.format(key=key, length=len(text)).encode() + text


class Crowd:
    """What the clients do, and what became of it."""

    def __init__(self, url: str) -> None:
        self.url, self.did, self.wrong = url, Counter(), []
        host, port = url.removeprefix("http://").split(":")
        self.place = (host, int(port))
        with httpx2.Client(base_url=url, headers={"authorization": f"Bearer {KEY}"}, timeout=60) as http:
            replies = [
                http.post("/v1/chat/completions", content=body(seed, 30, False), headers={"content-type": "application/json"}).json()
                for seed in range(SEEDS)
            ]
        self.expected = [reply["choices"][0]["message"]["content"] for reply in replies]
        assert len(set(self.expected)) == SEEDS

    async def run(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        await asyncio.gather(*(self._client(random.Random(number), until) for number in range(CLIENTS)))

    async def _client(self, dice: random.Random, until: float) -> None:
        ways = [
            self.honest,
            self.honest,
            self.honest_plain,
            self.hangs_up,
            self.hangs_up_unheard,
            self.garbage,
            self.wrong_key,
            self.too_much,
            self.half,
            self.never_reads,
        ]
        while time.monotonic() < until:
            way = dice.choice(ways)
            try:
                await asyncio.wait_for(way(dice), PATIENCE)
            except (ConnectionError, asyncio.IncompleteReadError) as error:
                self.did[f"{way.__name__}: cut off"] += 1
                if way in (self.honest, self.honest_plain):
                    self.wrong.append(repr(error))
            except TimeoutError:
                self.wrong.append(f"{way.__name__} was left waiting")

    async def _open(self, receive: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        made = socket.socket()
        made.setblocking(False)
        if receive:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
        await asyncio.get_running_loop().sock_connect(made, self.place)
        return await asyncio.open_connection(sock=made, limit=2**20)

    async def honest(self, dice: random.Random) -> None:
        seed = dice.randrange(SEEDS)
        reader, writer = await self._open()
        writer.write(request(seed))
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 429 " in head.split(b"\r\n")[0]:
            self.did["told to come back"] += 1
            writer.close()
            await asyncio.sleep(dice.random())
            return
        text = await reader.readuntil(b"[DONE]")
        said = "".join(json.loads(f'"{piece}"') for piece in re.findall(r'"content":"((?:[^"\\]|\\.)*)"', text.decode()))
        self.did["honest"] += 1
        if said != self.expected[seed]:
            self.wrong.append(f"{said!r} and not {self.expected[seed]!r}")
        writer.close()

    async def honest_plain(self, dice: random.Random) -> None:
        seed = dice.randrange(SEEDS)
        reader, writer = await self._open()
        writer.write(request(seed, stream=False))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        reply = json.loads(await reader.readexactly(int(re.search(r"content-length: (\d+)", head)[1])))
        if " 429 " in head.split("\r\n")[0]:
            self.did["told to come back"] += 1
            await asyncio.sleep(dice.random())
        else:
            self.did["honest_plain"] += 1
            if reply["choices"][0]["message"]["content"] != self.expected[seed]:
                self.wrong.append(str(reply))
        writer.close()

    async def hangs_up(self, dice: random.Random) -> None:
        reader, writer = await self._open()
        writer.write(request(tokens=1500))
        for _ in range(dice.randrange(1, 12)):
            await reader.readline()
        self.did["hangs_up"] += 1
        writer.transport.abort() if dice.random() < 0.5 else writer.close()

    async def hangs_up_unheard(self, dice: random.Random) -> None:
        _, writer = await self._open()
        writer.write(request(tokens=1500, stream=False))
        await writer.drain()
        await asyncio.sleep(dice.random() / 5)
        self.did["hangs_up_unheard"] += 1
        writer.close()

    async def garbage(self, dice: random.Random) -> None:
        reader, writer = await self._open()
        writer.write(dice.randbytes(dice.randrange(1, 5000)) + b"\r\n\r\n")
        got = await reader.read()
        self.did["garbage refused" if b" 400 " in got[:20] else "garbage dropped"] += 1
        writer.close()

    async def wrong_key(self, dice: random.Random) -> None:
        reader, writer = await self._open()
        writer.write(request(key=KEY[:-1] + "x"))
        self.did["wrong_key refused" if b" 401 " in await reader.readline() else "wrong_key taken"] += 1
        writer.close()

    async def too_much(self, dice: random.Random) -> None:
        reader, writer = await self._open()
        writer.write(HEAD.format(key=KEY, length=10**9).encode() + b"x" * 1000)
        self.did["too_much refused" if b" 413 " in await reader.readline() else "too_much taken"] += 1
        writer.close()

    async def half(self, dice: random.Random) -> None:
        reader, writer = await self._open()
        whole = request()
        writer.write(whole[: dice.randrange(1, len(whole) - 1)])
        with suppress(ConnectionError):
            assert await reader.read() == b""
        self.did["half dropped"] += 1
        writer.close()

    async def never_reads(self, dice: random.Random) -> None:
        reader, writer = await self._open(receive=2048)
        writer.write(request(tokens=400, n=2))
        if b" 429 " in await reader.readline():
            self.did["told to come back"] += 1
            writer.close()
            return
        while not re.search(rb'"content":"[a-z ]', line := await reader.readline()):  # until it is drawn
            if not line:
                raise ConnectionError("closed before it was drawn")
        writer.transport.pause_reading()
        await asyncio.sleep(5)  # it is dropped after two
        writer.transport.resume_reading()
        got = b""
        with suppress(ConnectionError):
            got = await reader.read()
        self.did["never_reads heard the end" if b"[DONE]" in got else "never_reads dropped"] += 1
        writer.transport.abort()


def resources(process: psutil.Process, url: str) -> tuple[int, int, int]:
    """(bytes, threads, files) once everybody has left."""
    for _ in range(200):
        files = process.num_fds()
        counts = httpx2.get(f"{url}/metrics", headers={"authorization": f"Bearer {KEY}"}).text
        if (
            "pete_rows 0\n" in counts
            and "pete_waiting 0\n" in counts
            and not [c for c in process.net_connections("tcp") if c.status == "ESTABLISHED"]
        ):
            break
        time.sleep(0.1)
    else:
        raise AssertionError(f"somebody is still there: {files} files\n{counts}")
    return process.memory_info().rss, process.num_threads(), process.num_fds()


def abuse(served: tuple[str, psutil.Process], seconds: float, rounds: int, growth: int) -> None:
    url, process = served
    crowd = Crowd(url)
    asyncio.run(crowd.run(seconds / (rounds + 1)))  # the first is for pools and caches to fill
    looks = [resources(process, url)]
    for _ in range(rounds):
        asyncio.run(crowd.run(seconds / (rounds + 1)))
        looks.append(resources(process, url))
    print(crowd.did, looks)
    assert crowd.wrong == [], (crowd.wrong[:5], crowd.did)
    counts = httpx2.get(f"{url}/metrics", headers={"authorization": f"Bearer {KEY}"}).text
    gone = float(re.search(r'pete_answers_total\{how="gone"\} (\d+)', counts)[1])
    assert gone > crowd.did["hangs_up"] / 2 > 5, "those that hung up were noticed"
    for what in (
        "honest",
        "honest_plain",
        "hangs_up_unheard",
        "garbage refused",
        "wrong_key refused",
        "too_much refused",
        "half dropped",
        "never_reads dropped",
    ):
        assert crowd.did[what] > 2, (what, crowd.did)
    assert not crowd.did["wrong_key taken"] and not crowd.did["too_much taken"] and not crowd.did["never_reads heard the end"], crowd.did
    first, last = looks[0], looks[-1]
    assert last[0] - first[0] < growth and last[1] <= first[1] + 1 and last[2] <= first[2] + 1, looks


def test_64_clients_for_a_moment(served):
    abuse(served, 6, 1, growth=12 * 2**20)


@pytest.mark.long
def test_64_clients_for_ten_minutes(served):
    abuse(served, 600, 9, growth=12 * 2**20)
