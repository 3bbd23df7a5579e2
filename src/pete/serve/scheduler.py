"""One thread that owns the engine: answers join its rows as they are asked for, share every step, and leave when they end.

Nothing else touches the engine, and rows share nothing but its weights: what is drawn beside an answer does not change it.
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

Reason = Literal["time", "engine", "refused", "closing"]
"""Why an answer was not drawn to its end: it took too long, the engine failed, or does not take it, or the server is closing."""


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
    until: float = 0.0
    """When it has taken too long, on the monotonic clock."""


class Busy(Exception):
    """As many answers wait as may wait; `seconds` is a guess at when fewer do."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"busy for {seconds} s")
        self.seconds = seconds


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
            failed: hears the kind of each error of the engine, from the scheduler's thread.
        """
        self.post = post
        self.metrics = metrics
        self._engine, self._ends, self._limits, self._failed = engine, ends, limits, failed
        self._waiting: deque[Ask] = deque()
        self._active: dict[int, Ask] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="pete-scheduler", daemon=True)
        metrics.gauges |= {"pete_rows": lambda: len(self._active), "pete_waiting": lambda: len(self._waiting)}

    def start(self) -> None:
        """Begin to draw."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether it draws."""
        return self._thread.is_alive() and not self._closing

    def close(self, patience: float = 10.0) -> None:
        """End what is drawn, and the thread: after the step that is being computed."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(patience)

    def submit(self, asks: Sequence[Ask]) -> None:
        """Ask for answers, all of them or none.

        Raises:
            Busy: too many wait.
        """
        now = time.monotonic()
        with self._changed:
            # those that a free row is there for do not wait
            free = max(0, self._limits.rows - len(self._active))
            if self._closing or len(self._waiting) + len(asks) > self._limits.waiting + free:
                raise Busy(1 + len(self._waiting) // self._limits.rows)
            for ask in asks:
                ask.until = now + self._limits.request_seconds
            self._waiting.extend(asks)
            self._changed.notify()

    # --- the thread ----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        rows = self._engine.rows(self._limits.rows)
        while (fresh := self._next()) is not None:
            told: list[tuple[Ask, Delta | Failure]] = []
            try:
                self._sweep(rows, told)
                while fresh:
                    self._join(rows, fresh[0], told)
                    del fresh[0]
                if self._active:
                    self._step(rows, told)
            except Exception as error:  # whatever an engine raises: these answers are lost, the server is not
                self._failed(type(error).__name__)
                told += [(ask, Failure("engine")) for ask in (*self._active.values(), *fresh)]
                self._active.clear()
                rows = self._engine.rows(self._limits.rows)
            self._tell(told)
        self._tell([(ask, Failure("closing")) for ask in (*self._active.values(), *self._waiting)])

    def _next(self) -> list[Ask] | None:
        """Those whose turn it is; waits while there is nothing to do. None once it is closing."""
        with self._changed:
            while not (self._closing or self._active or self._waiting):
                self._changed.wait()
            if self._closing:
                return None
            room = self._limits.rows - len(self._active)
            return [self._waiting.popleft() for _ in range(min(room, len(self._waiting)))]

    def _sweep(self, rows: Rows, told: list[tuple[Ask, Delta | Failure]]) -> None:
        """Let go of what nobody listens to and of what has taken too long, waiting or drawn."""
        now = time.monotonic()
        for row, ask in list(self._active.items()):
            if ask.gone or now > ask.until:
                rows.leave(row)
                del self._active[row]
                self._drop(ask, told)
        with self._changed:
            late = [ask for ask in self._waiting if ask.gone or now > ask.until]
            for ask in late:
                self._waiting.remove(ask)
        for ask in late:
            self._drop(ask, told)

    def _drop(self, ask: Ask, told: list[tuple[Ask, Delta | Failure]]) -> None:
        if ask.gone:
            self.metrics.add("pete_answers_total", how="gone")
        else:
            told.append((ask, Failure("time")))

    def _join(self, rows: Rows, ask: Ask, told: list[tuple[Ask, Delta | Failure]]) -> None:
        if ask.gone:
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


def _hear(told: Sequence[tuple[Ask, Delta | Failure]]) -> None:
    for ask, heard in told:
        ask.hear(heard)
