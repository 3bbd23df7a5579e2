"""Rows that join and leave, on an engine whose batches are fixed: each row streams alone, and they take turns."""

from collections.abc import Collection, Iterator, Sequence

from pete.config import GenerateConfig
from pete.engines.protocol import Generator, Rows


class RowsInTurns(Rows):
    """One token of each row's own stream, round after round; the rows share nothing but the weights."""

    def __init__(self, engine: Generator, most: int) -> None:
        self._engine, self._most = engine, most
        self._streams: dict[int, Iterator[tuple[int, int]]] = {}
        self._joined = 0

    def join(self, prompt: Sequence[int], sampling: GenerateConfig, ends: Collection[int]) -> int:
        """See the protocol."""
        self._joined += 1
        self._streams[self._joined] = self._engine.stream([prompt], sampling, ends)
        return self._joined

    def step(self) -> list[tuple[int, int | None]]:
        """See the protocol."""
        drawn: list[tuple[int, int | None]] = []
        for row, stream in list(self._streams.items())[: self._most]:
            token = next(stream, None)
            drawn.append((row, None if token is None else token[1]))
            if token is None:
                self.leave(row)
        return drawn

    def leave(self, row: int) -> None:
        """See the protocol."""
        self._streams.pop(row, None)
