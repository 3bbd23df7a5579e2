"""Repetition detection: whether a text runs in a loop, how far, and where the loop begins.

`Rounds` measures, word by word. Two thresholds stand on it, because they answer two questions: `Repeats` has to be sure while
the text is still coming, and cuts; the evaluator (evaluate/scorers/degenerate.py) sees the whole text, and judges its tail.
"""

import re
import unicodedata

from pete.data.text import UNSPACED, WORD, quarters

LONGEST_PERIOD = 60
"""Words: a loop with more of them between its repeats would need 180 words to show itself."""
LEAST_REPEATED = 8
"""Words said again that make a loop, and at least two whole rounds: "no, no, no" and a refrain are none."""

_UNSPACED = re.compile(f"[{UNSPACED}]")
_WORD = re.compile(rf"[{UNSPACED}]|[^\s{UNSPACED}]+")
_CLOSED = re.compile(r"[.!?\u2026\u3002\uff01\uff1f\uff61][\"'\u201d\u2019)\]]*$")
_CLOSING = frozenset("\u300d\u300f\uff09\u3011")
_COUNTER = re.compile(r"\(?\d+[.)]")
# within one word, up to four characters again and again: eight rounds are kept, forty are a loop
LONGEST_STUTTER, KEPT_STUTTER, LOOPED_STUTTER = 4, 8, 40
_STUTTER = re.compile(rf"(\S{{1,{LONGEST_STUTTER}}}?)\1{{{KEPT_STUTTER - 1},}}")


class Rounds:
    """How much of a text's end only repeats itself.

    `runs`: period -> how many words at the end repeat those that far before. `places`: the words there were, and where.
    """

    def __init__(self, longest: int | None = None) -> None:
        """`longest`: the longest period to look for, in words; None is any. Letters of scripts without spaces are parts of one."""
        self.runs: dict[int, int] = {}
        self.places: dict[str, list[int]] = {}
        self._longest = longest
        self._ends = [0]  # quarters of a word before each

    def push(self, *words: str) -> None:
        """More words at the end."""
        for here, word in enumerate(words, len(self._ends) - 1):
            places = [p for p in self.places.get(word, ()) if self._longest is None or self.quarters(here - p) <= WORD * self._longest]
            self.runs = {here - place: self.runs.get(here - place, 0) + 1 for place in places}
            self.places[word] = [*places, here]
            self._ends.append(self._ends[-1] + quarters(word))

    def quarters(self, count: int) -> int:
        """The last `count` of them, in quarters of a word."""
        return self._ends[-1] - self._ends[-1 - count]


def find_loop(text: str) -> int | None:
    """Where a finished text begins to repeat itself without end, as an index; None when it does not."""
    repeats = Repeats()
    out = repeats.push(text) + repeats.finish()
    return len(out) if repeats.looped else None


class Repeats:
    """Text up to where it begins to go round in circles.

    Words are compared without case, punctuation and list numbers; letters of scripts without spaces, and emoji, one by one. From the
    first word that repeats an earlier one, text waits until the repetition breaks (it was chance) or has gone on long enough (it is a
    loop, and the repeats are dropped).
    """

    def __init__(self) -> None:
        self.looped = False
        """Whether it was cut at a loop."""
        self._text = ""  # from the open word or the first letter not yet shown, whichever comes first
        self._at = 0  # where `_text` begins in the whole text
        self._shown = 0  # how much of `_text` has been given out
        self._open = 0  # where in `_text` the word that is not yet complete begins
        self._starts: list[int] = []  # of every complete word, in the whole text
        self._closes: list[bool] = []  # whether a sentence or a line ends with the word
        self._joined: list[bool] = []  # whether it is one letter right behind another: within one word, as far as can be seen
        self._end = 0  # of the last complete word, in the whole text
        self._rounds = Rounds(LONGEST_PERIOD)

    def push(self, text: str) -> str:
        """The text that is certain after some more; empty from where it loops."""
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
        """No more text: the rest, if it does not loop."""
        word = "" if self.looped else self._text[self._open :].strip()
        if word and (cut := self._add(word, True)) is not None:
            return self._cut(cut)
        return "" if self.looped else self._give(len(self._text))

    def _add(self, raw: str, line_end: bool) -> int | None:
        """Take in the word at `_open`, now complete; where in `_text` to cut, when it makes a loop."""
        here = len(self._starts)
        self._starts.append(self._at + self._open)
        self._rounds.push(_bare(raw))
        if raw in _CLOSING and here and self._closes[-1]:
            self._closes[-1], closes = False, True
        else:
            closes = line_end or _CLOSED.search(raw) is not None
        self._closes.append(closes)
        self._joined.append(not closes and _UNSPACED.match(raw) is not None and self._starts[-1] == self._end)
        self._end = self._starts[-1] + len(raw)
        if (start := self._loop(here)) is None:
            return None
        return self._starts[start] - self._at

    def _loop(self, here: int) -> int | None:
        """The first of the repeats that end with word `here`, when they make a loop."""
        runs = self._rounds.runs
        short = [p for p in range(1, LONGEST_STUTTER + 1) if runs.get(p, 0) >= p and all(self._joined[-p:])]
        stuttered = runs[short[0]] + short[0] if short else 0
        if short and stuttered >= LOOPED_STUTTER * short[0]:
            return here + 1 - stuttered + KEPT_STUTTER * short[0]
        loops = [
            (count, period)
            for period, count in runs.items()
            if count >= 2 * period and count + period > stuttered and self._rounds.quarters(count) >= WORD * LEAST_REPEATED
        ]
        if not loops:
            return None
        count, period = max(loops)
        start = here + 1 - count
        # a round may begin in the middle of a sentence: the sentence that is open there is let finish
        return next((place for place in range(start, start + period) if self._closes[place - 1]), start)

    def _release(self, word: str) -> str:
        """What cannot become part of a loop any more; `word` is the one that is not yet complete."""
        hold = len(self._text)
        if runs := self._rounds.runs:
            hold = self._starts[len(self._starts) - max(runs.values())] - self._at
        if word:
            for stutter in _STUTTER.finditer(word) if len(word) >= KEPT_STUTTER else ():
                if stutter.group(1).startswith(word[stutter.end() :]):  # it may go on
                    kept = self._open + stutter.start() + KEPT_STUTTER * len(stutter.group(1))
                    if len(stutter.group()) >= LOOPED_STUTTER * len(stutter.group(1)):
                        return self._cut(kept)
                    hold = min(hold, kept)
            bare = _bare(word)
            if not any(map(str.isalpha, word)) or any(earlier.startswith(bare) for earlier in self._rounds.places):
                hold = min(hold, self._open)  # perhaps the first word of a repetition
        return self._give(hold)

    def _cut(self, at: int) -> str:
        self.looped = True
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
    if len(word) == 1 and not word.isalnum() and quarters(word) == 1 and unicodedata.category(word)[0] in "PS":
        return "\u3001"  # punctuation counts for nothing, here as between words
    return "".join(filter(str.isalnum, word)).casefold() or word
