"""The tracking process: follows events.jsonl as it grows, and sends the numbers to W&B."""

import os
import resource
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pete.events import Event, Finished, Started, Tail
from pete.run import RunDir
from pete.tracking import send
from pete.tracking.rows import Row, Rows, facts, hyperparameters, summary
from pete.tracking.sidecar import FINISH_SECONDS, LONGEST
from pete.tracking.wandb_run import WandbRun

if TYPE_CHECKING:
    from wandb import Run

POLL_SECONDS = 1.0
SAVE_SECONDS = 20.0  # W&B writes its file every 15: what was sent one save ago is in it
SIGNS = {"error 401": "its server refused the key", "error 403": "its server refused the key for this project",
         "deadline exceeded": "its server could not be reached"}  # fmt: skip
MAKING_WAY = 10  # niceness: training comes first
LARGEST = 256 * 10**6  # bytes of one file of W&B's; a step is about one kilobyte


def follow_run(run: RunDir, mode: str, pipe: int) -> int:
    """Send a run's numbers to W&B until training is done; what went wrong is left in wandb/run.json.

    Args:
        run: the run, its folder absolute.
        mode: "offline" or "online".
        pipe: a descriptor that is at its end when training is.

    Returns:
        The exit code: 0, or 1 when something went wrong.
    """
    os.nice(MAKING_WAY)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))  # W&B's own process included: the disk is for checkpoints
    state = WandbRun.read(run)
    state.problem = ""
    over = threading.Event()

    def give_up(problem: str) -> NoReturn:
        try:
            state.problem = problem
            _leave(run, state)
        finally:
            os._exit(1)

    here = Path.cwd()
    send.settle(run)
    watch(pipe, FINISH_SECONDS[mode], over, give_up)
    sender = Sender(run, mode, state, here)
    try:
        send.load()
        for event in _follow(run.events_file, over):
            sender.take(event)
        sender.close()
    except BaseException as error:
        state.problem = f"W&B failed: {_reason(error)}."
    _leave(run, state)
    return 1 if state.problem else 0


class Sender:
    """Holds the W&B run, and what it has been given."""

    def __init__(self, run: RunDir, mode: str, state: WandbRun, here: Path) -> None:
        self.run = run
        self.mode = mode
        self.state = state
        self.here = here
        self._wandb: Run | None = None
        self._rows = Rows(state.step, samples=False)
        self._finished: Finished | None = None
        self._saved_at = time.monotonic()
        self._sent_by_then = state.step

    def take(self, event: Event) -> None:
        """Send what an event adds; the first Started opens the W&B run."""
        if isinstance(event, Started):
            self._finished = None  # what is before it in the file was another session
            wandb_run = self._wandb or self._open()
            wandb_run.config.update({"started": facts(event)}, allow_val_change=True)
        if self._wandb is None:
            return
        if isinstance(event, Finished):
            self._finished = event
        self._log(self._rows.take(event))
        if time.monotonic() - self._saved_at > SAVE_SECONDS:
            self.state.step, self._sent_by_then = self._sent_by_then, self._rows.sent
            self.state.write(self.run)
            self._saved_at = time.monotonic()

    def close(self) -> None:
        """Send the rest and how the run ended, and wait until W&B has it."""
        if self._wandb is None:
            return
        self._log(self._rows.rest())
        if self._finished:
            self._wandb.summary.update(summary(self._finished))
        send.close_run(self._wandb, 0 if self._finished and self._finished.reason in ("done", "interrupted") else 1)
        self.state.step = self._rows.sent

    def _open(self) -> "Run":
        config = self.run.read_config().config
        self._rows = Rows(self.state.step, config.tracking.samples)
        self.state.write(self.run)
        values = hyperparameters(config, self.here)
        opening = (self.state.id, self.run.name[:LONGEST], config.tracking.project)
        try:
            self._wandb = send.open_run(*opening, self.mode, values, self._stopped)
        except Exception as error:
            if self.mode == "offline":
                raise
            self.state.problem = f"W&B did not take the run: {_reason(error)}."
            send.forget_run(self.state.id)
            self._wandb = send.open_run(*opening, "offline", values, self._stopped)
        return self._wandb

    def _log(self, ready: tuple[int, Row] | None) -> None:
        if ready and self._wandb is not None:
            self._wandb.log(ready[1], step=ready[0], commit=True)

    def _stopped(self) -> None:
        """W&B calls this after an error it cannot recover from, and when its stop button is pressed."""
        self.state.problem = "W&B stopped taking the numbers: an error it did not recover from, or its stop button."


def watch(pipe: int, seconds: float, over: threading.Event, give_up: Callable[[str], object]) -> None:
    """Wait in a thread until training is done or gone, which closes the pipe, and then only so long: W&B may hang for ever.

    Args:
        pipe: descriptor that is at its end when training is.
        seconds: what W&B may take after that.
        over: set when training is done.
        give_up: ends the process, with a sentence that says why.
    """

    def wait() -> None:
        while os.read(pipe, 64):
            pass
        over.set()
        time.sleep(seconds)
        give_up(f"W&B had not finished {seconds:.0f} s after the run and was ended.")

    threading.Thread(target=wait, daemon=True).start()


def _follow(path: Path, over: threading.Event) -> Iterator[Event]:
    """The events that are there, then those that come, until training is over and all are read, or the run was deleted."""
    tail = Tail(path)
    while True:
        last = over.is_set() or not path.parent.is_dir()  # asked before reading: nothing is written after it was set
        yield from tail.poll()[1]
        if last:
            return
        over.wait(POLL_SECONDS)


def _leave(run: RunDir, state: WandbRun) -> None:
    if state.problem:
        print(time.strftime("%Y-%m-%d %H:%M:%S"), state.problem, file=sys.stderr, flush=True)
    try:
        state.write(run)
    except OSError as error:  # the disk is full, or the run was deleted
        print(f"run.json was not written: {error.strerror}", file=sys.stderr, flush=True)
    send.clean_up(send.SCRATCH.parent)


def _reason(error: BaseException) -> str:
    text = f"{type(error).__name__}: {error}".strip(": \n")
    print(text, file=sys.stderr, flush=True)
    return next((words for sign, words in SIGNS.items() if sign in text), text.splitlines()[0][:200].rstrip("."))
