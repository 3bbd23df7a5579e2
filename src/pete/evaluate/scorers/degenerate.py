"""Repetition: loops and empty answers."""

import zlib
from collections.abc import Sequence

from pete.data.text import grams, repeats, size, words, words_in
from pete.evaluate.advice import PENALISE_REPETITION
from pete.evaluate.log import Mark, Sample
from pete.evaluate.scorers.spec import Gate, Metric, Spec, mark, shown
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

    def marks(self, sample: Sample) -> list[Mark]:
        """Of a loop: what was said before, in runs of four words and more."""
        if not self.score(sample)["loop"]:
            return []
        said, runs = words_in(sample.text), grams(words(sample.text), RUN)
        again = {i + k for i in repeats(runs) for k in range(len(runs[i]))}
        starts = [i for i in sorted(again) if i - 1 not in again]
        ends = [i for i in sorted(again) if i + 1 not in again]
        return [mark("loop", said[a].start, said[b].end) for a, b in zip(starts, ends, strict=True)]


def tail_loop(said: Sequence[str]) -> float:
    """Share of the words that only repeat, at the end, what stood a period before them; a period comes round at least twice."""
    rounds = Rounds()
    rounds.push(*said)
    # a phrase said twice in a row is a loop when it is long; a single word has to come round more often
    whole = [again for period, again in rounds.runs.items() if again >= period and size(said[-again:]) >= MIN_TAIL]
    return max(whole, default=0) / max(1, len(said))


def _badness(sample: Sample) -> float:
    return sample.scores.get("degenerate.any", 0.0) * (1 + len(sample.text))


_WHY = shown("degenerate.loop", "degenerate.empty")
SPEC = Spec(
    "degenerate", 60,
    make=lambda _: Degenerate(),
    metrics=(Metric("degenerate.any", "repetition: loops or empty", "share of answers", "less", binary=True),),
    gates=(
        Gate(
            "degenerate", "loops or empty", "degenerate.any", "at most", 0.02,
            "Answers neither loop nor come back empty", "Some answers loop or are empty", PENALISE_REPETITION, _badness, _WHY,
        ),
        Gate(
            "degenerate-base", "loops or empty, against the base", "degenerate.any", "not shown worse", 0.0,
            "It loops no more than the base", "It loops more than the base", PENALISE_REPETITION, _badness, _WHY,
        ),
    ),
    tag="loops or empty", legend={"loop": "said before in the same answer"}, rules={"empty": "", "loop": "loop"},
    tasks=("write", "rewrite"),
)  # fmt: skip
