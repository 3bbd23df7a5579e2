"""Bench: what others use and what we have, on the same rows, in turn, beside what the hardware gives."""

import datetime
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from pete import __version__
from pete.app.notify import Notify
from pete.config import EMBEDDED_BASE, Config
from pete.data.batch import Batch
from pete.data.render import Rendered
from pete.engines.base_models.resolve import resolve_base
from pete.engines.bench import DECODING, FLOOR, OURS, PADDED, SCORE, TRAINING, Way
from pete.engines.bench.job import Job
from pete.engines.bench.process import Process
from pete.errors import UserError, WorkError
from pete.machine.probes import Probes
from pete.machine.readings import read_machine
from pete.report.bench import Bench, Decoded, Floor, Load, OnDevice, Spread, Trained
from pete.report.bench_chart import bench_svg
from pete.run import write_atomic, write_json
from pete.train.prepare import prepare
from pete.words import counted, duration, gigabytes

TOGETHER = 8
"""Rows that answer together."""
PROMPT = 100
"""Tokens of a prompt, where the base has room for them."""
PROGRAM = 600 << 20
"""Bytes of a process with PyTorch in it, before there is any model."""
PACKAGES = ("torch", "transformers", "peft", "accelerate", "trl", "datasets", "numpy", "xllamacpp")

Answers = dict[str, list[dict[str, Any]]]
"""Way -> its answers, in order."""


@dataclass(frozen=True)
class Size:
    """How much is done."""

    steps: int
    warm_up: int
    rows: int | None
    """Of a step at most; None is what the configuration says."""
    valid: int | None
    """Rows that are scored; None is all."""
    answer: int
    repeats: int
    seconds: float
    """After which no new round of training begins."""


FULL = Size(steps=8, warm_up=2, rows=None, valid=None, answer=100, repeats=5, seconds=float("inf"))
QUICK = Size(steps=4, warm_up=1, rows=4, valid=8, answer=32, repeats=2, seconds=110.0)


def bench(config: Config, notify: Notify, out: Path, quick: bool = False, steps: int | None = None) -> Bench:
    """Measure, and write bench.json and bench.svg.

    Args:
        config: base, persona, adapter, rows a step, device, dtype.
        notify: told what is measured, and what is not.
        out: folder for the two files.
        quick: in about five minutes on two cores with the embedded base.
        steps: measured steps, where not what the size says.

    Raises:
        UserError: the base is unknown or does not fit into memory. WorkError: our own way failed.
    """
    began, cpu = time.monotonic(), _cpu_seconds()
    size = replace(QUICK if quick else FULL, **({} if steps is None else {"steps": steps}))
    before = _busy_cores()
    if Load(_cores(), before, 0.0).busy:
        notify.message(f"this machine is busy: {before:.1f} of {_cores()} cores are at other work, and every figure suffers.", "note")
    left_out = {way.title: f"{', '.join(way.missing)} not installed: pete install bench" for way in TRAINING if way.missing}
    for title, why in left_out.items():
        notify.message(f"{title}: {why}", "note")
    together = config.train.rows_together
    if size.rows is not None:
        config = _with(config, "train", accumulation=1)
        together = min(size.rows, together)
    config = _with(config, "train", micro_batch=together)
    config = _with(config, "train", steps=size.steps + size.warm_up, epochs=None)
    config = _with(config, "optim", warmup_steps=0)
    prepared = prepare(config)
    base = resolve_base(config.model)
    ordered = same_rows(prepared.rendered["train"], config, size.steps + size.warm_up)
    valid = prepared.valid if size.valid is None else [Batch.of(prepared.rendered["valid"][: size.valid])]
    length = min(PROMPT, base.context // 4)
    prompts = [np.resize(row.ids, length).tolist() for row in _cycled(prepared.rendered["train"], TOGETHER)]
    devices = ("cpu", "mps") if platform.system() == "Darwin" and config.engine.device == "auto" else (config.engine.device,)
    answer = min(size.answer, base.context - length - 1)
    out.mkdir(parents=True, exist_ok=True)
    found = []
    with tempfile.TemporaryDirectory(dir=out, prefix=".bench-") as folder:  # a GGUF may be too much for a disk in memory
        for device in devices:
            job = Job(Path(folder) / device, _with(config, "engine", device=device), ordered, valid, prompts, answer, OURS.name)
            try:
                found.append(_on_device(job, base.name, size, notify, left_out))
            except (UserError, WorkError) as error:
                if not found:
                    raise
                left_out[device.upper()] = error.message  # a Mac whose GPU is too small, or is not to be had
    for device in {"cuda", "mps"} - {one.device for one in found}:
        left_out.setdefault(device.upper(), "not run here")
    left_out["MLX"] = "not run here: Pete has no engine for it"
    seconds = time.monotonic() - began
    others = max(0.0, (_cpu_seconds() - cpu - _own_seconds()) / seconds)
    lora = config.lora
    count = len(found[0].trained[0].tokens)
    result = Bench(
        made=datetime.datetime.now().astimezone().isoformat(timespec="seconds"), quick=quick, base=base.name,
        parameters=found[0].parameters, persona=prepared.persona.name,
        rows=together * config.train.accumulation, steps=count, warm_up=size.warm_up,
        learned=sum(len(batch.ids) for micro in ordered[: count + size.warm_up] for batch in micro),
        lora=f"rank {lora.rank}, alpha {lora.alpha:g}, dropout {lora.dropout:g}, {', '.join(lora.targets)}",
        answer=answer, together=TOGETHER, seconds=seconds, machine=_machine(), versions=_versions(),
        load=Load(_cores(), before, others), devices=tuple(found), left_out=left_out,
    )  # fmt: skip
    write_json(out / "bench.json", result.record())
    write_atomic(out / "bench.svg", bench_svg(result))
    return result


def same_rows(rows: Sequence[Rendered], config: Config, steps: int) -> list[list[Batch]]:
    """The micro-batches of each step: rows of about a length together, as those who pad want it, the batches in a random order."""
    micro, accumulation = config.train.rows_together, config.train.accumulation
    random = np.random.default_rng(config.train.seed)
    order = np.resize(random.permutation(len(rows)), steps * accumulation * micro)
    by_length = sorted(order.tolist(), key=lambda number: len(rows[number]))
    batches = [Batch.of([rows[number] for number in by_length[at : at + micro]]) for at in range(0, len(by_length), micro)]
    shuffled = [batches[number] for number in random.permutation(len(batches)).tolist()]
    return [shuffled[at : at + accumulation] for at in range(0, len(shuffled), accumulation)]


def _cycled(rows: Sequence[Rendered], count: int) -> Iterator[Rendered]:
    return (rows[number % len(rows)] for number in range(count))


# --- one device ------------------------------------------------------------------------------------------------------------


def _on_device(job: Job, base: str, size: Size, notify: Notify, left_out: dict[str, str]) -> OnDevice:
    """Floors, training, scores, answers."""
    job.write()
    with Process(FLOOR, job.folder) as floor:
        notify.message("looking at device and base ...", "working")
        facts = floor.hear()
        chosen = _with(_with(job.config, "engine", device=facts["device"]), "model", dtype=facts["dtype"])
        job = replace(job, config=chosen)
        job.write()
        on = "" if facts["device"] == "cpu" else f" on {facts['device']}"
        if (needed := weights(facts, facts["dtype"])) > facts["available"]:
            raise UserError(
                f"{base} does not fit: in {facts['dtype']} its weights and one process need {gigabytes(needed)}{on}, "
                f"and {gigabytes(facts['available'])} can be had.",
                f"close other programs; a smaller base: --set model.base={EMBEDDED_BASE}"
                + ("; half of it: --set model.dtype=bfloat16" if facts["dtype"] == "float32" else ""),
            )
        ways = []
        for way in TRAINING:
            if (needed := weights(facts, _dtype(way, facts))) > facts["available"]:
                left_out[way.title + on] = f"does not fit: its weights need {gigabytes(needed)}, {gigabytes(facts['available'])} can be had"
            elif not way.missing:
                ways.append(way)
        together = sum(expected(way, facts, job) for way in ways) < facts["available"]
        if not together:
            notify.message("memory does not hold all ways at once: they are taken one after the other, not in turn.", "note")
        answers = _train(ways, floor, job, size, together, notify, left_out, on)
        if OURS.name not in answers:
            raise WorkError(left_out[OURS.title + on], "pete train --plan, with the same settings, says more")
        notify.message("held-out loss of every adapter ...", "working")
        losses = _score([way for way in answers if way != FLOOR.name], job)
        said = _decode(floor, job, size, notify, left_out, on)
        return _summed(facts, answers, losses, said, size, together)


def weights(facts: dict[str, Any], dtype: str) -> int:
    """Bytes that a process with the base in it has at the least."""
    return facts["parameters"] * (4 if dtype == "float32" else 2) + (PROGRAM if facts["device"] == "cpu" else 0)


def expected(way: Way, facts: dict[str, Any], job: Job) -> int:
    """Bytes that a way will about need: weights, activations, and the logits where they are not taken in slices."""
    size = 4 if _dtype(way, facts) == "float32" else 2
    micros = [batch.lengths for micro in job.steps for batch in micro]
    longest = max(PADDED, *(max(lengths) for lengths in micros)) if way.name == "report" else max(len(n) * max(n) for n in micros)
    kept = longest * facts["layers"] * facts["width"] * 24 * size
    logits = 0 if way.ours or way.name == "trl" else 3 * 4 * longest * facts["vocabulary"]
    return weights(facts, _dtype(way, facts)) + kept + logits


def _dtype(way: Way, facts: dict[str, Any]) -> str:
    return "float32" if way.float32 else facts["dtype"]


def _train(
    ways: Sequence[Way], floor: Process, job: Job, size: Size, together: bool, notify: Notify, left_out: dict[str, str], on: str
) -> Answers:
    """Every way's answers after the warm-up; a way that fails is left out, and the others go on."""
    answers: Answers = {}
    began = time.monotonic()
    for group in [list(ways)] if together else [[way] for way in ways]:
        with ExitStack() as stack:
            notify.message(f"loading {counted(len(group), 'way')} to train ...", "working")
            processes = [stack.enter_context(Process(way, job.folder)) for way in group]
            running = [process for process in processes if _tried(process.hear, process, left_out, on) is not None]
            if FLOOR.name not in answers:
                running.insert(0, floor)
            for number in range(size.warm_up + size.steps):
                round_began = time.monotonic()
                for process in list(running):
                    answer = _tried(process.ask, process, left_out, on)
                    if answer is None:
                        running.remove(process)
                        answers.pop(process.way.name, None)
                    elif number >= size.warm_up:
                        answers.setdefault(process.way.name, []).append(answer)
                what = "rounds of training" if together else group[0].title
                notify.progress(f"{what}{on}", number + 1, size.warm_up + size.steps)
                now = time.monotonic()
                if together and number >= size.warm_up and now - began + (now - round_began) > size.seconds:
                    notify.message(f"training stops after {counted(number + 1, 'round')}: {duration(size.seconds)} are meant for it")
                    break
            for process in running:
                if process is not floor and _tried(process.end, process, left_out, on) is None:
                    answers.pop(process.way.name)
    return answers


def _tried(call: Any, process: Process, left_out: dict[str, str], on: str) -> Any:
    """What it answers ({} for nothing); None where it failed, which is noted."""
    try:
        return call() or {}
    except WorkError as error:
        left_out[process.way.title + on] = error.message
        return None


def _score(ways: Sequence[str], job: Job) -> dict[str, float]:
    """Held-out nats a token of each way's adapter, and of the base alone under its empty name."""
    with Process(SCORE, job.folder) as process:
        process.hear()
        return {way: process.ask(adapter=way)["loss"] for way in ("", *ways)}


def _decode(floor: Process, job: Job, size: Size, notify: Notify, left_out: dict[str, str], on: str) -> Answers:
    """Every way's answers: first how much it reads, then one row and several in turn; the floor's are memory's speed."""
    answers: Answers = {}
    with ExitStack() as stack:
        notify.message("loading what answers ...", "working")
        running = []
        for process in [stack.enter_context(Process(way, job.folder)) for way in DECODING]:
            if (ready := _tried(process.hear, process, left_out, on)) is not None:
                answers[process.way.name] = [ready]
                running.append(process)
        for number in range(1 + size.repeats):
            answers.setdefault(floor.way.name, []).append(floor.ask(read=True))
            for process in list(running):
                for rows in (1, TOGETHER):
                    answer = _tried(lambda process=process, rows=rows: process.ask(rows=rows), process, left_out, on)
                    if answer is None:
                        running.remove(process)
                        answers.pop(process.way.name)
                        break
                    if number:  # the first warms up
                        answers[process.way.name].append(answer)
            notify.progress(f"rounds of answers{on}", number + 1, 1 + size.repeats)
    return answers


# --- the sums --------------------------------------------------------------------------------------------------------------


def _summed(facts: dict[str, Any], answers: Answers, losses: dict[str, float], said: Answers, size: Size, together: bool) -> OnDevice:
    speeds = {way: [answer["tokens"] / answer["seconds"] for answer in given] for way, given in answers.items()}
    read = statistics.median(answer["speed"] for answer in said.pop(FLOOR.name))
    trained = [
        Trained(
            way.name, way.title, way.how, Spread.of(speeds[way.name]), tuple(answer["tokens"] for answer in answers[way.name]),
            max(answer["peak"] for answer in answers[way.name]), losses[way.name],
            of_floor=_ratio(speeds[way.name], speeds[FLOOR.name]), ours_over=_ratio(speeds[OURS.name], speeds[way.name]),
        )
        for way in TRAINING
        if way.name in answers
    ]  # fmt: skip
    peer = next((_alone(said[way.name]) for way in DECODING if not way.ours and way.name in said), None)
    decoded = []
    for way in DECODING:
        if way.name in said:
            ready, one, many = said[way.name][0], _alone(said[way.name]), said[way.name][2::2]
            alone = [answer["tokens"] / answer["seconds"] for answer in one]
            decoded.append(
                Decoded(
                    way.name, way.title, way.how, Spread.of([answer["first"] for answer in one]), Spread.of(alone),
                    Spread.of([answer["tokens"] / answer["seconds"] for answer in many]),
                    max(answer["peak"] for answer in said[way.name]), ready["read"],
                    of_floor=statistics.median(alone) / (read / ready["read"]),
                    over_peer=_ratio(alone, [answer["tokens"] / answer["seconds"] for answer in peer]) if peer else None,
                )
            )  # fmt: skip
    floor = Floor(Spread.of(speeds[FLOOR.name]), statistics.median(answer["flops"] for answer in answers[FLOOR.name]), read)
    return OnDevice(
        facts["device"], facts["card"], facts["dtype"], facts["dtype_reason"], facts["threads"], facts["parameters"], floor, losses[""],
        together, tuple(trained), tuple(decoded),
    )  # fmt: skip


def _alone(given: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """The answers of one row; the first that was said is what is read."""
    return given[1::2]


def _ratio(these: Sequence[float], those: Sequence[float]) -> float:
    """The median of the ratios of each round: what drifts from round to round cancels out."""
    return statistics.median(a / b for a, b in zip(these, those, strict=False))


# --- the machine -----------------------------------------------------------------------------------------------------------


def _with(config: Config, section: str, **values: Any) -> Config:
    return config.model_copy(update={section: getattr(config, section).model_copy(update=values)})


def _cores() -> int:
    return os.cpu_count() or 1


def _busy_cores() -> float:
    """Cores at work in the second before anything is started."""
    return psutil.cpu_percent(interval=1.0) / 100 * _cores()


def _cpu_seconds() -> float:
    """Of the whole machine, at work, since it was started."""
    times = psutil.cpu_times()
    return sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)


def _own_seconds() -> float:
    """Of this process and of those it has started and ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _machine() -> dict[str, Any]:
    read = read_machine(Probes())
    usable = len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else read.cores
    return {
        "chip": read.chip or read.machine, "cores": read.cores, "usable_cores": usable, "system": f"{read.os} {read.version or ''}".strip(),
        "memory": read.memory.total if read.memory else 0, "on_battery": read.on_battery, "python": read.python,
    }  # fmt: skip


def _versions() -> dict[str, str]:
    found = {"pete": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
