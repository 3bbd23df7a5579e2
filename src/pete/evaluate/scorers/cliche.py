"""Words the persona would not use, and the tails it would not hang on a post."""

import re
from collections.abc import Sequence

from pete.data.examples import phrase_pattern
from pete.evaluate.log import Mark, Sample

HASHTAG = re.compile(r"(?<!\w)#[^\W\d]\w*")
EMOJI = re.compile("[\U0001f1e6-\U0001f1ff\U0001f300-\U0001faff\u2600-\u27bf]")
PLACEHOLDER = re.compile(r"\[[A-Za-z][^\]\n]{1,40}\](?!\()|\{\{?\s*[A-Za-z_][\w ]{1,40}\}?\}")


class Cliche:
    """How often an answer uses what persona.toml says to avoid, hashtags, emoji and [placeholders]."""

    name = "cliche"

    def __init__(self, avoid: Sequence[str]) -> None:
        found = {"avoided": phrase_pattern(avoid), "hashtags": HASHTAG, "emoji": EMOJI, "placeholders": PLACEHOLDER}
        self._patterns = {key: pattern for key, pattern in found.items() if pattern is not None}

    def score(self, sample: Sample) -> dict[str, float]:
        """Counts in one answer; `any` is 1 when at least one is not 0."""
        counts = dict.fromkeys(("avoided", "hashtags", "emoji", "placeholders"), 0.0)
        counts |= {key: float(len(pattern.findall(sample.text))) for key, pattern in self._patterns.items()}
        return counts | {"any": float(any(counts.values()))}

    def marks(self, sample: Sample) -> list[Mark]:
        """Each of them."""
        return [
            Mark(start=m.start(), end=m.end(), kind="cliche", note=key)
            for key, pattern in self._patterns.items()
            for m in pattern.finditer(sample.text)
        ]
