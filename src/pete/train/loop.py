"""The training loop: yields events, knows no backend, writes no logs."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pete.config import Config
from pete.data.batch import Batch, Sequencer
from pete.engines.protocol import Trainer
from pete.events import Event, Finished, Sampled, Saved, Started, Step, Validated, Warned
from pete.machine.memory import swap_used
from pete.train import checkpoint
from pete.train.checkpoint import Progress
from pete.train.guard import SwapGuard, check_base, check_finite, check_validation
from pete.train.schedule import lr


class Stop:
    """Whether a training is to stop and save at the end of its step. Anybody may request it, from any thread."""

    def __init__(self) -> None:
        self.signal_number = 0

    def request(self, signal_number: int = signal.SIGINT) -> None:
        """Stop at the next step's end; a program then ends as it does after this signal."""
        self.signal_number = signal_number

    def __call__(self) -> bool:
        """Whether it was requested."""
        return self.signal_number != 0

    def __enter__(self) -> "Stop":
        """The loop begins."""
        return self

    def __exit__(self, *_: object) -> None:
        """The loop has ended."""


@dataclass(frozen=True)
class Job:
    """What the loop trains, and from where."""

    engine: Trainer
    """Loaded, with its adapter on."""
    sequencer: Sequencer
    valid: list[Batch]
    config: Config
    checkpoints: Path
    facts: Mapping[str, Any]
    """What must not change before a run goes on; kept with each checkpoint."""
    progress: Progress
    trainable: int
    """Parameters that train."""
    stop: Callable[[], bool]
    sample: Callable[[], tuple[str, str]] | None = None
    """Asks the model, as it is now, for a short answer: (prompt, answer)."""


def mean_loss(engine: Trainer, batches: Sequence[Batch]) -> float:
    """Nats a trained token over all batches: the sum of losses over the sum of tokens."""
    sums = engine.losses(batches)
    return sum(sum(s.nats) for s in sums) / sum(sum(s.tokens) for s in sums)


def train(job: Job) -> Iterator[Event]:
    """Train from `job.progress` to the last step, or until `job.stop()` says so at a step's end.

    A checkpoint is saved every train.save_every steps, at each new best, when stopping and at the end. Between two
    yields the engine holds exactly the state the last event describes. The best step is the one with the lowest validation
    loss, the untrained base (step 0) among them; without validation rows it is the last one.

    Raises:
        WorkError: a loss or gradient stopped being a number. BaseModelError: it was none before the first update.
    """
    engine, sequencer, valid, config, progress = job.engine, job.sequencer, job.valid, job.config, job.progress
    began = time.monotonic()
    before = progress.seconds
    swap = SwapGuard()
    yield Started(
        base=engine.base.name,
        engine=engine.name,
        device=engine.device,
        dtype=engine.dtype,
        dtype_reason=engine.dtype_reason,
        trainable=job.trainable,
        parameters=engine.parameters,
        steps=sequencer.steps,
        train_rows=len(sequencer.rows),
        valid_rows=sum(len(batch.lengths) for batch in valid),
        resumed_from=progress.step,
        devices=engine.devices,
        pid=os.getpid(),
    )
    if valid and progress.step == 0:
        loss = mean_loss(engine, valid)
        check_base(loss, 0.0, engine.base.name)
        progress = replace(progress, base_loss=loss, best_loss=loss)
        yield Validated(step=0, loss=loss, best=False)
    warned = False
    for micro in sequencer.steps_from(progress.step):
        start = time.monotonic()
        rate = lr(progress.step, sequencer.steps, config.optim)
        result = engine.train_step(micro, rate)
        if progress.step == 0:
            check_base(result.nats / result.tokens, result.grad_norm, engine.base.name)
        check_finite(result, progress.step + 1, config.optim.learning_rate)
        now = time.monotonic()
        progress = replace(progress, step=progress.step + 1, seconds=before + now - began)
        memory, swapped = engine.memory(), swap_used()
        yield Step(
            step=progress.step,
            loss=result.nats / result.tokens,
            lr=rate,
            grad_norm=result.grad_norm,
            tokens=sum(len(batch.ids) for batch in micro),
            trained_tokens=result.tokens,
            seconds=now - start,
            memory=memory.current,
            resident=memory.resident,
            swap=swapped,
        )
        if grown := swap.look(swapped):
            yield Warned(message=grown)
        last = progress.step == sequencer.steps
        stopping = job.stop()
        improved = False
        if last or progress.step % config.train.eval_every == 0:
            if valid:
                loss = mean_loss(engine, valid)
                check_validation(loss, progress.step, config.optim.learning_rate)
                improved = progress.best_loss is None or loss < progress.best_loss
                if improved:
                    progress = replace(progress, best_step=progress.step, best_loss=loss)
                yield Validated(step=progress.step, loss=loss, best=improved)
                if not warned and progress.base_loss is not None and loss > progress.base_loss:
                    warned = True
                    yield Warned(message=worse_than_the_base(progress.step, loss, progress.base_loss))
            else:  # nothing to validate on: the last step is the best we know
                progress = replace(progress, best_step=progress.step)
        if job.sample is not None and config.train.sample_every and progress.step % config.train.sample_every == 0:
            yield _sampled(job.sample, progress.step)
        if last or stopping or improved or progress.step % config.train.save_every == 0:
            progress = replace(progress, seconds=before + time.monotonic() - began)
            saved = checkpoint.write(engine, job.checkpoints, progress, job.facts)
            checkpoint.rotate(job.checkpoints, progress.best_step)
            yield Saved(step=progress.step, checkpoint=saved.name)
        if stopping and not last:
            break
    done = progress.step == sequencer.steps
    yield Finished(
        step=progress.step,
        reason="interrupted" if not done else "not better" if valid and not progress.best_step else "done",
        best_step=progress.best_step if valid else progress.step,
        best_loss=progress.best_loss,
        seconds=before + time.monotonic() - began,
        peak_memory=engine.memory().peak,
    )


def worse_than_the_base(step: int, loss: float, base_loss: float) -> str:
    """The first look that is worse than the start, in words."""
    return (
        f"at step {step} the validation loss is {loss:.4f}, worse than the {base_loss:.4f} of the untrained base: where it stays above, "
        "nothing will be published; a lower optim.learning_rate is the first thing to try"
    )


def _sampled(sample: Callable[[], tuple[str, str]], step: int) -> Event:
    """A sample is a courtesy: whatever goes wrong with it is a note."""
    try:
        prompt, text = sample()
    except Exception as error:
        return Warned(message=f"no sample was drawn: {str(error) or type(error).__name__}")
    return Sampled(step=step, prompt=prompt, text=text)
