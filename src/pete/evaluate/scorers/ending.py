"""Does an answer end, or only stop?"""

import re

from pete.evaluate.log import Sample

_CLOSED = re.compile(r"[.!?\u2026:;)\]\"'\u201d\u2019*_`>}]$")
_DANGLING = re.compile(
    r"(?:[,\-\u2013\u2014(]|\b(?:and|or|but|the|a|an|of|to|in|for|with|that|which|is|are|was|by|at|from|as|if|it|we|you|i))$", re.IGNORECASE
)
SHORT_LINE = 12
"""Words: a tagline, a name below a letter, an item of a list, a button need no full stop."""


class Ending:
    """1 when an answer ran into the limit, breaks off within a sentence, or its last long line has no end."""

    name = "ending"

    def score(self, sample: Sample) -> dict[str, float]:
        """`any`, with `limit` (cut off at generate.max_new_tokens) and `open` (ended by itself in the middle of something)."""
        text = sample.text.rstrip()
        last = text.rsplit("\n", 1)[-1].strip()
        limit = sample.stop == "length"
        open_ = bool(text) and not _CLOSED.search(last) and (len(last.split()) > SHORT_LINE or bool(_DANGLING.search(last)))
        return {"any": float(limit or open_), "limit": float(limit), "open": float(open_)}
