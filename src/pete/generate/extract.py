"""Where an answer ends, and why: token ids in, text out as it becomes certain, and nothing that is not the answer.

Four stages, each of which holds back what it cannot judge yet: letters (half a character), marks (part of a stop string),
repeats (what may become a loop), edges (space around the answer). What was shown is never taken back, in any chunking.
"""

import re
from collections.abc import Sequence
from typing import Literal

from pete.data.render import Message, Renderer
from pete.errors import PeteError

StopReason = Literal["end", "stop string", "loop", "length"]

LONGEST_CHARACTER = 4
"""A UTF-8 character has at most four bytes, so at most four byte tokens."""
LONGEST_PERIOD = 60
"""Words: a loop with more of them between its repeats would need 180 words to show itself."""
LEAST_REPEATED = 8
"""Words said again that make a loop, and at least two whole rounds: "no, no, no" and a refrain are none."""

# C0 and C1 controls but newline and tab, the byte order mark, and the marks that turn text around
_HOSTILE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd]")
_WORD = re.compile(r"\S+")
_CLOSED = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*$")
_COUNTER = re.compile(r"\(?\d+[.)]")
# within one word, up to four characters again and again: eight rounds are kept, forty are a loop
KEPT_STUTTER, LOOPED_STUTTER = 8, 40
_STUTTER = re.compile(rf"(\S{{1,4}}?)\1{{{KEPT_STUTTER - 1},}}")


def scrub(text: str) -> str:
    """Text without what could drive a terminal or hide what it says; works character by character, so on any chunk."""
    return _HOSTILE.sub("", text)


def pieces_of(renderer: Renderer) -> list[str]:
    """The text that each token id adds to a text; special tokens add nothing."""
    # some tokenizers drop the space in front of a text's first token: here none is the first
    before = renderer.encode("a")
    size = renderer.tokenizer.get_vocab_size()
    texts = renderer.tokenizer.decode_batch([[*before, token] for token in range(size)], skip_special_tokens=True)
    return [text.removeprefix("a") for text in texts]


def turn_marks(renderer: Renderer) -> tuple[str, ...]:
    """What the template puts in front of the user's next turn, as stop strings: a model that writes it has begun to play both parts.

    Only lines of plain text count; a special token ends an answer anyway.
    """
    try:
        text = renderer.prompt_text([Message("user", "A0A"), Message("assistant", "B0B"), Message("user", "C0C")])
    except PeteError:
        return ()
    between = text.partition("B0B")[2].partition("C0C")[0]
    lines = [line.strip() for line in between.replace(renderer.eos_token, "\n").split("\n")]
    # one bare word such as "user" would also cut honest answers short
    return tuple(f"\n{line}" for line in lines if line and not line.isalnum() and not any(mark in line for mark in renderer.special))


def find_loop(text: str) -> int | None:
    """Where a finished text begins to repeat itself without end, as an index; None when it does not."""
    repeats = _Repeats()
    out = repeats.push(text)
    if not repeats.found:
        out += repeats.finish()
    return len(out) if repeats.found else None


class Extractor:
    """Feed ids, get text deltas. Joined, the deltas are the answer, `text`; `stop` says why it ended, None while it goes on."""

    def __init__(self, renderer: Renderer, stops: Sequence[str]) -> None:
        self.stop: StopReason | None = None
        self.mark: str | None = None
        """The stop string or special token that ended it."""
        self.text = ""
        self._renderer = renderer
        self._letters = _Letters(renderer)
        self._marks = _Marks((*stops, *renderer.special))
        self._repeats = _Repeats()
        self._space = ""

    def push(self, token: int) -> str:
        """The text that is certain after one more id; empty once the answer has ended."""
        if self.stop is not None:
            return ""
        if token == self._renderer.eos:
            return self._close("end")
        if token in self._renderer.special_ids:
            self.mark = self._renderer.tokenizer.id_to_token(token)
            return self._close("stop string")
        return self._take(self._letters.push(token))

    def finish(self) -> str:
        """No more ids: the rest, which was held back and turned out to be the answer's."""
        return "" if self.stop is not None else self._close("length")

    def _take(self, text: str, last: bool = False) -> str:
        text = self._marks.push(scrub(text))
        last = last or self._marks.found is not None
        if last:
            text += self._marks.finish()
        text = self._repeats.push(text)
        if last and not self._repeats.found:
            text += self._repeats.finish()
        if self._repeats.found:
            self.stop = "loop"
        elif self._marks.found is not None:
            self.stop, self.mark = "stop string", self._marks.found
        return self._trim(text)

    def _close(self, reason: StopReason) -> str:
        delta = self._take(self._letters.finish(), last=True)
        self.stop = self.stop or reason
        return delta

    def _trim(self, text: str) -> str:
        text = self._space + text
        if not self.text:
            text = text.lstrip()
        certain = text.rstrip()
        self._space = text[len(certain) :]
        self.text += certain
        return certain


class _Letters:
    """Ids to text, without special tokens and never half a character."""

    def __init__(self, renderer: Renderer) -> None:
        self._decode = renderer.decode
        self._ids: list[int] = []
        self._start = 0  # ids before this one are settled
        self._read = 0  # ids before this one have been turned into text

    def push(self, token: int) -> str:
        self._ids.append(token)
        text = self.finish()
        if text.endswith("\ufffd") and len(self._ids) - self._read < LONGEST_CHARACTER:
            return ""
        self._start, self._read = self._read, len(self._ids)
        return text

    def finish(self) -> str:
        known = self._decode(self._ids[self._start : self._read])
        return self._decode(self._ids[self._start :])[len(known) :]


class _Marks:
    """Text up to the first stop string; what may be the start of one waits."""

    def __init__(self, stops: Sequence[str]) -> None:
        self.found: str | None = None
        self._stops = tuple(stops)
        self._pending = "\n"  # a marker at the very start is at the start of a line

    def push(self, text: str) -> str:
        self._pending += text
        found = [(at, -len(stop), stop) for stop in self._stops if (at := self._pending.find(stop)) >= 0]
        if found:
            at, _, self.found = min(found)
            certain, self._pending = self._pending[:at], ""
            return certain
        hold = max((k for stop in self._stops for k in range(1, len(stop)) if self._pending.endswith(stop[:k])), default=0)
        at = len(self._pending) - hold
        certain, self._pending = self._pending[:at], self._pending[at:]
        return certain

    def finish(self) -> str:
        rest, self._pending = self._pending, ""
        return rest


class _Repeats:
    """Text up to where it begins to go round in circles.

    Words are compared without case, punctuation and list numbers. From the first word that repeats an earlier one, text waits
    until the repetition breaks (it was chance) or has gone on long enough (it is a loop, and the repeats are dropped).
    """

    def __init__(self) -> None:
        self.found = False
        self._text = ""  # from the open word or the first letter not yet shown, whichever comes first
        self._at = 0  # where `_text` begins in the whole text
        self._shown = 0  # how much of `_text` has been given out
        self._open = 0  # where in `_text` the word that is not yet complete begins
        self._starts: list[int] = []  # of every complete word, in the whole text
        self._closes: list[bool] = []  # whether a sentence or a line ends with the word
        self._places: dict[str, list[int]] = {}  # word -> its last places
        self._runs: dict[int, int] = {}  # period -> how many words at the end of the text repeat those that far before

    def push(self, text: str) -> str:
        self._text += text
        open_word = ""
        for match in list(_WORD.finditer(self._text, self._open)):
            self._open = match.start()
            if match.end() == len(self._text):
                open_word = match.group()
            elif (cut := self._add(match.group(), self._text[match.end()] == "\n")) is not None:
                return self._cut(cut)
        if not open_word:
            self._open = len(self._text)
        return self._release(open_word)

    def finish(self) -> str:
        word = self._text[self._open :].strip()
        if word and (cut := self._add(word, True)) is not None:
            return self._cut(cut)
        return self._give(len(self._text))

    def _add(self, raw: str, line_end: bool) -> int | None:
        """Take in the word at `_open`, now complete; where in `_text` to cut, when it makes a loop."""
        word, here = _bare(raw), len(self._starts)
        self._starts.append(self._at + self._open)
        places = [place for place in self._places.get(word, ()) if here - place <= LONGEST_PERIOD]
        self._runs = {here - place: self._runs.get(here - place, 0) + 1 for place in places}
        self._places[word] = [*places, here]
        self._closes.append(line_end or _CLOSED.search(raw) is not None)
        loops = [(count, period) for period, count in self._runs.items() if count >= max(2 * period, LEAST_REPEATED)]
        if not loops:
            return None
        count, period = max(loops)
        start = here + 1 - count
        # a round may begin in the middle of a sentence: the sentence that is open there is let finish
        start = next((place for place in range(start, start + period) if self._closes[place - 1]), start)
        return self._starts[start] - self._at

    def _release(self, word: str) -> str:
        """What cannot become part of a loop any more; `word` is the one that is not yet complete."""
        hold = len(self._text)
        if self._runs:
            hold = self._starts[len(self._starts) - max(self._runs.values())] - self._at
        if word:
            for stutter in _STUTTER.finditer(word) if len(word) >= KEPT_STUTTER else ():
                if stutter.group(1).startswith(word[stutter.end() :]):  # it may go on
                    kept = self._open + stutter.start() + KEPT_STUTTER * len(stutter.group(1))
                    if len(stutter.group()) >= LOOPED_STUTTER * len(stutter.group(1)):
                        return self._cut(kept)
                    hold = min(hold, kept)
            bare = _bare(word)
            if not any(map(str.isalpha, word)) or any(known.startswith(bare) for known in self._places):
                hold = min(hold, self._open)  # perhaps the first word of a repetition
        return self._give(hold)

    def _cut(self, at: int) -> str:
        self.found = True
        return self._give(at)

    def _give(self, end: int) -> str:
        end = max(end, self._shown)
        certain, self._shown = self._text[self._shown : end], end
        past = min(self._shown, self._open)
        self._text, self._at = self._text[past:], self._at + past
        self._shown, self._open = self._shown - past, self._open - past
        return certain


def _bare(word: str) -> str:
    if _COUNTER.fullmatch(word):
        return "#"
    return "".join(filter(str.isalnum, word)).casefold() or word
