"""Rows one after the other draw what the protocol says."""

import numpy as np

from pete.config import Config, GenerateConfig
from pete.engines.fake import FakeEngine
from pete.engines.one_by_one import stream_one_by_one


def test_it_draws_what_an_engine_draws_and_reads_each_token_once():
    engine, sampling, given = FakeEngine(Config()), GenerateConfig(max_new_tokens=9, seed=4), []
    engine.load(Config().model)

    def begin():
        given.append([])

        def read(new: list[int]) -> np.ndarray:
            given[-1] += new
            return engine.logits(new)

        return read

    prompts, ends = [[5, 6, 7], [8]], {1, 2, 3}
    expected: list[list[int]] = [[], []]
    for row, token in engine.stream(prompts, sampling, ends):
        expected[row].append(token)
    done = {1}
    assert list(stream_one_by_one(begin, prompts, sampling, ends, done)) == [(0, token) for token in expected[0]]
    assert given == [[*prompts[0], *expected[0][:-1]], []]
    assert [t for row, t in stream_one_by_one(begin, prompts, sampling, ends) if row == 1] == expected[1]
