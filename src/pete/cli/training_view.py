"""Training as it looks on a terminal: one bar with loss, speed and the time left; lines where there is no terminal."""

import contextlib
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from pete.events import Checked, Event, Finished, Planned, Sampled, Saved, Started, Step, Validated, Warned
from pete.words import duration

LINES_WITHOUT_TERMINAL = 20


class TrainingView:
    """Consumes events; knows nothing about training."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress(
            TextColumn("train", style="bold"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}  {task.fields[speed]}  left", markup=False),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_interactive,
        )
        self._task: TaskID | None = None
        self._steps = 1
        self._tokens = 0
        self._seconds = 0.0
        self._taken = 0
        self._smooth: float | None = None

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with contextlib.suppress(Exception):  # a closed window must not hide why training ended
            self._progress.stop()

    def show(self, event: Event) -> None:
        """Take one event."""
        match event:
            case Started():
                share = event.trainable / (event.parameters + event.trainable)
                self._say(
                    f"{event.base} on {event.engine}/{event.device}, {event.dtype} ({event.dtype_reason}); "
                    f"{event.trainable:,} parameters train, {share:.2%} of the model"
                )
                if event.resumed_from:
                    self._say(f"going on after step {event.resumed_from}")
                self._steps = event.steps
                self._task = self._progress.add_task("train", total=event.steps, completed=event.resumed_from, loss="-", speed="")
            case Step():
                self._tokens += event.tokens
                self._seconds += event.seconds
                self._taken += 1
                self._smooth = event.loss if self._smooth is None else 0.9 * self._smooth + 0.1 * event.loss
                speed = f"{self._tokens / self._seconds:.0f} tok/s"
                if self._task is not None:
                    self._progress.update(self._task, completed=event.step, loss=f"{self._smooth:.3f}", speed=speed)
                every = max(1, self._steps // LINES_WITHOUT_TERMINAL)
                if not self._console.is_interactive and event.step % every == 0:
                    left = duration((self._steps - event.step) * self._seconds / self._taken)
                    self._say(f"step {event.step}/{self._steps}  loss {self._smooth:.3f}  {speed}  about {left} left")
            case Validated():
                name = "before training" if event.step == 0 else f"step {event.step}"
                self._say(f"{name}: validation loss {event.loss:.4f}{'  (best so far)' if event.best else ''}")
            case Sampled():
                self._say(f"step {event.step}, asked: {event.prompt}\n  {event.text}")
            case Warned():
                self._say(Text.assemble(("note:", "yellow"), f" {event.message}"))
            case Finished(reason="done"):
                self._say(f"trained in {duration(event.seconds)}; the best step was {event.best_step}; adapter saved, reloaded and checked")
            case Checked() | Planned() | Finished() | Saved():
                pass

    def _say(self, line: str | Text) -> None:
        self._console.print(line)
