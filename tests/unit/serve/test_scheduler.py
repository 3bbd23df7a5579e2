import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pete.data.render import Message
from pete.errors import UserError
from pete.generate.stream import Delta, Drawing, answer_all, prompt_ids
from pete.serve.limits import Limits
from pete.serve.metrics import Metrics
from pete.serve.scheduler import Ask, Busy, Failure, Scheduler, Unable
from tests.server import fake_tuned, wait_until


class Bench:
    """A scheduler over the fake engine, and what was heard of each answer."""

    def __init__(self, delay: float = 0.0, **limits) -> None:
        self.tuned = fake_tuned(delay)
        self.engine, self.metrics, self.failed = self.tuned.engine, Metrics(), []
        self.limits = Limits(**limits)
        self.scheduler = Scheduler(self.engine, self.tuned.renderer.ends, self.limits, self.metrics, failed=self.failed.append)
        self.heard: dict[int, list[Delta | Failure]] = {}

    def ask(self, number: int, seed: int = 0, tokens: int = 20) -> Ask:
        sampling = self.tuned.config.generate.model_copy(update={"seed": seed, "max_new_tokens": tokens})
        ids = prompt_ids(self.tuned.renderer, [Message("user", "Hi.")], sampling)
        self.heard[number] = []
        return Ask(number, ids, sampling, Drawing(self.tuned.renderer, self.tuned.stops), self.heard[number].append)

    def submit(self, *asks: Ask) -> None:
        self.scheduler.submit(asks)

    def last(self, number: int) -> Delta | Failure | None:
        return self.heard[number][-1] if self.heard[number] else None

    def ended(self, *numbers: int) -> bool:
        return wait_until(lambda: all(isinstance(last := self.last(n), Failure) or (last and last.answer) for n in numbers))

    def text(self, number: int) -> str:
        return "".join(delta.text for delta in self.heard[number] if isinstance(delta, Delta))


@contextmanager
def bench(delay: float = 0.0, **limits) -> Iterator[Bench]:
    made = Bench(delay, **limits)
    made.scheduler.start()
    try:
        yield made
    finally:
        made.scheduler.close()
        assert made.scheduler.state == "closing"


def alone(made: Bench, seed: int, tokens: int = 20) -> str:
    sampling = made.tuned.config.generate.model_copy(update={"seed": seed, "max_new_tokens": tokens})
    fresh = fake_tuned()
    (answer,) = answer_all(fresh.engine, fresh.renderer, [[Message("user", "Hi.")]], sampling, fresh.stops)
    return answer.text


def test_an_answer_is_what_it_is_alone_whoever_is_drawn_beside_it():
    with bench(delay=0.002) as made:
        for number in range(6):  # they join one after the other, and share the rest
            made.submit(made.ask(number, seed=number, tokens=30 + number))
            time.sleep(0.01)
        assert made.ended(*range(6))
        assert max(made.engine.steps) > 1, "several shared a step"
        assert [made.text(number) for number in range(6)] == [alone(made, number, 30 + number) for number in range(6)]
        assert len({made.text(number) for number in range(6)}) == 6


def test_what_a_draft_guessed_is_counted(monkeypatch):
    with bench() as made:
        monkeypatch.setattr(type(made.engine), "guessed", property(lambda engine: (7, 4)))
        said = made.metrics.text()
    assert (
        "# TYPE pete_guessed_tokens_total counter\npete_guessed_tokens_total 7\n" in said and "pete_guessed_tokens_drawn_total 4\n" in said
    )


def test_one_thread_and_no_other_touches_the_engine():
    with bench() as made:
        made.submit(made.ask(0), made.ask(1))
        assert made.ended(0, 1) and made.engine.threads == {"pete-scheduler"}


def test_no_more_rows_than_there_are_and_the_rest_in_turn():
    with bench(rows=2, waiting=10, delay=0.001) as made:
        made.submit(*(made.ask(number) for number in range(7)))
        assert made.ended(*range(7)) and max(made.engine.steps) == 2
        assert made.metrics.get("pete_answers_total", how="length") == 7 and made.metrics.get("pete_answer_tokens_total") == 140


def test_too_many_are_told_when_to_come_back_and_none_of_them_is_drawn():
    with bench(rows=1, waiting=2, delay=0.01) as made:
        made.submit(made.ask(0, tokens=60))
        assert wait_until(lambda: made.engine.steps)
        made.submit(made.ask(1))
        with pytest.raises(Busy) as busy:
            made.submit(made.ask(2), made.ask(3))
        assert busy.value.seconds >= 1 and "pete_waiting 1\n" in made.metrics.text()
        made.submit(made.ask(4))
        assert made.ended(0, 1, 4) and made.heard[2] == made.heard[3] == []


def test_who_goes_away_leaves_at_the_next_step_drawn_or_waiting():
    with bench(rows=1, delay=0.01) as made:
        first, second, third = made.ask(0, tokens=2000), made.ask(1, tokens=2000), made.ask(2)
        made.submit(first, second, third)
        assert wait_until(lambda: len(made.heard[0]) > 2)
        second.gone = True
        first.gone = True
        steps = len(made.engine.steps)
        assert made.ended(2) and made.heard[1] == []
        assert len(made.engine.steps) - steps < 25, "20 of the third, and what was under way"
        assert made.metrics.get("pete_answers_total", how="gone") == 2


def test_what_takes_too_long_is_ended_drawn_or_waiting():
    with bench(rows=1, delay=0.02, request_seconds=0.3) as made:
        made.submit(made.ask(0, tokens=2000), made.ask(1))
        assert made.ended(0, 1)
        assert made.last(0) == made.last(1) == Failure("time") and made.text(0) and not made.text(1)
        made.submit(made.ask(2, tokens=3))
        assert made.ended(2) and made.text(2), "and the next is drawn"


def test_a_step_that_fails_ends_what_it_drew_and_nothing_else():
    with bench(rows=2, delay=0.005) as made:
        made.submit(made.ask(0, tokens=500), made.ask(1, tokens=500), made.ask(2, seed=9))
        assert wait_until(lambda: made.engine.steps)
        made.engine.faults.append(MemoryError("secret words of a prompt"))
        assert made.ended(0, 1, 2) and made.engine.faults == []
        assert made.last(0) == made.last(1) == Failure("engine") and made.text(2) == alone(made, 9)
        assert made.failed == ["MemoryError"], "its kind, and nothing of what it says"
        assert made.scheduler.state == "ok" and made.metrics.get("pete_answers_total", how="engine") == 2


def test_a_prompt_that_the_engine_does_not_take_ends_alone():
    with bench(delay=0.005) as made:
        made.submit(made.ask(0, seed=3, tokens=60))
        assert wait_until(lambda: made.engine.steps)
        made.engine.refuses.append(UserError("Too long.", "a hint"))
        made.submit(made.ask(1))
        assert made.ended(0, 1) and made.last(1) == Failure("refused", "Too long.") and made.text(0) == alone(made, 3, 60)


def test_a_join_that_fails_takes_nobody_unheard():
    with bench() as made:
        made.engine.refuses.append(RuntimeError())
        made.submit(made.ask(0), made.ask(1))
        assert made.ended(0, 1) and made.last(0) == made.last(1) == Failure("engine")
        made.submit(made.ask(2))
        assert made.ended(2) and made.text(2)


def test_closing_tells_everybody_and_takes_nobody_more():
    with bench(rows=1, delay=0.01) as made:
        made.submit(made.ask(0, tokens=2000), made.ask(1))
        assert wait_until(lambda: made.engine.steps)
        made.scheduler.close()
        assert made.last(0) == made.last(1) == Failure("closing")
        with pytest.raises(Unable) as unable:
            made.submit(made.ask(2))
        assert unable.value.failure.reason == "closing"
    assert not {"pete-scheduler", "pete-watch"} & {thread.name for thread in threading.enumerate()}


def test_what_is_heard_is_posted_once_a_step():
    made, calls = Bench(), []
    made.scheduler.post = lambda call: (calls.append(call), call())
    made.submit(*(made.ask(number) for number in range(4)))
    made.scheduler.start()
    assert made.ended(*range(4)) and len(calls) <= len(made.engine.steps)
    made.scheduler.close()


def test_an_engine_that_hangs_is_said_to_everybody_and_when_it_comes_back_all_rows_are_free():
    with bench(rows=2, delay=0.005, step_seconds=0.2, token_seconds=0) as made:
        made.submit(made.ask(0, tokens=2000), made.ask(1, tokens=2000), made.ask(2))
        assert wait_until(lambda: len(made.heard[0]) > 2)
        made.engine.flows.clear()
        assert made.ended(0, 1, 2) and {made.last(number).reason for number in range(3)} == {"hung"}
        assert made.scheduler.state == "hung" and made.failed == ["the engine hangs"], "said once"
        with pytest.raises(Unable) as unable:
            made.submit(made.ask(3))
        assert unable.value.failure.reason == "hung" and "0 seconds" in unable.value.failure.words
        steps = len(made.engine.steps)
        made.engine.flows.set()
        assert wait_until(lambda: made.scheduler.state == "ok" and not made.scheduler._active)
        made.submit(made.ask(4, seed=4), made.ask(5, seed=5))
        assert made.ended(4, 5) and [made.text(4), made.text(5)] == [alone(made, 4), alone(made, 5)]
        assert max(made.engine.steps[steps:]) == 2 and made.metrics.get("pete_answers_total", how="hung") == 3
        assert "pete_rows 0\n" in made.metrics.text() and all(isinstance(made.last(number), Failure) for number in range(3))


def test_an_engine_that_takes_long_to_read_does_not_hang():
    with bench(step_seconds=0.1, token_seconds=1.0) as made:
        made.engine.flows.clear()
        made.submit(made.ask(0))
        time.sleep(0.4)
        assert made.scheduler.state == "ok" and made.heard[0] == []
        made.engine.flows.set()
        assert made.ended(0) and made.text(0) == alone(made, 0)


def test_what_takes_too_long_is_told_so_in_the_middle_of_a_step():
    with bench(request_seconds=0.2) as made:
        made.engine.flows.clear()
        made.submit(made.ask(0))
        assert made.ended(0) and made.last(0) == Failure("time") and made.scheduler.state == "ok"
        made.engine.flows.set()
        made.submit(made.ask(1))
        assert made.ended(1) and made.text(1) == alone(made, 0) and made.metrics.get("pete_answers_total", how="time") == 1


def test_a_server_whose_engine_cannot_begin_again_says_so():
    with bench() as made:
        made.engine.rows = lambda most: 1 / 0
        made.engine.faults.append(RuntimeError())
        made.submit(made.ask(0))
        assert made.ended(0) and made.last(0) == Failure("engine")
        assert wait_until(lambda: made.scheduler.state == "engine") and made.failed == ["RuntimeError", "ZeroDivisionError"]
        with pytest.raises(Unable):
            made.submit(made.ask(1))
