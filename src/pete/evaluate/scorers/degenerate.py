"""Loops and empty answers: what a small model does when it has nothing left to say."""

import zlib

from pete.evaluate.log import Sample

LOOP_REPEATED = 0.20
LOOP_ZLIB = 3.2
MIN_BYTES_FOR_ZLIB = 200
"""Short texts compress badly whatever they say, so their ratio tells nothing."""


class Degenerate:
    """1 for an empty answer, or one that repeats itself: a fifth of its 4-grams are repeats, or it zips 3.2 to 1."""

    name = "degenerate"

    def score(self, sample: Sample) -> dict[str, float]:
        """`any`, with its parts `empty` and `loop`."""
        words = sample.text.lower().split()
        grams = [tuple(words[i : i + 4]) for i in range(len(words) - 3)]
        repeated = 1 - len(set(grams)) / len(grams) if grams else 0.0
        data = sample.text.encode()
        ratio = len(data) / len(zlib.compress(data, 9)) if len(data) >= MIN_BYTES_FOR_ZLIB else 1.0
        loop = float(repeated > LOOP_REPEATED or ratio > LOOP_ZLIB)
        empty = float(not words)
        return {"any": max(loop, empty), "empty": empty, "loop": loop}
