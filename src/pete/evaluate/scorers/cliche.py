"""Words the persona would not use, and the tails it would not hang on a post."""

import re
from collections.abc import Sequence

from pete.data.examples import phrase_pattern
from pete.evaluate.log import Sample

_HASHTAG = re.compile(r"(?<!\w)#\w+")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
_PLACEHOLDER = re.compile(r"\[[A-Za-z][^\]\n]{1,40}\]")


class Cliche:
    """How often an answer uses what persona.toml says to avoid, hashtags, emoji and [placeholders]."""

    name = "cliche"

    def __init__(self, avoid: Sequence[str]) -> None:
        self._pattern = phrase_pattern(avoid)

    def score(self, sample: Sample) -> dict[str, float]:
        """Counts in one answer; `any` is 1 when at least one is not 0."""
        counts = {
            "avoided": len(self._pattern.findall(sample.text)) if self._pattern else 0,
            "hashtags": len(_HASHTAG.findall(sample.text)),
            "emoji": len(_EMOJI.findall(sample.text)),
            "placeholders": len(_PLACEHOLDER.findall(sample.text)),
        }
        return {**{key: float(value) for key, value in counts.items()}, "any": float(any(counts.values()))}
