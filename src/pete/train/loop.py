"""The training loop: yields events, knows no backend, writes no logs."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
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

Sample = Callable[[], tuple[str, str]]
"""Ask the model, as it is now, for a short answer: (prompt, answer)."""


def mean_loss(engine: Trainer, batches: Sequence[Batch]) -> float:
    """Nats a trained token over all batches: the sum of losses over the sum of tokens."""
    sums = [engine.loss(batch) for batch in batches]
    return sum(sum(s.nats) for s in sums) / sum(sum(s.tokens) for s in sums)


def train(
    engine: Trainer,
    sequencer: Sequencer,
    valid: Sequence[Batch],
    config: Config,
    checkpoints: Path,
    facts: Mapping[str, Any],
    progress: Progress,
    trainable: int,
    stop: Callable[[], bool],
    sample: Sample | None = None,
) -> Iterator[Event]:
    """Train from `progress` to the last step, or until `stop()` says so at a step's end.

    A checkpoint is saved every train.save_every steps, at each new best, when stopping and at the end. Between two
    yields the engine holds exactly the state the last event describes. The best step is the one with the lowest validation
    loss, the untrained base (step 0) among them; without validation rows it is the last one.

    Raises:
        WorkError: a loss or gradient stopped being a number. BaseModelError: it was none before the first update.
    """
    began = time.monotonic()
    before = progress.seconds
    swap = SwapGuard()
    yield Started(
        base=engine.base.name,
        engine=engine.name,
        device=engine.device,
        dtype=engine.dtype,
        dtype_reason=engine.dtype_reason,
        trainable=trainable,
        parameters=engine.parameters,
        steps=sequencer.steps,
        train_rows=len(sequencer.rows),
        valid_rows=sum(len(batch.lengths) for batch in valid),
        resumed_from=progress.step,
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
        stopping = stop()
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
        if sample is not None and config.train.sample_every and progress.step % config.train.sample_every == 0:
            yield _sampled(sample, progress.step)
        if last or stopping or improved or progress.step % config.train.save_every == 0:
            progress = replace(progress, seconds=before + time.monotonic() - began)
            saved = checkpoint.write(engine, checkpoints, progress, facts)
            checkpoint.rotate(checkpoints, progress.best_step)
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


def _sampled(sample: Sample, step: int) -> Event:
    """A sample is a courtesy: whatever goes wrong with it is a note."""
    try:
        prompt, text = sample()
    except Exception as error:
        return Warned(message=f"no sample was drawn: {str(error) or type(error).__name__}")
    return Sampled(step=step, prompt=prompt, text=text)
