"""How fast main memory is read: the floor of an answer, which needs every weight once a token."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np

SIZE = 1 << 29
"""Bytes that are summed: more than any cache holds."""
TRIES = 3


def read_speed(threads: int, size: int = SIZE) -> float:
    """Bytes a second that sums over memory reach, the best of some."""
    parts = [np.ones(size // 4 // threads, dtype=np.float32) for _ in range(threads)]
    taken = []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(TRIES):
            start = time.perf_counter()
            list(pool.map(np.add.reduce, parts))
            taken.append(time.perf_counter() - start)
    return sum(part.nbytes for part in parts) / min(taken)
