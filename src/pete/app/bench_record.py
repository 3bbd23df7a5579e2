"""The record of a bench while it goes on: whatever is measured already makes a table, and is on the disk."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pete.engines.bench import DECODING, OURS, TRAINING, Way
from pete.report.bench import Bench, Decoded, Floor, Load, OnDevice, Spread, Trained
from pete.report.bench_chart import bench_svg
from pete.run import write_atomic, write_json

NOT_REACHED = "not reached"
RESULT, PICTURE = "bench.json", "bench.svg"

Answer = dict[str, Any]
"""What a way's process said."""
Rounds = dict[int, Answer]
"""Number of a round -> what was said in it."""


@dataclass
class Said:
    """Of a way to answer."""

    ready: Answer
    one: Rounds = field(default_factory=dict)
    """One row."""
    many: Rounds = field(default_factory=dict)
    """Several together."""


@dataclass
class Taken:
    """What one device has given so far."""

    facts: Answer
    on: str
    """Stands behind a way's title where there are other devices."""
    together: bool
    warm_up: int
    """Steps that no figure is made of, where there are others."""
    reads: list[float]
    """Bytes of memory a second."""
    products: Answer
    """The floor's, of one step, before anything else."""
    steps: dict[str, Rounds] = field(default_factory=dict)
    """Way -> its steps, those that warm up included."""
    beside: dict[str, Rounds] = field(default_factory=dict)
    """Way -> the floor's products that were taken in turn with it."""
    losses: dict[str, float] = field(default_factory=dict)
    """Way -> held-out nats a token; the base's under the empty name."""
    said: dict[str, Said] = field(default_factory=dict)

    def measured(self, rounds: Rounds) -> Rounds:
        """The rounds after those that warm up; the last where there was time for no other."""
        return {number: answer for number, answer in rounds.items() if number >= self.warm_up} or dict(list(rounds.items())[-1:])

    def left(self, left_out: Mapping[str, str]) -> dict[str, str]:
        """What is neither measured nor left out."""
        missing = [way.title for way in TRAINING if way.name not in self.steps]
        missing += [] if len(self.losses) > len(self.steps) else ["held-out loss"]
        missing += [way.title for way in DECODING if not self._answered(way)]
        return {title + self.on: NOT_REACHED for title in missing if title + self.on not in left_out}

    def summed(self) -> OnDevice:
        """The figures. At least one step has been taken."""
        facts = self.facts
        floors = {id(answer): answer for rounds in self.beside.values() for answer in self.measured(rounds).values()}
        products = list(floors.values()) or [self.products]
        read = statistics.median(self.reads)
        return OnDevice(
            facts["device"], facts["card"], facts["dtype"], facts["dtype_reason"], facts["threads"], facts["parameters"],
            Floor(Spread.of([answer["tokens"] / answer["seconds"] for answer in products]),
                  statistics.median(answer["flops"] for answer in products), read),
            self.losses.get(""), self.together,
            tuple(self._trained(way) for way in TRAINING if way.name in self.steps),
            tuple(self._decoded(way, read) for way in DECODING if self._answered(way)),
        )  # fmt: skip

    def _answered(self, way: Way) -> bool:
        return way.name in self.said and bool(self.said[way.name].many)

    def _trained(self, way: Way) -> Trained:
        rounds = self.steps[way.name]
        measured = self.measured(rounds)
        speeds, ours, floor = (_speeds(self.measured(one)) for one in (rounds, self.steps.get(OURS.name, {}), self.beside[way.name]))
        return Trained(
            way.name, way.title, way.how, Spread.of(list(speeds.values())), tuple(answer["tokens"] for answer in measured.values()),
            min(measured), sum(answer["tokens"] for answer in rounds.values()), max(answer["peak"] for answer in measured.values()),
            self.losses.get(way.name), of_floor=_ratio(speeds, floor), ours_over=_ratio(ours, speeds) if ours else None,
        )  # fmt: skip

    def _decoded(self, way: Way, read: float) -> Decoded:
        said = self.said[way.name]
        one, many = _speeds(said.one), _speeds(said.many)
        peer = next((_speeds(self.said[other.name].one) for other in DECODING if not other.ours and other.name in self.said), {})
        return Decoded(
            way.name, way.title, way.how, Spread.of([answer["first"] for answer in said.one.values()]), Spread.of(list(one.values())),
            Spread.of(list(many.values())), max(answer["peak"] for answer in (said.ready, *said.one.values(), *said.many.values())),
            said.ready["read"], of_floor=statistics.median(one.values()) / (read / said.ready["read"]),
            over_peer=_ratio(one, peer) if peer else None,
        )  # fmt: skip


@dataclass
class Record:
    """A bench while it goes on."""

    out: Path
    """The folder of the two files."""
    bench: Bench
    """With everything that is known before something is measured."""
    load: Callable[[], Load]
    left_out: dict[str, str]
    """What was not run here -> why."""
    devices: Sequence[str]
    """That are to be measured."""
    began: float
    """On the clock of time.monotonic."""
    taken: list[Taken] = field(default_factory=list)

    @property
    def holds_a_figure(self) -> bool:
        """Whether any way has taken a step."""
        return any(one.steps for one in self.taken)

    def keep(self, finished: bool = False) -> Bench:
        """Write both files as far as the bench is; at least one step has been taken."""
        found = self.so_far(finished)
        write_json(self.out / RESULT, found.record())
        write_atomic(self.out / PICTURE, bench_svg(found))
        return found

    def so_far(self, finished: bool) -> Bench:
        """The bench as it is now; what has not come yet is left out, and says so."""
        left_out = dict(self.left_out)
        if not finished:
            for one in self.taken:
                left_out |= one.left(left_out)
            left_out |= {name.upper(): NOT_REACHED for name in self.devices[len(self.taken) :] if name.upper() not in left_out}
        return replace(
            self.bench, finished=finished, parameters=self.taken[0].facts["parameters"], seconds=time.monotonic() - self.began,
            load=self.load(), devices=tuple(one.summed() for one in self.taken if one.steps), left_out=left_out,
        )  # fmt: skip


def _speeds(rounds: Rounds) -> dict[int, float]:
    return {number: answer["tokens"] / answer["seconds"] for number, answer in rounds.items()}


def _ratio(these: Mapping[int, float], those: Mapping[int, float]) -> float:
    """The median of the ratios of each round, as what drifts from round to round cancels out; of the medians where none is of both."""
    both = these.keys() & those.keys()
    if not both:
        return statistics.median(these.values()) / statistics.median(those.values())
    return statistics.median(these[number] / those[number] for number in both)
