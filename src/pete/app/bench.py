"""Bench: what others use and what we have, on the same rows, in turn, beside what the hardware gives."""

import datetime
import os
import platform
import resource
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from pete import __version__
from pete.app.bench_record import RESULT, Answer, Record, Said, Taken
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
from pete.report.bench import Bench, Load
from pete.train.prepare import prepare
from pete.words import counted, duration, gigabytes, roughly

TOGETHER = 8
"""Rows that answer together."""
PROMPT = 100
"""Tokens of a prompt, where the base has room for them."""
SUSTAINED = 3.0
"""Seconds for which the floor's products are taken: long enough for a clock to fall under load."""
PROGRAM = 600 << 20
"""Bytes of a process with PyTorch in it, before there is any model."""
PACKAGES = ("torch", "transformers", "peft", "accelerate", "trl", "datasets", "numpy", "xllamacpp")
OF_FLOOR = 0.5
"""What a way reaches of the floor, for a forecast; and the seconds that its process takes to start."""
START = 10.0


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
    """Of training, in which each way has an equal share, the floor's products not counted; no round begins that would pass them."""


FULL = Size(steps=8, warm_up=2, rows=None, valid=None, answer=100, repeats=5, seconds=1800.0)
QUICK = Size(steps=4, warm_up=1, rows=4, valid=8, answer=32, repeats=2, seconds=110.0)


def bench(config: Config, notify: Notify, out: Path, quick: bool = False, steps: int | None = None) -> Bench:
    """Measure, and write bench.json and bench.svg: after each measurement as far as it is, and at the end.

    Args:
        config: base, persona, adapter, rows a step, device, dtype.
        notify: told what is measured, and what is not.
        out: folder for the two files.
        quick: in about five minutes on two cores with the embedded base.
        steps: measured steps, where not what the size says: as many at most where it is quick, and just as many where not.

    Returns:
        All of it; where Ctrl-C came after the first step, what was measured until then.

    Raises:
        UserError: the base is unknown or does not fit into memory. WorkError: our own way failed.
    """
    began, cpu = time.monotonic(), _cpu_seconds()
    size = QUICK if quick else FULL
    if steps is not None:
        size = replace(size, steps=steps, seconds=size.seconds if quick else float("inf"))
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
    lora = config.lora
    known = Bench(
        made=datetime.datetime.now().astimezone().isoformat(timespec="seconds"), quick=quick, finished=False, base=base.name,
        parameters=0, persona=prepared.persona.name, rows=together * config.train.accumulation,
        lora=f"rank {lora.rank}, alpha {lora.alpha:g}, dropout {lora.dropout:g}, {', '.join(lora.targets)}",
        answer=answer, together=TOGETHER, seconds=0.0, machine=_machine(), versions=_versions(),
        load=Load(_cores(), before, 0.0), devices=(), left_out={},
    )  # fmt: skip

    def load() -> Load:
        others = (_cpu_seconds() - cpu - _own_seconds()) / (time.monotonic() - began)
        return Load(_cores(), before, max(0.0, others))

    record = Record(out, known, load, left_out, devices, began)
    with tempfile.TemporaryDirectory(dir=out, prefix=".bench-") as folder:  # a GGUF may be too much for a disk in memory
        try:
            for device in devices:
                job = Job(Path(folder) / device, _with(config, "engine", device=device), ordered, valid, prompts, answer, OURS.name)
                try:
                    _on_device(job, base.name, size, notify, record)
                except (UserError, WorkError) as error:
                    if device == devices[0]:
                        raise
                    left_out[device.upper()] = error.message  # a Mac whose GPU is too small, or is not to be had
        except WorkError as error:
            kept = f"; what was measured until then: {out / RESULT}" if record.holds_a_figure else ""
            raise WorkError(error.message, error.hint + kept) from None
        except KeyboardInterrupt:
            if not record.holds_a_figure:
                raise
            return record.keep()
    for device in {"cuda", "mps"} - {one.facts["device"] for one in record.taken}:
        left_out.setdefault(device.upper(), "not run here")
    left_out["MLX"] = "not run here: Pete has no engine for it"
    return record.keep(finished=True)


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


def _on_device(job: Job, base: str, size: Size, notify: Notify, record: Record) -> None:
    """Floors, training, scores, answers."""
    job.write()
    left_out = record.left_out
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
        taken = Taken(facts, on, together, size.warm_up, [floor.ask(read=True)["speed"]], floor.ask(step=0, seconds=SUSTAINED))
        record.taken.append(taken)
        if not together:
            notify.message("memory does not hold all ways at once: they are taken one after the other, not in turn.", "note")
        seconds = forecast(ways, taken, job, size)
        alone = f"the matrix products of one step alone take {duration(taken.products['seconds'])}{on}"
        notify.message(f"about {roughly(seconds)} in all: {alone}; Ctrl-C ends it and shows what there is")
        try:
            _train(ways, floor, job, size, notify, record)
            notify.message("held-out loss of every adapter ...", "working")
            _score(job, record)
            _decode(floor, job, size, notify, record)
        except (UserError, WorkError):
            if not taken.steps:
                record.taken.remove(taken)
            raise


def weights(facts: dict[str, Any], dtype: str) -> int:
    """Bytes that a process with the base in it has at the least."""
    return facts["parameters"] * (4 if dtype == "float32" else 2) + (PROGRAM if facts["device"] == "cpu" else 0)


KEPT, KEPT_BY_PEERS = 24, 72
"""Values that are kept a token, layer and unit of width until the way back; peers keep copies for autocast, and eager attention its scores:
eight rows of the embedded base took 7 GB, and a bench that had reckoned with a third of it lost a way to the system."""


def expected(way: Way, facts: dict[str, Any], job: Job) -> int:
    """Bytes that a way will about need: weights, activations, and the logits where they are not taken in slices."""
    size = 4 if _dtype(way, facts) == "float32" else 2
    micros = [batch.lengths for micro in job.steps for batch in micro]
    longest = max(PADDED, *(max(lengths) for lengths in micros)) if way.name == "report" else max(len(n) * max(n) for n in micros)
    values = KEPT if way.ours or way.name == "report" else KEPT_BY_PEERS
    kept = longest * facts["layers"] * facts["width"] * values * size
    logits = 0 if way.ours or way.name == "trl" else 3 * 4 * longest * facts["vocabulary"]
    return weights(facts, _dtype(way, facts)) + kept + logits


def forecast(ways: Sequence[Way], taken: Taken, job: Job, size: Size) -> float:
    """Seconds that the whole of a device will about take, reckoned from the floor's products of one step and memory's speed."""
    facts, products = taken.facts, taken.products
    token = products["seconds"] / products["tokens"] / OF_FLOOR
    steps = {way.name: token * products["tokens"] for way in ways}
    if "report" in steps:
        padded = sum(max(PADDED, length) for batch in job.steps[0] for length in batch.lengths)
        steps["report"] = token * padded * (facts["slower_in_float32"] if facts["dtype"] != "float32" else 1.0)
    groups = [sum(steps.values())] if taken.together else list(steps.values())
    rounds = [_rounds(seconds, size, len(groups)) for seconds in groups]
    training = sum(count * seconds for count, seconds in zip(rounds, groups, strict=True))
    training += products["seconds"] * (rounds[0] if taken.together else len(groups))
    scored = (len(ways) + 1) * sum(len(batch.ids) for batch in job.valid) * token / 2
    read = facts["parameters"] * (4 if facts["dtype"] == "float32" else 2) / taken.reads[0]
    answered = read / OF_FLOOR * 2 * job.answer + token / 2 * len(job.prompts[0]) * (1 + TOGETHER)
    return training + scored + (1 + size.repeats) * len(DECODING) * answered + (2 * len(ways) + 1 + len(DECODING)) * START


def _rounds(seconds: float, size: Size, shares: int) -> int:
    """How many rounds of so many seconds a share of the time holds; one at the least."""
    most = size.warm_up + size.steps
    return most if seconds * most * shares <= size.seconds else max(1, int(size.seconds / shares // seconds))


def _dtype(way: Way, facts: dict[str, Any]) -> str:
    return "float32" if way.float32 else facts["dtype"]


def _train(ways: Sequence[Way], floor: Process, job: Job, size: Size, notify: Notify, record: Record) -> None:
    """Every way's steps; a way that fails is left out, and the others go on.

    Where they cannot stand side by side ours comes first and the slowest last: whoever stops it then has most of it.

    Raises:
        WorkError: ours failed.
    """
    taken = record.taken[-1]
    in_turn = [list(ways)] if taken.together else [[way] for way in sorted(ways, key=lambda way: (not way.ours, way.float32))]
    share = size.seconds / len(in_turn)
    for group in in_turn:
        with ExitStack() as stack:
            notify.message(f"loading {counted(len(group), 'way')} to train ...", "working")
            processes = [stack.enter_context(Process(way, job.folder)) for way in group]
            running = [process for process in processes if _tried(process.hear, process, record) is not None]
            _steps(running, "rounds of training" if taken.together else group[0].title, floor, size, share, notify, record)
            for process in running:
                if _tried(process.end, process, record) is None:
                    taken.steps.pop(process.way.name)
        if OURS in group and OURS.name not in taken.steps:
            raise WorkError(
                f"{OURS.title}: {record.left_out[OURS.title + taken.on]}", "pete train --plan, with the same settings, says more"
            )


def _steps(running: list[Process], title: str, floor: Process, size: Size, share: float, notify: Notify, record: Record) -> None:
    """Rounds of some ways, as many as fit into their share of the time and one at the least; who fails is taken out of `running`.

    The floor's products are taken in each round where all are in turn, else once before the way that follows.
    """
    taken, products, spent, most = record.taken[-1], {}, 0.0, size.warm_up + size.steps
    for number in range(most):
        if taken.together or not number:
            products[number] = floor.ask(step=number, seconds=SUSTAINED)
        began = time.monotonic()
        for process in list(running):
            name = process.way.name
            answer = _tried(process.ask, process, record)
            if answer is None:
                running.remove(process)
                taken.steps.pop(name, None)
                continue
            taken.beside[name] = products
            taken.steps.setdefault(name, {})[number] = answer
            record.keep()
        last = time.monotonic() - began
        spent += last
        notify.progress(f"{title}{taken.on}", number + 1, most)
        if not running:
            return
        if number + 1 < most and spent + last > share:
            why = f"{duration(share)} are meant for it" + ("" if number else ", so that its first step is the measurement")
            notify.message(f"{title}{taken.on}: stops after {number + 1} of {most}, for {why}")
            return


def _tried(call: Callable[[], Answer | None], process: Process, record: Record) -> Answer | None:
    """What it answers ({} for nothing); None where it failed, which is noted."""
    try:
        return call() or {}
    except WorkError as error:
        title = process.way.title  # which its message begins with
        record.left_out[title + record.taken[-1].on] = error.message.removeprefix(f"{title}: ")
        return None


def _score(job: Job, record: Record) -> None:
    """Held-out nats a token of the base alone, and of each way's adapter."""
    taken = record.taken[-1]
    with Process(SCORE, job.folder) as process:
        process.hear()
        for way in ("", *taken.steps):
            taken.losses[way] = process.ask(adapter=way)["loss"]
            record.keep()


def _decode(floor: Process, job: Job, size: Size, notify: Notify, record: Record) -> None:
    """Every way's answers: first how much it reads, then one row and several in turn, and memory's speed beside them."""
    taken = record.taken[-1]
    with ExitStack() as stack:
        notify.message("loading what answers ...", "working")
        running = []
        for process in [stack.enter_context(Process(way, job.folder)) for way in DECODING]:
            if (ready := _tried(process.hear, process, record)) is not None:
                taken.said[process.way.name] = Said(ready)
                running.append(process)
        for number in range(1 + size.repeats):
            taken.reads.append(floor.ask(read=True)["speed"])
            for process in list(running):
                said = taken.said[process.way.name]
                for rows, rounds in ((1, said.one), (TOGETHER, said.many)):
                    answer = _tried(lambda process=process, rows=rows: process.ask(rows=rows), process, record)
                    if answer is None:
                        running.remove(process)
                        taken.said.pop(process.way.name)
                        break
                    if number:  # the first warms up
                        rounds[number] = answer
                record.keep()
            notify.progress(f"rounds of answers{taken.on}", number + 1, 1 + size.repeats)


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
    """Of this process, of those it has started and ended, and of those that it has started and are at work."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    seconds = sum(one.ru_utime + one.ru_stime for one in used)
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):
            seconds += sum(child.cpu_times()[:2])
    return seconds


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
