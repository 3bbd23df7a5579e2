"""The devices of a voice that anyone can count, to be shown beside the author's. Never a score: more is not better.

A model that found out that the author asks questions and asks nothing else would win any such contest; so these numbers
stand in no gate, and `nearness` cannot rise above what the author himself does.
"""

import re
import statistics
from collections.abc import Mapping, Sequence

from pete.data.text import sentences, size, words
from pete.evaluate.log import Sample
from pete.evaluate.scorers.cliche import EMOJI, HASHTAG

_SECOND = frozenset(("you", "your", "yours", "yourself", "yourselves", "you're", "you've", "you'll", "you'd"))
_ASIDE = re.compile(r"\([^()\n]{2,200}\)")
_NUMBER = re.compile(r"(?<![\w.])\d[\d.,:]*")
ONE_LINER = 8
DEVICES = ("questions", "asides", "second_person", "one_liners", "numbers", "hashtags", "emoji", "exclamations")


class Profile:
    """Devices per 100 words, sentence length in words; `one_liners` are sentences of at most eight words."""

    name = "profile"

    def score(self, sample: Sample) -> dict[str, float]:
        """Nothing for an answer without words."""
        text, said = sample.text, words(sample.text)
        if not said:
            return {}
        parts = [size(words(part)) for part in sentences(text)]
        counts = {
            "questions": text.count("?"),
            "asides": len(_ASIDE.findall(text)),
            "second_person": sum(word in _SECOND for word in said),
            "one_liners": sum(0 < length <= ONE_LINER for length in parts),
            "numbers": len(_NUMBER.findall(text)),
            "hashtags": len(HASHTAG.findall(text)),
            "emoji": len(EMOJI.findall(text)),
            "exclamations": text.count("!"),
        }
        total = max(1, size(said))
        return {**{key: 100 * value / total for key, value in counts.items()}, "sentence_words": statistics.fmean(parts or [0])}


def nearness(rates: Mapping[str, Sequence[float]], author: Mapping[str, Sequence[float]]) -> float:
    """1 when each device is as frequent as with the author, less for more and for less alike: mean of min(a, b) / max(a, b)."""
    shares = []
    for device in DEVICES:
        a, b = statistics.fmean(rates.get(device) or [0]), statistics.fmean(author.get(device) or [0])
        shares.append(min(a, b) / max(a, b) if max(a, b) > 0 else 1.0)
    return statistics.fmean(shares)
