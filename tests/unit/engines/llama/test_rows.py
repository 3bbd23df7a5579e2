"""Rows on a context that is a table: they join, wait, leave, end, and draw what each would draw alone."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.config import GenerateConfig
from pete.engines.llama.draft import MOST, Draft, Guessed
from pete.engines.llama.rows import LlamaRows

WORDS = 40
TABLE = np.random.default_rng(3).normal(0, 2, (WORDS, WORDS)).astype(np.float32)


class Recorded:
    """llama.cpp's context in the eyes of LlamaRows: logits depend on the last two tokens of a row, so a wrong place shows."""

    def __init__(self, rows: int, length: int = 64, whole_only: bool = False, table: np.ndarray = TABLE) -> None:
        self.rows, self.length, self.whole_only, self.table = rows, length, whole_only, table
        self.held: list[list[int]] = [[] for _ in range(rows)]
        self.computed: list[int] = []

    def decode(self, tokens: Sequence[int], places: Sequence[int], rows: Sequence[int], wanted: Sequence[bool]) -> np.ndarray:
        found = []
        self.computed.append(len(tokens))
        for token, place, row, want in zip(tokens, places, rows, wanted, strict=True):
            assert place == len(self.held[row]) < self.length, "a token follows what its row holds"
            self.held[row].append(token)
            if want:
                found.append(self.table[self.held[row][-1]] + 0.5 * self.table[self.held[row][-2] if place else 0])
        return np.array(found)

    def copy(self, row: int, to: int) -> None:
        self.held[to] = list(self.held[row])

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


@pytest.mark.parametrize("whole_only", [False, True])
@pytest.mark.parametrize("places", [1, 3, 8])
def test_what_all_prompts_begin_with_is_read_once(places: int, whole_only: bool) -> None:
    context, beginning = Recorded(places, whole_only=whole_only), [9, 8, 7, 6, 5, 4, 3]
    rows, sampling, ends = LlamaRows(context, reuse=False), GenerateConfig(max_new_tokens=6), {1}  # type: ignore[arg-type]
    for _ in range(2):  # what was held before is gone
        context.computed.clear()
        prompts = [[*beginning, *range(10, 10 + n)] for n in range(5)] + [[*beginning, 20]] * 3
        numbers = [rows.join_as(0, prompt, sampling, ends) for prompt in prompts]
        rows.begin_with(beginning)
        said = finish(rows, {})
        assert [said[number] for number in numbers] == [alone(prompt, sampling, ends) for prompt in prompts]
        read = sum(context.computed) - sum(len(said[number]) - 2 for number in numbers)  # the last token said is not computed, nor the end
        own = sum(max(1, len(prompt) - len(beginning)) for prompt in prompts)
        assert whole_only or read == len(beginning) + own


# --- guesses -------------------------------------------------------------------------------------------------------------

OTHER = np.random.default_rng(4).normal(0, 2, (WORDS + 3, WORDS + 3)).astype(np.float32)
"""Of a draft that is always wrong, and whose vocabulary ends later."""


class Guessing:
    """A draft over a table, opened when it is first wanted."""

    def __init__(self, table: np.ndarray, length: int = 64) -> None:
        self.guessed, self.context, self.opened = Guessed(), Recorded(1, length, table=table), 0
        self._draft = Draft(self.context, WORDS, self.guessed)  # type: ignore[arg-type]

    def __call__(self) -> Draft:
        self.opened += 1
        return self._draft


def guessed(prompt: list[int], sampling: GenerateConfig, ends: set[int], draft: Guessing, **context: int) -> list[int | None]:
    rows = LlamaRows(Recorded(1, **context), reuse=False, draft=draft)  # type: ignore[arg-type]
    row = rows.join(prompt, sampling, ends)
    return finish(rows, {})[row]


@given(
    prompt=st.lists(st.integers(0, WORDS - 1), min_size=1, max_size=20),
    seed=st.integers(0, 1000),
    temperature=st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    penalty=st.sampled_from([1.0, 1.15, 2.0]),
    longest=st.integers(1, 80),
    ends=st.sets(st.integers(0, WORDS - 1), max_size=2),
    mixed=st.floats(0, 1),
    length=st.integers(4, 64),
)
def test_an_answer_is_the_same_whatever_the_draft_guesses(prompt, seed, temperature, penalty, longest, ends, mixed, length) -> None:
    sampling = GenerateConfig(max_new_tokens=longest, seed=seed, temperature=temperature, repetition_penalty=penalty, top_k=12, top_p=0.9)
    table = OTHER.copy()
    table[:WORDS, :WORDS] = mixed * TABLE + (1 - mixed) * OTHER[:WORDS, :WORDS]
    assert guessed(prompt, sampling, ends, Guessing(table, length)) == alone(prompt, sampling, ends)


def test_a_draft_that_knows_all_saves_steps_and_one_that_knows_nothing_costs_few() -> None:
    sampling = GenerateConfig(max_new_tokens=50, temperature=0.0, repetition_penalty=1.3)
    said, steps = alone([5, 6, 7], sampling, set()), {}
    for name, table in (("same", TABLE), ("other", OTHER)):
        draft = Guessing(table)
        rows = LlamaRows(context := Recorded(1), reuse=False, draft=draft)  # type: ignore[arg-type]
        row = rows.join([5, 6, 7], sampling, ())
        first = rows.step()
        assert draft.opened == 0, "nobody waits for a guess before the first token"
        assert finish(rows, {row: [first[0][1]]})[row] == said
        steps[name], found = len(context.computed), draft.guessed
        assert found.accepted == (found.proposed if name == "same" else 0) and max(context.computed) <= 1 + MOST
    assert steps["same"] <= 8 and steps["other"] == 50
    assert found.proposed <= 55, "after the first step it is asked for one"


def test_who_is_alone_is_guessed_for_and_who_joins_draws_what_he_draws_alone() -> None:
    draft, sampling = Guessing(TABLE), GenerateConfig(max_new_tokens=30, temperature=0.8)
    context = Recorded(3)
    rows, said = LlamaRows(context, reuse=True, draft=draft), {}  # type: ignore[arg-type]
    first = rows.join([5, 6, 7], sampling, ())
    for _ in range(4):
        said.setdefault(first, []).extend(token for _, token in rows.step())
    assert draft.guessed.proposed, "it was alone"
    others = [rows.join([9, 8, row], sampling, ()) for row in range(2)]
    before = draft.guessed.proposed
    for _ in range(20):
        for row, token in rows.step():
            said.setdefault(row, []).append(token)
    assert draft.guessed.proposed == before, "in company nobody is guessed for"
    rows.leave(others[1])
    finish(rows, said)
    assert said[first] == alone([5, 6, 7], sampling, set()) and said[others[0]] == alone([9, 8, 0], sampling, set())
    assert said[others[1]] == alone([9, 8, 1], sampling, set())[:20] and draft.guessed.proposed > before, "and the last one was alone again"


def test_the_next_turn_is_read_from_where_it_is_new_by_both() -> None:
    draft, sampling = Guessing(TABLE), GenerateConfig(max_new_tokens=12, temperature=0.7)
    context = Recorded(1)
    rows = LlamaRows(context, reuse=True, draft=draft)  # type: ignore[arg-type]
    first = rows.join([5, 6, 7, 8], sampling, ())
    answer = [token for token in finish(rows, {})[first] if token is not None]
    turn = [5, 6, 7, 8, *answer, 30, 31]
    context.computed.clear()
    draft.context.computed.clear()
    row = rows.join(turn, sampling, ())
    assert finish(rows, {})[row] == alone(turn, sampling, set())
    assert context.computed[0] <= 4 and draft.context.computed[0] <= 6, "what both had read is there"


def test_a_row_that_leaves_with_tokens_that_were_drawn_and_not_given_leaves_nothing_wrong_behind() -> None:
    draft, sampling = Guessing(TABLE), GenerateConfig(max_new_tokens=30, temperature=0.0, repetition_penalty=1.0)
    rows = LlamaRows(Recorded(1), reuse=True, draft=draft)  # type: ignore[arg-type]
    first = rows.join([5, 6, 7], sampling, ())
    rows.step()
    rows.step()
    rows.leave(first)
    again = rows.join([5, 6, 7, 9], sampling, ())
    assert finish(rows, {})[again] == alone([5, 6, 7, 9], sampling, set())


def test_a_model_whose_row_cannot_be_cut_back_is_guessed_for_once() -> None:
    draft, sampling = Guessing(OTHER), GenerateConfig(max_new_tokens=10, temperature=0.0)
    assert guessed([5, 6, 7], sampling, set(), draft, whole_only=True) == alone([5, 6, 7], sampling, set())
    assert 0 < draft.guessed.proposed <= 4
