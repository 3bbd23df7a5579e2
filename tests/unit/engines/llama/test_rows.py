"""Rows on a context that is a table: they join, wait, leave, end, and draw what each would draw alone."""

from collections.abc import Sequence

import numpy as np
import pytest

from pete.config import GenerateConfig
from pete.engines.llama.rows import LlamaRows

WORDS = 40
TABLE = np.random.default_rng(3).normal(0, 2, (WORDS, WORDS)).astype(np.float32)


class Recorded:
    """llama.cpp's context in the eyes of LlamaRows: logits depend on the last two tokens of a row, so a wrong place shows."""

    def __init__(self, rows: int, length: int = 64, whole_only: bool = False) -> None:
        self.rows, self.length, self.whole_only = rows, length, whole_only
        self.held: list[list[int]] = [[] for _ in range(rows)]
        self.computed: list[int] = []

    def decode(self, tokens: Sequence[int], places: Sequence[int], rows: Sequence[int], wanted: Sequence[bool]) -> np.ndarray:
        found = []
        self.computed.append(len(tokens))
        for token, place, row, want in zip(tokens, places, rows, wanted, strict=True):
            assert place == len(self.held[row]) < self.length, "a token follows what its row holds"
            self.held[row].append(token)
            if want:
                found.append(TABLE[self.held[row][-1]] + 0.5 * TABLE[self.held[row][-2] if place else 0])
        return np.array(found)

    def forget(self, row: int, place: int = 0) -> bool:
        self.held[row] = self.held[row][: 0 if self.whole_only else place]
        return not self.whole_only or place == 0


def finish(rows: LlamaRows, said: dict[int, list[int | None]]) -> dict[int, list[int | None]]:
    while drawn := rows.step():
        for row, token in drawn:
            said.setdefault(row, []).append(token)
    return said


def alone(prompt: list[int], sampling: GenerateConfig, ends: set[int]) -> list[int | None]:
    rows = LlamaRows(Recorded(1), reuse=False)  # type: ignore[arg-type]
    row = rows.join(prompt, sampling, ends)
    return finish(rows, {})[row]


@pytest.mark.parametrize("places", [1, 2, 8])
def test_whoever_joins_when_draws_what_he_draws_alone(places: int) -> None:
    ends, rows, said = {1, 2}, LlamaRows(Recorded(places), reuse=False), {}  # type: ignore[arg-type]
    asked = {}
    for seed in range(5):
        prompt = list(range(5 + seed, 9 + 2 * seed))
        asked[rows.join(prompt, GenerateConfig(max_new_tokens=9, seed=seed), ends)] = prompt, seed
        for row, token in rows.step():
            said.setdefault(row, []).append(token)
    finish(rows, said)
    for row, (prompt, seed) in asked.items():
        assert said[row] == alone(prompt, GenerateConfig(max_new_tokens=9, seed=seed), ends)
        assert said[row][-1] is None and len(said[row]) <= 10


def test_a_row_that_leaves_makes_room_for_one_that_waits() -> None:
    rows = LlamaRows(Recorded(1), reuse=False)  # type: ignore[arg-type]
    first, second, third = (rows.join([5, 6, 7], GenerateConfig(max_new_tokens=50), ()) for _ in range(3))
    assert [row for row, _ in rows.step()] == [first]
    rows.leave(second)
    rows.leave(first)
    rows.leave(first)
    assert rows.busy and [row for row, _ in rows.step()] == [third]
    rows.leave(third)
    assert not rows.busy and rows.step() == []


def test_a_row_ends_where_its_places_do() -> None:
    rows = LlamaRows(Recorded(1, length=10), reuse=False)  # type: ignore[arg-type]
    row = rows.join([5, 6, 7], GenerateConfig(max_new_tokens=50), ())
    assert len(finish(rows, {})[row]) == 7 + 1


@pytest.mark.parametrize("whole_only", [False, True])
def test_the_next_turn_is_read_from_where_it_differs(whole_only: bool) -> None:
    context = Recorded(2, whole_only=whole_only)
    rows, sampling = LlamaRows(context, reuse=True), GenerateConfig(max_new_tokens=4)  # type: ignore[arg-type]
    first, other = rows.join([5, 6, 7, 8], sampling, ()), rows.join([20, 21], sampling, ())
    answer = [token for token in finish(rows, {})[first] if token is not None]
    turn = [5, 6, 7, 8, *answer[:3], 30, 31]
    context.computed.clear()
    row = rows.join(turn, sampling, ())
    assert finish(rows, {})[row] == alone(turn, sampling, set())
    assert context.computed[0] == (len(turn) if whole_only else 2), f"what row {other} said is elsewhere"


def test_a_prompt_that_is_all_held_is_read_at_its_last_token_again() -> None:
    context = Recorded(1)
    rows, sampling = LlamaRows(context, reuse=True), GenerateConfig(max_new_tokens=3)  # type: ignore[arg-type]
    first = rows.join([5, 6, 7], sampling, ())
    said = finish(rows, {})[first]
    context.computed.clear()
    again = rows.join([5, 6, 7], sampling, ())
    assert finish(rows, {})[again] == said and context.computed[0] == 1
