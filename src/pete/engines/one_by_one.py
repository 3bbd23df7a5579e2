"""Streaming for a program that computes one row at a time: the rows come one after the other."""

from collections.abc import Callable, Collection, Iterator, Sequence

import numpy as np

from pete.config import GenerateConfig
from pete.engines.sampling import draw

Reading = Callable[[list[int]], np.ndarray]
"""New ids of a row, after those it was given before -> next-token logits, float32 [vocabulary]."""


def stream_one_by_one(
    begin: Callable[[], Reading],
    prompts: Sequence[Sequence[int]],
    sampling: GenerateConfig,
    ends: Collection[int],
    done: set[int] | None = None,
) -> Iterator[tuple[int, int]]:
    """`Generator.stream` over `begin`, which starts a row with nothing read."""
    done = set() if done is None else done
    for row, prompt in enumerate(prompts):
        read, new, said = begin(), list(prompt), list[int]()
        rng = np.random.default_rng([sampling.seed, row])
        while row not in done and len(said) < sampling.max_new_tokens:
            token = draw(read(new), said, sampling, rng)
            said.append(token)
            new = [token]
            if token in ends:
                done.add(row)
            yield row, token
