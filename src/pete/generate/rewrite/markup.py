"""Markup within a paragraph: what the model is shown of it, and how it is put back to the letter."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

_ADDRESS = r"\((?:[^()\n]|\([^()\n]*\))*\)"
_LABEL = r"(?:[^\[\]\\]|\\.|\[[^\[\]]*\])"
_MARK = re.compile(
    rf"""
      (?P<code>(?<![`\\])(?P<ticks>`+)(?!`)(?:[^\n\r]|\r?\n(?!\s*\n))+?(?<!`)(?P=ticks)(?!`))
    | (?P<hidden>!\[{_LABEL}*\](?:{_ADDRESS}|\[[^\[\]\n]*\])|!\[\[[^\[\]\n]*\]\]|\[\^[^\]\s]+\]|\^\[[^\[\]\n]*\]
        |<!--.*?-->|</?[A-Za-z][\w-]*(?:\s[^<>]*)?/?>|\{{%.*?%\}})
    | \[\[(?:[^\[\]|\n]*\|)?(?P<wiki>[^\[\]|\n]+)\]\]
    | (?<!\\)\[(?P<link>{_LABEL}+)\](?:{_ADDRESS}|\[[^\[\]\n]*\])
    | <(?P<auto>(?:https?|mailto|ftp):[^<>\s]+|[^<>@\s]+@[^<>@\s]+)>
    | (?P<literal>\{{\{{.*?\}}\}}|\{{[\w.-]+\}}|%\(\w+\)s|(?<![\w\\$])\$[^\s$\d](?:[^$\n]*[^\s$\\])?\$(?![\w$])
        |\b(?:https?://|www\.)[^\s<>"\]]*[^\s<>"\].,;:!?')*_]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|&(?:\#\d+|\#x[0-9a-fA-F]+|[A-Za-z]\w*);
        |\\[!-/:-@\[-`{{-~])
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile("(?P<wide>[\u00a0\u2007\u202f])|(?P<unseen>[\u00ad\u200b\u2060\ufeff])|(?P<line>[ \t]*(?:\r\n|\r|\n)[ \t]*)")
_PAIRED = re.compile(r"\*\*|\*|__|~~|`|(?<!\w)_|_(?!\w)")
"""What opens and closes emphasis; half of it would run on into the next sentence."""
_HELD = {ord(space): chr(0x1C + number) for number, space in enumerate(" \t\r\n")}
_LET_GO = {ord(held): chr(space) for space, held in _HELD.items()}


@dataclass(frozen=True)
class Mark:
    """A piece of markup: as it stands, and as the model sees it ("": not at all)."""

    source: str
    shown: str
    start: int
    """Where it begins in the text that is shown."""

    @property
    def end(self) -> int:
        """Where it ends there."""
        return self.start + len(self.shown)


@dataclass(frozen=True)
class Part:
    """Some sentences of a paragraph, and where they stand in its source."""

    start: int
    end: int
    marks: tuple[Mark, ...]


class Shown:
    """A paragraph as the model sees it: links by their words, wrapped lines as one; `part` finds any of it in the source."""

    def __init__(self, source: str, width: int = 0) -> None:
        """Show a paragraph.

        Args:
            source: the paragraph.
            width: letters at which its lines were wrapped; 0: each line ends where its author wanted it to.
        """
        self.source, self.width = source, width
        breaks: list[bool] = []
        pieces: list[tuple[str, str, bool]] = []  # source, shown, whether it is to be put back
        done = 0
        for found in _MARK.finditer(source):
            pieces += self._plain(done, found.start(), breaks)
            kind = "code" if found["code"] else found.lastgroup or ""
            shown = {"hidden": "", "code": found[0]}.get(kind, found[kind])
            pieces.append((found[0], " ".join(shown.split()), True))
            done = found.end()
        pieces += self._plain(done, len(source), breaks)
        self._sources = [0, *accumulate(len(piece) for piece, _, _ in pieces)]
        self._places = [0, *accumulate(len(shown) for _, shown, _ in pieces)]
        self._exact = [piece == shown and not mark for piece, shown, mark in pieces]
        self.marks = [Mark(piece, shown, place) for (piece, shown, mark), place in zip(pieces, self._places, strict=False) if mark]
        self.text = "".join(shown for _, shown, _ in pieces)
        self.wrapped = bool(breaks) and all(breaks)
        """Whether it has line breaks, and none of them means anything."""

    def _plain(self, start: int, end: int, breaks: list[bool]) -> Iterator[tuple[str, str, bool]]:
        done = start
        for found in _PLAIN.finditer(self.source, start, end):
            if found.start() > done:
                yield self.source[done : found.start()], self.source[done : found.start()], False
            soft = found["line"] is not None and self._soft(found)
            if found["line"] is not None:
                breaks.append(soft)
            yield found[0], "" if found["unseen"] else " " if found["wide"] or soft else "\n", False
            done = found.end()
        if done < end:
            yield self.source[done:end], self.source[done:end], False

    def _soft(self, found: re.Match[str]) -> bool:
        before = re.split(r"[\r\n]", self.source[: found.start()])[-1]
        return soft_break(before, self.source[found.end() :], self.width) and not found[0].startswith("  ") and not before.endswith("\\")

    def part(self, start: int, end: int) -> Part | None:
        """Shown text from `start` to `end`, with what is hidden at either end of it; None where one of them is within a piece of markup."""
        first = bisect_left(self._places, start)
        if self._places[first] != start:
            first -= 1
            if not self._exact[first]:
                return None
            begin = self._sources[first] + start - self._places[first]
        else:
            begin = self._sources[first]
        last = bisect_right(self._places, end) - 1
        if self._places[last] != end and not self._exact[last]:
            return None
        finish = self._sources[last] + end - self._places[last]
        return Part(begin, finish, tuple(mark for mark in self.marks if start <= mark.start and mark.end <= end))


def soft_break(line: str, rest: str, width: int) -> bool:
    """Whether a line ends because the next word had no room in it."""
    following = rest.split(maxsplit=1)
    return bool(width and following) and len(line) + 1 + len(following[0]) > width - SLACK


SLACK = 6
"""Letters by which a line may be shorter than the longest: the marker in front of a list item takes some."""


def with_marks_whole(text: str) -> list[str]:
    """The words of a text; a space within markup parts none."""
    held = _MARK.sub(lambda found: found[0].translate(_HELD), text)
    return [word.translate(_LET_GO) for word in re.split(r"[ \t\r\n]+", held) if word]


def without_marks(text: str) -> str:
    """A text as it reads, without addresses, tags and code."""
    return _MARK.sub(lambda found: found["link"] or found["wiki"] or " ", text)


def addresses(text: str) -> list[str]:
    """The addresses behind words of a text, which nobody reads: those of links and pictures."""
    return re.findall(r"\]\(<?([^\s()<>]+)", text)


def restored(text: str, marks: Sequence[Mark]) -> str | None:
    """A rewrite with all the markup of its draft put back to the letter; None where there is no place for some, or more came in."""
    taken: list[tuple[int, int, str]] = []
    for mark in marks:
        found = next((m for m in _places(text, mark) if all(m.end() <= start or end <= m.start() for start, end, _ in taken)), None)
        if found is None:
            return None
        other = mark.source.startswith("[") and found[0] != mark.source
        taken.append((found.start(), found.end(), mark.source.replace(mark.shown, found[0], 1) if other else mark.source))
    out, rest, done = "", "", 0
    for start, end, source in sorted(taken):
        out, rest, done = out + text[done:start] + source, f"{rest}{text[done:start]}\x00", end
    out, rest = out + text[done:], rest + text[done:]
    return out if balanced(rest) and "`" not in rest and not _MARK.search(rest) else None


def _places(text: str, mark: Mark) -> Iterator[re.Match[str]]:
    """Where a rewrite says what stands in a piece of markup: with the markup or without, a link's words also in other capitals."""
    if not mark.shown:
        return
    yield from (found for found in _MARK.finditer(text) if found[0] in (mark.source, mark.shown))
    if mark.source.startswith("`"):
        yield from re.finditer(rf"(?<![\w`]){re.escape(mark.shown.strip('` '))}(?![\w`])", text)
    elif mark.source.startswith("["):
        yield from re.finditer(rf"(?<!\w){re.escape(mark.shown)}(?!\w)", text, re.IGNORECASE)


def balanced(text: str) -> bool:
    """Whether no emphasis begins or ends outside a text."""
    return not any(count % 2 for count in Counter(_PAIRED.findall(text)).values())
