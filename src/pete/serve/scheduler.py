"""One thread that owns the engine: answers join its rows as they are asked for, share every step, and leave when they end.

Nothing else touches the engine, and rows share nothing but its weights: what is drawn beside an answer does not change it.
A second thread watches the first: nobody waits for ever for an engine that does not come back from a step.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pete.config import GenerateConfig
from pete.engines.protocol import Generator, Rows
from pete.errors import UserError
from pete.generate.stream import Delta, Drawing
from pete.serve.limits import Limits
from pete.serve.metrics import Metrics

Reason = Literal["time", "engine", "hung", "refused", "closing"]
"""Why an answer is not drawn to its end: it took too long, the engine failed, hangs, or does not take it, or the server is closing."""
State = Literal["ok", "hung", "engine", "closing"]
LOOK = 1.0
"""Seconds between looks at a step that is being computed, at most; shorter where the limit is."""


@dataclass(frozen=True)
class Failure:
    """An answer that will not come."""

    reason: Reason
    words: str = ""


@dataclass(eq=False)
class Ask:
    """One answer that is wanted."""

    number: int
    """Of the answers to its request; the row of its deltas."""
    prompt: Sequence[int]
    sampling: GenerateConfig
    drawing: Drawing
    hear: Callable[[Delta | Failure], None]
    """Gets its text as it becomes certain; last a delta with the whole answer, or a failure. Called as `Scheduler.post` says."""
    gone: bool = False
    """Nobody listens any more: its row leaves before the next step. Anybody may set it."""
    told: bool = False
    """The watch has told it of its failure, and its row leaves as if nobody listened."""
    read: bool = False
    """Its prompt has been read: its first token was drawn."""
    until: float = 0.0
    """When it has taken too long, on the monotonic clock."""


class Busy(Exception):
    """As many answers wait as may wait; `seconds` is a guess at when fewer do."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"busy for {seconds} s")
        self.seconds = seconds


class Unable(Exception):
    """Nothing is drawn at the moment, and `failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason)
        self.failure = failure


class Scheduler:
    """Draws what is asked, side by side."""

    def __init__(
        self,
        engine: Generator,
        ends: frozenset[int],
        limits: Limits,
        metrics: Metrics,
        post: Callable[[Callable[[], None]], object] = lambda call: call(),
        failed: Callable[[str], None] = lambda kind: None,
    ) -> None:
        """Get ready; `start` begins.

        Args:
            engine: loaded; only the scheduler's thread uses it from now on.
            ends: ids that end an answer.
            limits: how many at a time, how many may wait, how long each may take.
            metrics: counts what is drawn.
            post: where calls to `Ask.hear` are made; by default in the scheduler's own thread.
            failed: hears the kind of each error of the engine, from one of the scheduler's threads.
        """
        self.post = post
        self.metrics = metrics
        self._engine, self._ends, self._limits, self._failed = engine, ends, limits, failed
        self._waiting: deque[Ask] = deque()
        self._fresh: list[Ask] = []
        """Those whose turn has come, and that have no row yet."""
        self._active: dict[int, Ask] = {}
        self._changed = threading.Condition()
        self._closing = threading.Event()
        self._since: float | None = None
        """When the engine was given what it is computing; None while it has nothing to do."""
        self._hung = False
        self._thread = threading.Thread(target=self._run, name="pete-scheduler", daemon=True)
        self._watcher = threading.Thread(target=self._watch, name="pete-watch", daemon=True)
        metrics.read |= {
            "pete_rows": lambda: len(self._active),
            "pete_waiting": lambda: len(self._waiting),
            "pete_guessed_tokens_total": lambda: engine.guessed[0],
            "pete_guessed_tokens_drawn_total": lambda: engine.guessed[1],
        }

    def start(self) -> None:
        """Begin to draw."""
        self._since = time.monotonic()
        self._thread.start()
        self._watcher.start()

    @property
    def state(self) -> State:
        """Whether it draws, and why not: the engine hangs, or the thread ended because the engine cannot even begin again."""
        if self._closing.is_set():
            return "closing"
        return "hung" if self._hung else "ok" if self._thread.is_alive() or self._thread.ident is None else "engine"

    def close(self, patience: float = 10.0) -> None:
        """End what is drawn, and the threads: after the step that is being computed."""
        with self._changed:
            self._closing.set()
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(patience)
            self._watcher.join(patience)

    def submit(self, asks: Sequence[Ask]) -> None:
        """Ask for answers, all of them or none.

        Raises:
            Busy: too many wait.
            Unable: nothing is drawn.
        """
        now = time.monotonic()
        with self._changed:
            if self.state != "ok":
                raise Unable(self._failure(self.state))
            # those that a free row is there for do not wait
            free = max(0, self._limits.rows - len(self._active))
            if len(self._waiting) + len(asks) > self._limits.waiting + free:
                raise Busy(1 + len(self._waiting) // self._limits.rows)
            for ask in asks:
                ask.until = now + self._limits.request_seconds
            self._waiting.extend(asks)
            self._changed.notify()

    def _failure(self, reason: Reason) -> Failure:
        return Failure(reason, f"The engine has not come back from a step for {self._patience():.0f} seconds." if reason == "hung" else "")

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            rows = self._engine.rows(self._limits.rows)
            while self._next():
                told: list[tuple[Ask, Delta | Failure]] = []
                try:
                    self._sweep(rows, told)
                    while self._fresh:
                        self._join(rows, self._fresh[0], told)
                        del self._fresh[0]
                    if self._active:
                        self._step(rows, told)
                except Exception as error:  # whatever an engine raises: these answers are lost, the server is not
                    self._failed(type(error).__name__)
                    told += [(ask, Failure("engine")) for ask in self._inside() if not ask.told]
                    self._active.clear()
                    self._fresh.clear()
                    self._tell(told)
                    rows = self._engine.rows(self._limits.rows)
                else:
                    self._tell(told)
        except Exception as error:  # it cannot begin again
            self._failed(type(error).__name__)
        with self._changed:
            left, self._since = [*self._inside(), *self._waiting], None
            self._waiting.clear()
        self._tell([(ask, Failure("closing" if self._closing.is_set() else "engine")) for ask in left if not ask.told])

    def _next(self) -> bool:
        """Take those whose turn it is; wait while there is nothing to do. False once it is closing."""
        with self._changed:
            self._since, self._hung = None, False  # it has come back
            while not (self._closing.is_set() or self._active or self._waiting):
                self._changed.wait()
            room = self._limits.rows - len(self._active)
            self._fresh += [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]
            self._since = time.monotonic()
            return not self._closing.is_set()

    def _sweep(self, rows: Rows, told: list[tuple[Ask, Delta | Failure]]) -> None:
        """Let go of what nobody listens to and of what has taken too long, waiting or drawn."""
        now = time.monotonic()
        for row, ask in list(self._active.items()):
            if ask.gone or ask.told or now > ask.until:
                rows.leave(row)
                del self._active[row]
                self._drop(ask, told)
        with self._changed:
            late = [ask for ask in self._waiting if ask.gone or ask.told or now > ask.until]
            for ask in late:
                self._waiting.remove(ask)
        for ask in late:
            self._drop(ask, told)

    def _drop(self, ask: Ask, told: list[tuple[Ask, Delta | Failure]]) -> None:
        if ask.told:
            return
        if ask.gone:
            self.metrics.add("pete_answers_total", how="gone")
        else:
            told.append((ask, Failure("time")))

    def _join(self, rows: Rows, ask: Ask, told: list[tuple[Ask, Delta | Failure]]) -> None:
        if ask.gone or ask.told:
            self._drop(ask, told)
            return
        try:
            row = rows.join(ask.prompt, ask.sampling, self._ends)
        except UserError as error:
            told.append((ask, Failure("refused", error.message)))
            return
        self._active[row] = ask
        self.metrics.add("pete_prompt_tokens_total", len(ask.prompt))

    def _step(self, rows: Rows, told: list[tuple[Ask, Delta | Failure]]) -> None:
        began = time.perf_counter()
        drawn = rows.step()
        self.metrics.add("pete_steps_total")
        self.metrics.add("pete_step_seconds_total", time.perf_counter() - began)
        for row, token in drawn:
            ask = self._active[row]
            ask.read = True
            if ask.told:
                continue  # it leaves before the next step
            text = ask.drawing.finish() if token is None else ask.drawing.push(token)
            if not ask.drawing.ended:
                if text:
                    told.append((ask, Delta(ask.number, text)))
                continue
            rows.leave(row)
            answer = ask.drawing.answer(len(self._active))
            del self._active[row]
            self.metrics.add("pete_answers_total", how=answer.stop)
            self.metrics.add("pete_answer_tokens_total", answer.tokens)
            self.metrics.add("pete_first_token_seconds_total", answer.first_token_seconds)
            told.append((ask, Delta(ask.number, text, answer)))

    def _tell(self, told: Sequence[tuple[Ask, Delta | Failure]]) -> None:
        for _, heard in told:
            if isinstance(heard, Failure):
                self.metrics.add("pete_answers_total", how=heard.reason)
        if told:
            self.post(lambda: _hear(told))

    # --- the watch -----------------------------------------------------------------------------------------------

    def _inside(self) -> list[Ask]:
        """Those whose turn has come; one that is just joining is in both places."""
        return list(dict.fromkeys((*list(self._active.values()), *list(self._fresh))))

    def _patience(self) -> float:
        """Seconds that what the engine is computing now may take."""
        unread = sum(len(ask.prompt) for ask in self._inside() if not ask.read)
        return self._limits.step_seconds + unread * self._limits.token_seconds

    def _watch(self) -> None:
        """Tell those that wait for a step that takes too long, all of them where it takes for ever."""
        look = min(LOOK, self._limits.step_seconds / 4, self._limits.request_seconds / 4)
        while not self._closing.wait(look):
            with self._changed:
                now, since = time.monotonic(), self._since
                if since is None:
                    continue
                hangs = not self._hung and now - since > self._patience()
                self._hung = self._hung or hangs
                failure = self._failure("hung") if self._hung else Failure("time")
                late = [
                    ask
                    for ask in (*self._inside(), *self._waiting)
                    if not (ask.gone or ask.told) and (self._hung or now > ask.until + look)
                ]
                for ask in late:
                    ask.told = True
            if hangs:
                self._failed("the engine hangs")
            self._tell([(ask, failure) for ask in late])


def _hear(told: Sequence[tuple[Ask, Delta | Failure]]) -> None:
    for ask, heard in told:
        ask.hear(heard)
