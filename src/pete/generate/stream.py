"""Token ids to text for a screen, as they come: no special token, no half character, no stop string, in any chunking."""

import re
from collections.abc import Sequence

from pete.data.render import Renderer

LONGEST_CHARACTER = 4
"""A UTF-8 character has at most four bytes, so at most four byte tokens."""

# C0 and C1 controls but newline and tab, the byte order mark, and the marks that turn text around
_HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd]")


def scrub(text: str) -> str:
    """Text without what could drive a terminal or hide what it says; works character by character, so on any chunk."""
    return _HOSTILE.sub("", text)


class TextStream:
    """Feed ids, get text deltas. Joined, the deltas are the answer without space around it."""

    def __init__(self, renderer: Renderer, stops: Sequence[str]) -> None:
        self.stopped_by: str | None = None
        self._renderer = renderer
        self._stops = tuple(stops) + renderer.special
        self._ids: list[int] = []
        self._start = 0  # ids before this one are settled
        self._read = 0  # ids before this one have been turned into text
        self._pending = "\n"  # a marker at the very start is at the start of a line
        self._begun = False

    def push(self, token: int) -> str:
        """The text that is certain after one more id; empty once a stop string was met."""
        if self.stopped_by is not None:
            return ""
        self._ids.append(token)
        known = self._renderer.decode(self._ids[self._start : self._read])
        text = self._renderer.decode(self._ids[self._start :])
        if text.endswith("\ufffd") and len(self._ids) - self._read < LONGEST_CHARACTER:
            return ""
        self._start, self._read = self._read, len(self._ids)
        return self._release(scrub(text[len(known) :]))

    def finish(self) -> str:
        """The rest: what was held back and turned out not to be a stop string."""
        if self.stopped_by is not None:
            return ""
        known = self._renderer.decode(self._ids[self._start : self._read])
        rest = self._renderer.decode(self._ids[self._start :])[len(known) :]
        delta = self._release(scrub(rest))
        tail = "" if self.stopped_by is not None else self._pending.rstrip()
        self._pending = ""
        return delta + (tail if self._begun else tail.lstrip())

    def _release(self, text: str) -> str:
        self._pending += text
        found = [(at, -len(stop), stop) for stop in self._stops if (at := self._pending.find(stop)) >= 0]
        if found:
            at, _, self.stopped_by = min(found)
            out, self._pending = self._pending[:at].rstrip(), ""
        else:
            hold = max((k for stop in self._stops for k in range(1, len(stop)) if self._pending.endswith(stop[:k])), default=0)
            certain = self._pending[: len(self._pending) - hold].rstrip()
            out, self._pending = certain, self._pending[len(certain) :]
        if not self._begun:
            stripped = out.lstrip()
            if not stripped and self.stopped_by is None:
                self._pending = out + self._pending
                return ""
            out = stripped
            self._begun = bool(out)
        return out
