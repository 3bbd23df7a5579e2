"""A run's event log: frozen records, one JSON line each, and the reader that follows the file.

The training loop yields them; logs, progress bars, monitors and reports read them. A reader skips kinds it does not
know, so a newer run opens in an older monitor.
"""

import json
import math
import time as clock
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from pydantic import TypeAdapter

CHUNK = 1 << 20
LONGEST_LINE = 1 << 22
"""Bytes; a longer line is no event, and is passed over without being kept."""
ANCHOR = 64
"""Bytes before the place read up to; they must still be there, or the file was cut and written anew."""
LARGEST = 1e18
"""No count, size or duration of a run comes near."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """A moment: wall clock (seconds since 1970) beside the monotonic clock, so that a sleeping machine shows."""

    time: float = field(default_factory=clock.time)
    monotonic: float = field(default_factory=clock.monotonic)


@dataclass(frozen=True, kw_only=True)
class Checked(Event):
    """The machine as it was before the run: what was found, and facts for the report.

    A finding has name, level ("good", "caution", "stop"), found and advice.
    """

    findings: list[dict[str, str]]
    machine: dict[str, str | int | float]


@dataclass(frozen=True, kw_only=True)
class Planned(Event):
    """What was predicted before the run: bytes at the peak and bytes to be had, seconds of training, tokens."""

    memory: int
    available: int
    seconds: float
    tokens: int
    basis: str
    """Where the speed comes from, in words: an earlier run on this machine, or a matrix product timed just now."""


@dataclass(frozen=True, kw_only=True)
class Started(Event):
    """Training begins, or goes on from `resumed_from`."""

    base: str
    engine: str
    device: str
    dtype: str
    dtype_reason: str
    trainable: int
    parameters: int
    steps: int
    train_rows: int
    valid_rows: int
    resumed_from: int = 0
    devices: int = 1
    pid: int = 0


@dataclass(frozen=True, kw_only=True)
class Step(Event):
    """One optimizer update. `loss` is nats a trained token; `tokens` counts every real token, prompts included.

    `memory` is what the device holds (driver memory on mps, reserved on cuda, resident on cpu), `resident` what the
    process holds in main memory, `swap` what the whole machine has swapped out, all in bytes.
    """

    step: int
    loss: float
    lr: float
    grad_norm: float
    tokens: int
    trained_tokens: int
    seconds: float
    memory: int
    resident: int = 0
    swap: int = 0


@dataclass(frozen=True, kw_only=True)
class Validated(Event):
    """The validation rows, at `step`: nats a token, and whether that is the best so far."""

    step: int
    loss: float
    best: bool


@dataclass(frozen=True, kw_only=True)
class Saved(Event):
    """A checkpoint that was written and read back."""

    step: int
    checkpoint: str


@dataclass(frozen=True, kw_only=True)
class Sampled(Event):
    """A short answer of the model as it is at `step`, to a held-out prompt."""

    step: int
    prompt: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Warned(Event):
    """Something a person should know, and that did not stop the run."""

    message: str


@dataclass(frozen=True, kw_only=True)
class Finished(Event):
    """The end of a session.

    `reason` is "done" (the adapter is published, and comes from `best_step`), "interrupted" (saved, can go on), "not better"
    (every step taken, and none beats the untrained base, which is step 0) or "not published" (the adapter failed its proof, or
    could not be written). Only the first leaves an adapter.
    """

    step: int
    reason: str
    best_step: int
    best_loss: float | None
    seconds: float
    peak_memory: int = 0
    """Bytes at the highest point of this session, validation and checkpoints included; the plan's prediction is held against it."""


KINDS: dict[str, type[Event]] = {
    kind.__name__: kind for kind in (Checked, Planned, Started, Step, Validated, Sampled, Saved, Warned, Finished)
}
_SHAPES = {name: TypeAdapter(kind) for name, kind in KINDS.items()}


def to_line(event: Event) -> str:
    """One line of events.jsonl, newline included."""
    return json.dumps({"kind": type(event).__name__, **asdict(event)}, ensure_ascii=False) + "\n"


def read(path: Path) -> Iterator[Event]:
    """The events of a file, in order; a half-written last line and whatever else is no event is passed over."""
    if path.is_file():
        with path.open("rb") as lines:
            yield from filter(None, map(parse, lines))


def parse(line: bytes) -> Event | None:
    """The event of one line; None for half a line, a kind or a shape this version does not know, and impossible numbers."""
    try:
        record = json.loads(line.decode("utf-8", "replace"))
        event = _SHAPES[record["kind"]].validate_python(record)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    numbers = [value for value in vars(event).values() if isinstance(value, int | float)]
    sane = all(math.isfinite(value) and abs(value) < LARGEST for value in numbers) and 0 <= event.time < 1e11
    return event if sane else None


class Tail:
    """Follows events.jsonl: reads it once, then only what was added, and begins again when it is another file than before.

    Half a line stays unread until the rest of it is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def poll(self) -> tuple[bool, list[Event]]:
        """Whether the file began anew (what was told before no longer counts), and the events since the last look.

        Raises:
            OSError: the file is there and cannot be read.
        """
        before = self._seen
        try:
            stat = self.path.stat()
            now = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)
            if now == before:
                return False, []
            with self.path.open("rb") as file:
                anew = before is not None and (now[:2] != before[:2] or now[2] < self._read or not self._continues(file))
                if anew:
                    self._forget()
                file.seek(self._read)
                events: list[Event] = []
                while chunk := file.read(CHUNK):
                    events += self._feed(chunk)
        except FileNotFoundError:
            self._forget()
            return before is not None, []
        self._seen = now
        return anew, events

    def _forget(self) -> None:
        self._seen: tuple[int, int, int, int] | None = None
        self._read = 0
        self._anchor = b""
        self._rest = b""
        self._skipping = False

    def _continues(self, file: BinaryIO) -> bool:
        file.seek(self._read - len(self._anchor))
        return file.read(len(self._anchor)) == self._anchor

    def _feed(self, chunk: bytes) -> list[Event]:
        self._read += len(chunk)
        self._anchor = (self._anchor + chunk[-ANCHOR:])[-ANCHOR:]
        *lines, rest = (self._rest + chunk).split(b"\n")
        if lines and self._skipping:
            lines, self._skipping = lines[1:], False
        if len(rest) > LONGEST_LINE:
            rest, self._skipping = b"", True
        self._rest = b"" if self._skipping else rest
        return [event for line in lines if (event := parse(line)) is not None]
