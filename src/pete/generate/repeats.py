"""Text that goes round in circles: how far, and where it began.

`Rounds` measures, word by word. Two thresholds stand on it, because they answer two questions: `Repeats` has to be sure while
the text is still coming, and cuts; the evaluator (evaluate/scorers/degenerate.py) sees the whole text, and judges its tail.
"""

import re

LONGEST_PERIOD = 60
"""Words: a loop with more of them between its repeats would need 180 words to show itself."""
LEAST_REPEATED = 8
"""Words said again that make a loop, and at least two whole rounds: "no, no, no" and a refrain are none."""

_WORD = re.compile(r"\S+")
_CLOSED = re.compile(r"[.!?\u2026][\"'\u201d\u2019)\]]*$")
_COUNTER = re.compile(r"\(?\d+[.)]")
# within one word, up to four characters again and again: eight rounds are kept, forty are a loop
KEPT_STUTTER, LOOPED_STUTTER = 8, 40
_STUTTER = re.compile(rf"(\S{{1,4}}?)\1{{{KEPT_STUTTER - 1},}}")


class Rounds:
    """How much of a text's end only repeats itself.

    `runs`: period -> how many words at the end repeat those that far before. `places`: the words there were, and where.
    """

    def __init__(self, longest: int | None = None) -> None:
        """`longest`: the longest period to look for, in words; None is any."""
        self.runs: dict[int, int] = {}
        self.places: dict[str, list[int]] = {}
        self._longest, self._count = longest, 0

    def push(self, *words: str) -> None:
        """More words at the end."""
        for here, word in enumerate(words, self._count):
            places = [place for place in self.places.get(word, ()) if self._longest is None or here - place <= self._longest]
            self.runs = {here - place: self.runs.get(here - place, 0) + 1 for place in places}
            self.places[word] = [*places, here]
        self._count += len(words)


def find_loop(text: str) -> int | None:
    """Where a finished text begins to repeat itself without end, as an index; None when it does not."""
    repeats = Repeats()
    out = repeats.push(text) + repeats.finish()
    return len(out) if repeats.found else None


class Repeats:
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
        word = "" if self.found else self._text[self._open :].strip()
        if word and (cut := self._add(word, True)) is not None:
            return self._cut(cut)
        return "" if self.found else self._give(len(self._text))

    def _add(self, raw: str, line_end: bool) -> int | None:
        """Take in the word at `_open`, now complete; where in `_text` to cut, when it makes a loop."""
        here = len(self._starts)
        self._starts.append(self._at + self._open)
        self._rounds.push(_bare(raw))
        self._closes.append(line_end or _CLOSED.search(raw) is not None)
        loops = [(count, period) for period, count in self._rounds.runs.items() if count >= max(2 * period, LEAST_REPEATED)]
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
            if not any(map(str.isalpha, word)) or any(known.startswith(bare) for known in self._rounds.places):
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
