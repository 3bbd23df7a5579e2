"""What `pete bench` found, as numbers: medians with their spread, and every one as a ratio to what was measured beside it."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

BUSY = 0.1
"""Share of the cores at other work from which on a machine is busy."""


@dataclass(frozen=True)
class Spread:
    """A figure that was taken several times."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Trained:
    """A way to train, after the same rows in the same order as every other."""

    way: str
    title: str
    how: str
    speed: Spread
    """Real tokens a second: padding counts for nobody."""
    tokens: tuple[int, ...]
    """Of each step that was measured."""
    warm_up: int
    """Steps before those; 0 where even one left no time for another, so that it is the measurement."""
    learned: int
    """Tokens of all steps, which the held-out loss is taken after."""
    peak: int
    """Bytes of its process at the highest point; on a GPU of the device."""
    held_out: float | None
    """Nats a token on rows it has not seen, after all steps; None where the bench was stopped before."""
    of_floor: float
    ours_over: float | None
    """How many times as fast ours is; None where the bench was stopped before."""

    @property
    def extent(self) -> tuple[int, int, int]:
        """(steps that warm up, steps that were measured, tokens of all)."""
        return self.warm_up, len(self.tokens), self.learned


@dataclass(frozen=True)
class Decoded:
    """A way to answer, with the adapter that ours trained."""

    way: str
    title: str
    how: str
    first: Spread
    """Seconds to the first token of one row."""
    one: Spread
    """Tokens a second of one row, after the first."""
    many: Spread
    """The same of several rows together."""
    peak: int
    read: int
    """Bytes of weights that a token of one row needs."""
    of_floor: float
    """One row, of what reading these bytes allows."""
    over_peer: float | None
    """One row, how many times as fast as transformers' generate; None where that was not run."""


@dataclass(frozen=True)
class Floor:
    """What the hardware gives."""

    speed: Spread
    """Real tokens a second if there were nothing but the frozen matrices' products."""
    flops: float
    """Operations a second of these products."""
    read: float
    """Bytes a second."""


@dataclass(frozen=True)
class OnDevice:
    """Everything measured on one device."""

    device: str
    card: str
    dtype: str
    dtype_reason: str
    threads: int
    parameters: int
    floor: Floor
    base_loss: float | None
    """Held-out nats a token of the base alone; None where the bench was stopped before."""
    together: bool
    """The ways took their steps in turn, all in memory; else one way after the other."""
    trained: tuple[Trained, ...]
    """At least one."""
    decoded: tuple[Decoded, ...]

    @property
    def extent(self) -> tuple[int, int, int]:
        """That of the way that came furthest."""
        return max((one.extent for one in self.trained), key=lambda extent: (extent[2], extent[1]))


@dataclass(frozen=True)
class Load:
    """Cores at other work: before, and during all of it on average."""

    cores: int
    before: float
    during: float

    @property
    def busy(self) -> bool:
        """Whether the figures are those of a machine that had other things to do."""
        return max(self.before, self.during) > BUSY * self.cores


@dataclass(frozen=True)
class Bench:
    """One bench."""

    made: str
    """When, ISO."""
    quick: bool
    finished: bool
    """Else it goes on, or was stopped: what is missing is among what is left out."""
    base: str
    parameters: int
    persona: str
    rows: int
    """Of a step."""
    lora: str
    answer: int
    together: int
    """Rows that answer together."""
    seconds: float
    machine: Mapping[str, Any]
    versions: Mapping[str, str]
    load: Load
    devices: tuple[OnDevice, ...]
    left_out: Mapping[str, str]
    """What was not run here -> why."""

    def record(self) -> dict[str, Any]:
        """As one JSON object."""
        found = asdict(self)
        found["load"]["busy"] = self.load.busy
        return found
