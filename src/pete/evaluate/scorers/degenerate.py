"""Loops and empty answers: what a small model does when it has nothing left to say."""

import zlib
from collections.abc import Sequence

from pete.data.text import grams, repeats, size, words
from pete.evaluate.log import Sample
from pete.generate.repeats import Rounds

RUN = 4
"""Words in a row that are counted as said again (rep-4, Welleck et al. 2020)."""
LOOP_REPEATED = 0.20
LOOP_TAIL = 0.10
LOOP_ZLIB = 3.2
MIN_BYTES_FOR_ZLIB = 200
"""Short texts compress badly whatever they say, so their ratio tells nothing."""
MIN_TAIL = 4
"""Words: "No. No. No." is a sentence, not a loop."""


class Degenerate:
    """1 for an empty answer, or one that repeats itself.

    A fifth of its 4-grams are repeats, a tenth of it is a tail that goes round, or it zips 3.2 to 1.
    """

    name = "degenerate"

    def score(self, sample: Sample) -> dict[str, float]:
        """`any`, with its parts `empty` and `loop`."""
        said = words(sample.text)
        runs = grams(said, RUN)
        repeated = len(repeats(runs)) / max(1, len(runs))
        data = sample.text.encode()
        ratio = len(data) / len(zlib.compress(data, 9)) if len(data) >= MIN_BYTES_FOR_ZLIB else 1.0
        loop = float(repeated > LOOP_REPEATED or tail_loop(said) > LOOP_TAIL or ratio > LOOP_ZLIB)
        empty = float(not said)
        return {"any": max(loop, empty), "empty": empty, "loop": loop}


def tail_loop(said: Sequence[str]) -> float:
    """Share of the words that only repeat, at the end, what stood a period before them; a period comes round at least twice."""
    rounds = Rounds()
    rounds.push(*said)
    # a phrase said twice in a row is a loop when it is long; a single word has to come round more often
    whole = [again for period, again in rounds.runs.items() if again >= period and size(said[-again:]) >= MIN_TAIL]
    return max(whole, default=0) / max(1, len(said))
