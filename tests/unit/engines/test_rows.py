"""Rows that take turns draw what each would draw alone, whenever they join or leave."""

import pytest

from pete.config import Config, GenerateConfig
from pete.engines.fake import FakeEngine, byte_tokenizer

PROMPTS = [[10, 20, 30], [40], [50, 60]]


@pytest.fixture(scope="module")
def engine() -> FakeEngine:
    engine = FakeEngine(Config())
    engine.load(Config().model)
    return engine


def alone(engine: FakeEngine, prompt: list[int], sampling: GenerateConfig, ends: set[int]) -> list[int]:
    return [token for _, token in engine.stream([prompt], sampling, ends)]


def test_rows_that_join_late_draw_what_they_draw_alone(engine: FakeEngine) -> None:
    ends = {byte_tokenizer().get_vocab_size() - 1, 7, 8, 9}
    samplings = [GenerateConfig(max_new_tokens=12, seed=seed) for seed in range(3)]
    rows, said, names = engine.rows(3), {}, {}
    for start, prompt in enumerate(PROMPTS):
        names[rows.join(prompt, samplings[start], ends)] = start
        for _ in range(2):
            for row, token in rows.step():
                said.setdefault(names[row], []).append(token)
    while drawn := rows.step():
        for row, token in drawn:
            said.setdefault(names[row], []).append(token)
    for start, prompt in enumerate(PROMPTS):
        assert said[start] == [*alone(engine, prompt, samplings[start], ends), None]


def test_a_row_that_leaves_is_not_drawn_again(engine: FakeEngine) -> None:
    rows, sampling = engine.rows(2), GenerateConfig(max_new_tokens=5)
    first, second = (rows.join(prompt, sampling, ()) for prompt in PROMPTS[:2])
    assert first != second
    rows.step()
    rows.leave(first)
    rows.leave(first)
    assert [row for row, _ in rows.step()] == [second]


def test_a_row_waits_while_there_are_as_many_as_may_be(engine: FakeEngine) -> None:
    rows, sampling = engine.rows(1), GenerateConfig(max_new_tokens=2)
    first, second = (rows.join(prompt, sampling, ()) for prompt in PROMPTS[:2])
    assert [[row for row, _ in rows.step()] for _ in range(4)] == [[first], [first], [first], [second]]
