"""Follow events.jsonl: read it once, then only what was added; begin again when it is another file than before."""

from pathlib import Path
from typing import BinaryIO

from pete.events import Event, parse

CHUNK = 1 << 20
LONGEST_LINE = 1 << 22
"""Bytes; a longer line is no event, and is passed over without being kept."""
ANCHOR = 64
"""Bytes before the place read up to; they must still be there, or the file was cut and written anew."""


class Tail:
    """A file that grows. Half a line stays unread until the rest of it is there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._forget()

    def poll(self) -> tuple[bool, list[Event]]:
        """Whether the file began anew (what was told before no longer counts), and the events since the last look.

        Raises:
            OSError: the file is there and cannot be read.
        """
        known = self._known
        try:
            found = self.path.stat()
            now = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if now == known:
                return False, []
            with self.path.open("rb") as file:
                anew = known is not None and (now[:2] != known[:2] or now[2] < self._read or not self._continues(file))
                if anew:
                    self._forget()
                file.seek(self._read)
                events: list[Event] = []
                while chunk := file.read(CHUNK):
                    events += self._feed(chunk)
        except FileNotFoundError:
            self._forget()
            return known is not None, []
        self._known = now
        return anew, events

    def _forget(self) -> None:
        self._known: tuple[int, int, int, int] | None = None
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
