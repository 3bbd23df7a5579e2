"""Is it enough: the same training on a quarter, on half and on all of the rows, held against text that none of them saw."""

import hashlib
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pete import run as runs
from pete.app.notify import Notify
from pete.app.train import Training, new_training, train
from pete.data.batch import Sequencer
from pete.data.examples import Example, same_answer, written
from pete.data.task_share import texts_in
from pete.errors import UserError, WorkError
from pete.evaluate.log import HeldOut
from pete.evaluate.stats import Interval, paired
from pete.evaluate.suite import score_held_out
from pete.events import read
from pete.generate.stream import open_tuned
from pete.history import fold
from pete.run import RunDir, unused
from pete.train.loop import Stop

SHARES = (0.25, 0.5, 1.0)


@dataclass(frozen=True)
class Point:
    """A training on a share of the rows."""

    rows: int
    passes: float
    """How often it went through them; the steps are the same for every share."""
    bits: float
    """Bits a byte of the held-out answers: the fewer, the better they are foreseen."""
    gain: Interval
    """Bits a byte saved against the untrained base."""
    run: RunDir


@dataclass(frozen=True)
class Curve:
    """What more rows brought."""

    points: tuple[Point, ...]
    base: float
    """Bits a byte under the untrained base."""
    last: Interval
    """Bits a byte that the second half of the rows saved."""

    @property
    def verdict(self) -> str:
        """Whether more of the same rows would help, as far as this can tell."""
        saved = f"{self.last.mean:.3f} bits a byte (95%: {self.last.low:.3f} to {self.last.high:.3f})"
        if self.last.low > 0:
            return f"The second half of the rows still saved {saved}: more of them would probably help."
        if self.last.high < 0:
            return f"The second half of the rows cost {-self.last.mean:.3f} bits a byte: look at what they are, or train longer."
        few = " With so few held-out topics only a large difference would be seen." if self.last.underpowered else ""
        return f"What the second half of the rows saved, {saved}, may be nothing: more of the same is not what is missing.{few}"


def learning_curve(preset: str | None, overrides: Sequence[str], notify: Notify, stop: Stop | None = None) -> Curve:
    """Train on each share of the rows, with equal steps, and score the test rows under each.

    The runs stay below runs/; the one on all rows is an ordinary training. Topics stay whole, and each share holds the smaller ones.

    Raises:
        UserError: it cannot be trained, or no rows are held out. WorkError: a training failed, or none was better than the base.
        Interrupted: `stop` was requested.
    """
    steps = new_training(preset, None, overrides).prepared.sequencer.steps
    whole = new_training(preset, None, [*overrides, f"train.steps={steps}"])
    test = written(whole.prepared.splits["test"])
    if not test:
        raise UserError("No rows are held out to measure on.", "add rows, or raise data.test_share")
    stamp = time.strftime("%Y%m%d-%H%M%S")
    trained: list[tuple[Sequencer, RunDir, list[HeldOut]]] = []
    failed: WorkError | None = None
    for share in SHARES:
        training = _on(whole, share)
        count = len(training.prepared.splits["train"])
        notify.message(f"{count} of {len(whole.prepared.splits['train'])} rows, {steps} steps", "title")
        folder = unused(runs.RUNS / f"{stamp}-curve-{count}-rows")
        try:
            train(training, notify, stop, folder)
        except WorkError as error:
            if fold(read(RunDir(folder).events_file)).session.reason != "not better":
                raise
            failed = error
            trained.append((training.prepared.sequencer, RunDir(folder), []))
            continue
        tuned = open_tuned(RunDir(folder))
        scored = score_held_out(tuned.engine, tuned.renderer, test, notify.progress, "held-out text")
        trained.append((training.prepared.sequencer, RunDir(folder), scored))
    known = next((scored for _, _, scored in trained if scored), None)
    if known is None:
        assert failed is not None
        raise failed
    # a training that was never better is the base
    as_base = [row.model_copy(update={"tuned_nats": row.base_nats}) for row in known]
    points = [(sequencer, run, scored or as_base) for sequencer, run, scored in trained]
    return Curve(
        tuple(
            Point(
                len(sequencer.rows),
                steps * sequencer.micro_batch * sequencer.accumulation / sequencer.texts,
                _bits([row.tuned_nats for row in scored], scored),
                _saved([row.base_nats - row.tuned_nats for row in scored], scored),
                run,
            )
            for sequencer, run, scored in points
        ),
        _bits([row.base_nats for row in known], known),
        _saved([before.tuned_nats - after.tuned_nats for before, after in zip(points[-2][2], points[-1][2], strict=True)], known),
    )


def _on(whole: Training, share: float) -> Training:
    """The training on a share of each category's topics; rows made from rows follow them."""
    rows = whole.prepared.splits["train"]
    names: dict[str, list[str]] = {}
    for row in written(rows):
        names.setdefault(row.category, []).append(_topic(row))
    chosen: set[str] = set()
    for topics in names.values():
        ordered = sorted(set(topics), key=lambda topic: hashlib.sha256(topic.encode()).digest())
        chosen.update(ordered[: math.ceil(share * len(ordered))])
    own = [row for row in written(rows) if _topic(row) in chosen]
    keys, texts = {row.augmented_from or row.key for row in own}, {same_answer(row) for row in own}
    kept = [number for number, row in enumerate(rows) if (row.augmented_from or row.key) in keys or same_answer(row) in texts]
    prepared = whole.prepared
    rendered = [prepared.rendered["train"][number] for number in kept]
    part = replace(
        prepared,
        splits={**prepared.splits, "train": [rows[number] for number in kept]},
        rendered={**prepared.rendered, "train": rendered},
        sequencer=Sequencer(rendered, whole.resolved.config, texts_in([rows[number] for number in kept])),
    )
    return replace(whole, prepared=part)


def _topic(row: Example) -> str:
    return row.topic or row.key


def _bits(nats: Sequence[float], rows: Sequence[HeldOut]) -> float:
    return sum(nats) / sum(row.text_bytes for row in rows) / math.log(2)


def _saved(nats: Sequence[float], rows: Sequence[HeldOut]) -> Interval:
    return paired([one / math.log(2) for one in nats], [row.topic for row in rows], sizes=[row.text_bytes for row in rows])
