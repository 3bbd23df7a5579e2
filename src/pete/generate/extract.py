"""Incremental decoding with stop conditions: token ids in, text out as it becomes certain, and why the answer ended.

Four stages, each of which holds back what it cannot judge yet: letters (half a character), marks (part of a stop string),
repeats (what may become a loop), edges (space around the answer). What was shown is never taken back, in any chunking.
"""

from collections.abc import Sequence
from typing import Literal

from tokenizers.decoders import DecodeStream

from pete.data.render import Message, Renderer
from pete.errors import PeteError
from pete.generate.repeats import Repeats
from pete.terminal import scrub

StopReason = Literal["end", "stop string", "loop", "length"]


def turn_marks(renderer: Renderer) -> tuple[str, ...]:
    """What the template puts in front of the user's next turn, as stop strings: a model that writes it has begun to play both parts.

    Only lines of plain text count; a special token ends an answer anyway.
    """
    try:
        text = renderer.prompt_text([Message("user", "A0A"), Message("assistant", "B0B"), Message("user", "C0C")])
    except PeteError:
        return ()
    between = text.partition("B0B")[2].partition("C0C")[0]
    for end in renderer.ends:
        between = between.replace(str(renderer.tokenizer.id_to_token(end)), "\n")
    lines = [line.strip() for line in between.split("\n")]
    # one bare word such as "user" would also cut honest answers short
    return tuple(f"\n{line}" for line in lines if line and not line.isalnum() and not any(mark in line for mark in renderer.special))


class Extractor:
    """Feed ids, get text deltas. Joined, the deltas are the answer, `text`; `stop` says why it ended, None while it goes on."""

    def __init__(self, renderer: Renderer, stops: Sequence[str], *, asked: Sequence[str] = (), trimmed: bool = True) -> None:
        """Begin.

        Args:
            renderer: whose tokenizer and ends are the model's.
            stops: the persona's and the template's; at the very start they are at the start of a line.
            asked: stop strings of a request, to the letter.
            trimmed: leave out the space around the answer.
        """
        self.stop: StopReason | None = None
        self.mark: str | None = None
        """The stop string or special token that ended it."""
        self.text = ""
        self._renderer = renderer
        self._letters = DecodeStream(skip_special_tokens=True)
        self._ids: list[int] = []
        self._decoded = 0  # characters that the ids have become so far
        self._marks = _Marks((*stops, *renderer.special), asked)
        self._repeats = Repeats()
        self._trimmed = trimmed
        self._unsaid = 1  # the line break that `_Marks` begins with
        self._space = ""

    def push(self, token: int) -> str:
        """The text that is certain after one more id; empty once the answer has ended."""
        if self.stop is not None:
            return ""
        if token in self._renderer.ends:
            return self._close("end")
        if token in self._renderer.special_ids:
            self.mark = self._renderer.tokenizer.id_to_token(token)
            return self._close("stop string")
        self._ids.append(token)
        text = self._letters.step(self._renderer.tokenizer, token) or ""
        self._decoded += len(text)
        return self._take(text)

    def finish(self) -> str:
        """No more ids: the rest, which was held back and turned out to be the answer's."""
        return "" if self.stop is not None else self._close("length")

    def _take(self, text: str, last: bool = False) -> str:
        text = self._marks.push(scrub(text).replace("\ufffd", ""))
        last = last or self._marks.stop is not None
        if last:
            text += self._marks.finish()
        text = self._repeats.push(text) + (self._repeats.finish() if last else "")
        if self._repeats.looped:
            self.stop = "loop"
        elif self._marks.stop is not None:
            self.stop, self.mark = "stop string", self._marks.stop
        return self._trim(text)

    def _close(self, reason: StopReason) -> str:
        delta = self._take(self._renderer.decode(self._ids)[self._decoded :], last=True)
        self.stop = self.stop or reason
        return delta

    def _trim(self, text: str) -> str:
        if not self._trimmed:
            own = text[self._unsaid :]
            self._unsaid -= len(text) - len(own)
            self.text += own
            return own
        text = self._space + text
        if not self.text:
            text = text.lstrip()
        certain = text.rstrip()
        self._space = text[len(certain) :]
        self.text += certain
        return certain


class _Marks:
    """Text up to the first stop string; what may be the start of one waits."""

    def __init__(self, stops: Sequence[str], asked: Sequence[str]) -> None:
        self.stop: str | None = None
        self._stops = (*((stop, False) for stop in stops), *((stop, True) for stop in asked))
        starts = {stop[:k] for stop, _ in self._stops for k in range(1, len(stop))}
        self._begun = tuple(sorted(starts, key=len, reverse=True))
        self._pending = "\n"  # a marker at the very start is at the start of a line
        self._said = 1  # where in it the model's own text begins

    def push(self, text: str) -> str:
        self._pending += text
        found = [(self._pending.find(stop, self._said if asked else 0), stop) for stop, asked in self._stops]
        hits = [(at, -len(stop), stop) for at, stop in found if at >= 0]
        if hits:
            at, _, self.stop = min(hits)
            certain, self._pending = self._pending[:at], ""
            return certain
        begun = self._pending.endswith(self._begun)  # one call: it is asked for every token
        hold = next(len(start) for start in self._begun if self._pending.endswith(start)) if begun else 0
        at = len(self._pending) - hold
        certain, self._pending = self._pending[:at], self._pending[at:]
        self._said = 0 if certain else self._said
        return certain

    def finish(self) -> str:
        rest, self._pending = self._pending, ""
        return rest
