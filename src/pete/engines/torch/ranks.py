"""The processes that train together, one a device: rank 0 leads, the others do what it says.

torch.distributed joins them and carries what they tell each other. torchrun has started them all, or rank 0 starts the others on this
machine. Orders and answers are JSON from one rank to one other, so that whoever is gone is known by name; tensors are summed by all.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psutil
import torch
import torch.distributed as dist
from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]

from pete.engines.devices import world
from pete.engines.protocol import RankLost
from pete.resources import python_path

SERVANT = "pete.engines.torch.parallel"
"""What a started rank runs."""
READY = b"ready\n"
END = "end"
"""What an order asks that lets a rank go; any other is the engine's."""
DAY = timedelta(days=1)
"""How long a rank waits for another, which may read data, ask a person or save; one that is gone is noticed at once."""
PATIENCE = timedelta(hours=1)
"""How long rank 0 waits for an answer: no step takes that long, and one that hangs without dying would cost the night."""
SOON = timedelta(minutes=2)
"""The same for ranks that have just said that they are there."""
LEAVING = 10.0
"""Seconds that a started rank has for ending by itself, and a dead one for being seen dead."""


@dataclass
class Ranks:
    """All ranks as one of them sees them."""

    rank: int
    size: int
    started: Sequence[subprocess.Popen[bytes]] = ()
    """Ranks 1 and on, where rank 0 started them."""

    def __post_init__(self) -> None:
        self._orders: Any
        self._tensors: Any
        self._orders = self._tensors = dist.new_group(backend="gloo", timeout=DAY)

    def use(self, device: str) -> None:
        """From here on tensors of this device are summed and copied; every rank has to say so."""
        if device == "cuda":
            self._tensors = dist.new_group(backend="nccl", timeout=SOON)

    @property
    def others(self) -> range:
        """The ranks that rank 0 leads."""
        return range(1, self.size)

    def tell(self, rank: int, message: Mapping[str, Any]) -> None:
        """Send a message to a rank that listens; raises RankLost."""
        content = torch.frombuffer(bytearray(json.dumps(message).encode()), dtype=torch.uint8)
        with self._noticing(rank):
            dist.send(torch.tensor([len(content)]), rank, group=self._orders)
            dist.send(content, rank, group=self._orders)

    def hear(self, rank: int) -> dict[str, Any]:
        """Wait for the next message of a rank; raises RankLost."""
        length = torch.zeros(1, dtype=torch.int64)
        with self._noticing(rank):
            coming = dist.irecv(length, rank, group=self._orders)
            assert coming is not None
            coming.wait(PATIENCE if self.rank == 0 else DAY)
            content = torch.zeros(int(length), dtype=torch.uint8)
            dist.recv(content, rank, group=self._orders)
        return json.loads(content.numpy().tobytes())

    def add_up(self, tensor: torch.Tensor) -> None:
        """Make it the sum of every rank's, the same bits on each; raises RankLost."""
        with self._noticing():
            dist.all_reduce(tensor, group=self._tensors)

    def copy(self, tensor: torch.Tensor) -> None:
        """Make it rank 0's; raises RankLost."""
        with self._noticing():
            dist.broadcast(tensor, 0, group=self._tensors)

    def part(self) -> None:
        """Let the other ranks go, and leave, whether they still listen or not."""
        with contextlib.suppress(RankLost):
            for rank in self.others:
                self.tell(rank, {"do": END})
        if self._tensors is not self._orders:
            self._tensors.abort()  # NCCL would wait for who is gone
        dist.destroy_process_group()

    @contextlib.contextmanager
    def _noticing(self, rank: int | None = None) -> Iterator[None]:
        """Put into words that a rank is gone; `rank` is the one that was spoken with, None all."""
        try:
            yield
        except RuntimeError as error:
            raise self.lost(rank, str(error).split(". ")[0]) from None

    def lost(self, rank: int | None, said: str = "") -> RankLost:
        """The error for a rank that is gone: which one, and how it ended, as far as that can be known here."""
        candidates = [rank] if rank else list(self.others)
        for number, process in zip(self.others, self.started, strict=False):
            if number in candidates:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    code = process.wait(LEAVING / len(candidates))
                    how = f"killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
                    return RankLost(f"Rank {number} of {self.size} is gone: process {process.pid}, {how}.")
        return RankLost(f"{'A rank' if rank is None else f'Rank {rank}'} of {self.size} is gone: {said}")


@contextlib.contextmanager
def leading(devices: int) -> Iterator[Ranks]:
    """Join the other ranks as rank 0: those of torchrun, or so many less one that are started here and end with the block.

    Raises:
        RankLost: one ended before it was there.
    """
    started: list[subprocess.Popen[bytes]] = []
    try:
        if world():
            dist.init_process_group("gloo", timeout=DAY)
        else:
            os.environ.setdefault("GLOO_SOCKET_IFNAME", _loopback())  # what is said on this machine is heard on no other
            store = _store(devices)
            for rank in range(1, devices):
                started.append(_start(rank, devices, store.port))
            for rank, process in enumerate(started, 1):
                assert process.stdout is not None
                if process.stdout.readline() != READY:
                    raise RankLost(f"Rank {rank} of {devices} did not start: process {process.pid} ended with exit code {process.wait()}.")
            dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{store.port}", rank=0, world_size=devices, timeout=SOON)
        ranks = Ranks(0, dist.get_world_size(), started)
        try:
            yield ranks
        finally:
            ranks.part()
    finally:
        for process in started:
            assert process.stdin is not None
            process.stdin.close()  # it waits for that, whatever else it does
        for process in started:
            try:
                process.wait(LEAVING)
            except subprocess.TimeoutExpired:
                process.kill()


def _store(devices: int) -> TCPStore:
    """Where the ranks of this machine find each other; init_process_group takes the same one for its port, while it is held."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    port = listener.getsockname()[1]
    return TCPStore(
        "127.0.0.1", port, devices, is_master=True, wait_for_workers=False, multi_tenant=True, master_listen_fd=listener.detach()
    )  # fmt: skip


def _start(rank: int, devices: int, port: int) -> subprocess.Popen[bytes]:
    """A rank on this machine, with the environment that torchrun gives."""
    environ = os.environ | {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(devices), "LOCAL_WORLD_SIZE": str(devices),
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "PYTHONPATH": python_path(),
    }  # fmt: skip
    return subprocess.Popen(
        [sys.executable, "-P", "-m", SERVANT], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C and a closed window are for rank 0, which saves first
    )  # fmt: skip


def _loopback() -> str:
    """The network interface of 127.0.0.1."""
    addresses = psutil.net_if_addrs()
    return next((name for name, found in addresses.items() if any(one.address == "127.0.0.1" for one in found)), "lo")


@contextlib.contextmanager
def serving() -> Iterator[Ranks]:
    """Join as a rank that is led, deaf to signals: rank 0 hears them, and says when it is over."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    dist.init_process_group("gloo", timeout=DAY)
    yield Ranks(dist.get_rank(), dist.get_world_size())
    dist.destroy_process_group()


def end_with_the_leader() -> None:
    """Say to the rank 0 that started this process that it is there, and end, whatever it does, when that one closes the pipe or is gone."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
    os.write(1, READY)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads on
