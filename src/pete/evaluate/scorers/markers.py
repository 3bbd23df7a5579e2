"""Readable markers of a manner: how far each went on the way from the draft to the author. Shown, never a gate."""

import re
from collections.abc import Mapping, Sequence
from statistics import fmean, pstdev

from pete.data.profile import MARKS
from pete.data.text import fold, list_items, sentences, size, words
from pete.evaluate.log import Sample
from pete.evaluate.scorers.spec import Spec

_CONTRACTED = re.compile(r"\w'(?:s|t|re|ve|ll|d|m)\b", re.IGNORECASE)
LEAST = 0.15
"""Share of the author's rate by which draft and author must differ: a share of no way says nothing."""


class Markers:
    """Words of a sentence and their spread, shares of questions and list lines, and the marks of a profile, for 1,000 words."""

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for an empty answer."""
        return rates(sample.text)


def rates(text: str) -> dict[str, float]:
    """Every marker of a text by its name; nothing where nothing is said."""
    said, every = size(words(text)), sentences(text)
    if not said or not every:
        return {}
    lengths = [len(sentence.split()) for sentence in every]
    per_thousand = {name: len(pattern.findall(text)) * 1000 / said for name, pattern in MARKS}
    return {
        "words of a sentence": fmean(lengths),
        "spread of sentences": pstdev(lengths),
        "questions": sum(sentence.rstrip("\"'\u201d\u2019)").endswith("?") for sentence in every) / len(every),
        "list lines": len(list_items(text)) / len(every),
        "contractions": len(_CONTRACTED.findall(fold(text))) * 1000 / said,
        **per_thousand,
    }


def shifts(rows: Sequence[Sample], drafts: Sequence[Sample], author: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """(output - draft) / (author - draft) of every marker in which the author differs from drafts: 1 is there, more is beyond."""
    found = {}
    for key in sorted({key for scores in author for key in scores if key.startswith("markers.")}):
        output, draft, own = (
            [scores[key] for scores in every if key in scores]
            for every in ([row.scores for row in rows], [row.scores for row in drafts], author)
        )
        if not output or not draft or not own:
            continue
        way = fmean(own) - fmean(draft)
        if abs(way) > LEAST * max(fmean(own), fmean(draft)):
            found[key.removeprefix("markers.")] = (fmean(output) - fmean(draft)) / way
    return found


SPEC = Spec("markers", 14, make=lambda _: Markers(), tasks=("rewrite",))
