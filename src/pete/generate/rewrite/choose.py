"""Draws of a passage against its draft: meaning first, voice second, sentence by sentence; the draft's own where nothing is better."""

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pete.config import GenerateConfig
from pete.data.text import BULLET, Span, sentences_in, words
from pete.generate.choose import Voice
from pete.generate.extract import StopReason
from pete.generate.facts import holds
from pete.generate.meaning import Difference, Meaning
from pete.generate.meaning.details import details
from pete.generate.meaning.wording import strays
from pete.generate.rewrite.markup import Part, balanced, restored
from pete.generate.rewrite.passages import Passage, Replacement

Compare = Callable[[str, str], Meaning]
"""What a rewrite (second) says of what its draft (first) says."""
TRIES = 4
"""Mixtures that are compared with the draft as a whole before it stays."""
NEARLY = 0.15
"""Cosine by which a sentence may be further from the draft's than the nearest one that was drawn."""
LEFT = "every rewrite left it as it was"


@dataclass(frozen=True)
class Strength:
    """How far a rewrite may go."""

    draws: int
    """Rounds in which a passage is asked as a whole, and as many sentence by sentence."""
    temperature: float
    """Share of the run's own: the wilder the draw, the more of what the draft says is bent. See docs/log.md."""
    penalty: float
    """Share of the run's penalty on repeating: a draft's words have to be repeated, and loops are put back anyway."""
    alike: float
    """Cosine that a sentence and what it stands for need to have."""
    closest: bool
    """Of what is more like the author, the least change is taken, not the most like him."""

    def sampling(self, base: GenerateConfig) -> GenerateConfig:
        """How each rewrite is drawn, from how the run's answers are; no try is repeated, the guard chooses among the draws."""
        calmer = {"temperature": base.temperature * self.temperature}
        calmer |= {"repetition_penalty": 1 + (base.repetition_penalty - 1) * self.penalty}
        return base.model_copy(update=calmer | {"retries": 0, "best_of": 1})


STRENGTHS = {
    "light": Strength(draws=2, temperature=0.4, penalty=0.5, alike=0.8, closest=True),
    "normal": Strength(draws=6, temperature=1.0, penalty=0.5, alike=0.0, closest=False),
    "full": Strength(draws=12, temperature=1.3, penalty=0.5, alike=0.0, closest=False),
}


@dataclass(frozen=True)
class Draw:
    """A rewrite as it was drawn."""

    text: str
    stop: StopReason

    @property
    def ended(self) -> bool:
        """Whether it came to its end: not cut off, and not in circles."""
        return self.stop in ("end", "stop string")

    @property
    def whole(self) -> str:
        """Its text, without the last sentence where that has no end."""
        if self.ended:
            return self.text
        found = sentences_in(self.text)
        return self.text[: found[-1].start].rstrip() if found else ""


@dataclass(frozen=True)
class Stayed:
    """A sentence of the draft that no rewrite took the place of."""

    block: int
    text: str
    why: str
    forced: bool
    """A rewrite of it was refused: for what it said, or for markup it had no place for."""


@dataclass(frozen=True)
class Fact:
    """A figure, date, name, link or quotation of the draft."""

    kind: str
    text: str
    kept: bool


@dataclass(frozen=True)
class Chosen:
    """What becomes of a passage."""

    replacements: tuple[Replacement, ...]
    stayed: tuple[Stayed, ...]
    facts: tuple[Fact, ...]
    sentences: int
    """Of the draft."""


@dataclass(frozen=True)
class _Tile:
    """A rewrite of some sentences of the draft that follow each other."""

    first: int
    last: int
    """The last one itself."""
    said: str
    """As the model said it, on one line."""
    source: str
    """The same with the draft's markup in it."""
    cosine: float
    """How near it is to what it stands for."""
    worth: float


class _Board:
    """The sentences of one draft, what could stand in their place, and why some of it may not."""

    def __init__(self, passage: Passage, compare: Compare, voice: Voice | None, strength: Strength) -> None:
        self.passage, self._compare, self._voice, self._strength = passage, compare, voice, strength
        self.sentences = [unmarked(one) for one in sentences_in(passage.text)]
        self.like_draft = voice(passage.text) if voice else 0.0
        """How much the draft sounds like the author."""
        self._why: list[dict[bool, str]] = [{} for _ in self.sentences]
        """The first reason why one stays: by whether a rewrite was refused."""

    def tiles(self, draw: Draw) -> list[_Tile]:
        """What of a draw may stand."""
        said = draw.whole
        if not said.strip():
            self._blame(range(len(self.sentences)), "nothing whole was drawn")
            return []
        meaning = self._compare(self.passage.text, said)
        cosines = {(pair.draft, pair.rewrite): pair.cosine for pair in meaning.aligned}
        found: list[_Tile] = []
        for number, sentence in enumerate(meaning.sentences):
            mine = self._numbers(sentence.stands_for)
            if not mine:
                continue
            place = (sentence.start, sentence.end)
            whole = [place]  # and what follows it and stands for nothing of its own: a sentence of the draft became two
            for after in meaning.sentences[number + 1 :]:
                if after.stands_for or not after.may_stand:
                    break
                whole.append((after.start, after.end))
            together = range(mine[0], mine[-1] + 1)
            if sentence.unchanged:
                self._blame(mine, LEFT, forced=False)
            elif not sentence.may_stand:
                self._blame_each(mine, [d for d in meaning.differences if self._in(d, mine, place)])
            elif len(mine) != len(together):
                self._blame(mine, "what it says came in another order")
            elif (near := min(cosines.get((own, place), 1.0) for own in sentence.stands_for)) < self._strength.alike:
                self._blame(mine, "its rewrite goes further than --strength light", forced=False)
            elif (tile := self._tile(together, said[place[0] : whole[-1][1]], 1.0 if len(whole) > 1 else near)) is not None:
                found.append(tile)
        self._blame(self._numbers(meaning.missing), "its rewrite leaves it out")
        return found

    def _tile(self, mine: range, said: str, near: float) -> _Tile | None:
        said, draft = " ".join(said.split()), self.said(mine)
        if words(said) == words(draft):
            return self._blame(mine, LEFT, forced=False)
        own = self.own(mine)
        if own is None or not balanced(self.passage.source(*own)):
            return self._blame(mine, "its markup goes beyond the sentence")
        source = restored(said, own[1].marks)
        if source is None:
            return self._blame(mine, "its link, code or note found no place" if own[1].marks else "its rewrite brings markup in")
        alone = self._compare(draft, said)  # beside its neighbours it may lean on what they say
        if not alone.same:
            return self._blame_each(mine, alone.differences, self.sentences[mine.start].start)
        if astray := strays(draft, said):
            return self._blame(mine, astray)
        tile = _Tile(mine.start, mine.stop - 1, said, source, near, 1.0)
        gain = 1.0 if self._voice is None else self._voice(self.mixed([tile])) - self.like_draft
        if gain <= 0:
            return self._blame(mine, "no rewrite was more like the author", forced=False)
        return replace(tile, worth=len(words(draft)) * alike(draft, said) if self._strength.closest else gain)

    def own(self, mine: range) -> tuple[int, Part] | None:
        """Some sentences in their paragraph; None where they are no whole piece of one."""
        return self.passage.part(self.sentences[mine.start].start, self.sentences[mine.stop - 1].end)

    def said(self, mine: range) -> str:
        """Some sentences of the draft, as the model sees them."""
        return self.passage.text[self.sentences[mine.start].start : self.sentences[mine.stop - 1].end]

    def mixed(self, tiles: Sequence[_Tile]) -> str:
        """The passage with some tiles in place, as the model would see it."""
        out, done = "", 0
        for tile in tiles:
            out += self.passage.text[done : self.sentences[tile.first].start] + tile.said
            done = self.sentences[tile.last].end
        return out + self.passage.text[done:]

    def best(self, tiles: Iterable[_Tile]) -> list[_Tile]:
        """The tiles that are worth most together and do not overlap, from left to right."""
        ends: dict[int, list[_Tile]] = {}
        for tile in tiles:
            ends.setdefault(tile.last, []).append(tile)
        worth: list[tuple[float, list[_Tile]]] = [(0.0, [])]
        for number in range(len(self.sentences)):
            options = [(worth[tile.first][0] + tile.worth, [*worth[tile.first][1], tile]) for tile in ends.get(number, ())]
            worth.append(max([worth[number], *options], key=lambda option: option[0]))
        return worth[-1][1]

    def checked(self, tiles: Iterable[_Tile]) -> list[_Tile]:
        """The best tiles with which the passage as a whole still says what the draft says; what is against it is taken out."""
        left = list(tiles)
        for _ in range(TRIES):
            chosen = self.best(left)
            if not chosen:
                return []
            meaning = self._compare(self.passage.text, self.mixed(chosen))
            if meaning.same:
                return chosen
            refused: set[_Tile] = set()
            for tile, place in self._places(chosen):
                mine = range(tile.first, tile.last + 1)
                if against := [d for d in meaning.differences if self._in(d, mine, place)]:
                    self._blame_each(mine, against)
                    refused.add(tile)
            left = [tile for tile in left if tile not in refused] if refused else []
        return []

    def stayed(self, number: int) -> Stayed:
        """A sentence that stays, and why."""
        why, part = self._why[number], self.own(range(number, number + 1))
        block = self.passage.numbers[part[0] if part else 0]
        return Stayed(block, self.sentences[number].text, why.get(True) or why.get(False) or "the whole was no better with it", True in why)

    def _places(self, tiles: Sequence[_Tile]) -> Iterator[tuple[_Tile, tuple[int, int]]]:
        """Each tile, and where it stands in the mixture."""
        shift = 0
        for tile in tiles:
            start, end = self.sentences[tile.first].start, self.sentences[tile.last].end
            yield tile, (start + shift, start + shift + len(tile.said))
            shift += len(tile.said) - (end - start)

    def _in(self, difference: Difference, mine: Sequence[int], place: tuple[int, int]) -> bool:
        """Whether a difference lies in some sentences of the draft, or at a place of the rewrite."""
        here = any(_meet(difference.draft, (self.sentences[n].start, self.sentences[n].end)) for n in mine)
        return here or _meet(difference.rewrite, place)

    def _numbers(self, places: Sequence[tuple[int, int]]) -> list[int]:
        return [n for n, one in enumerate(self.sentences) if any(_meet(place, (one.start, one.end)) for place in places)]

    def _blame_each(self, mine: Sequence[int], found: Sequence[Difference], start: int = 0) -> None:
        """Each sentence stays for a reason of its own where there is one, else for one that its rewrite adds, or for its neighbour's.

        Args:
            mine: the sentences.
            found: what is against their rewrite.
            start: where the draft that was compared begins in the passage.
        """
        added = next((d.words for d in found if d.draft is None), None)
        for number in mine:
            place = self.sentences[number].start - start, self.sentences[number].end - start
            own = next((d.words for d in found if _meet(d.draft, place)), added)
            neighbour = f"its neighbour was rewritten with it: {found[0].words}" if found else "it would say something else"
            self._blame([number], own or neighbour)

    def _blame(self, mine: Sequence[int], why: str, *, forced: bool = True) -> None:
        for number in mine:
            self._why[number].setdefault(forced, why)


def unmarked(sentence: Span) -> Span:
    """A sentence behind the mark of a list, which stays where it is."""
    mark = BULLET.match(sentence.text)
    return Span(sentence.text[mark.end() :], sentence.start + mark.end(), sentence.end) if mark else sentence


def _meet(one: tuple[int, int] | None, other: tuple[int, int]) -> bool:
    return one is not None and one[0] < other[1] and other[0] < one[1]


def alike(draft: str, rewrite: str) -> float:
    """Share of words that two texts have in common, in their order."""
    return difflib.SequenceMatcher(None, draft.split(), rewrite.split(), autojunk=False).ratio()


def choose(passage: Passage, draws: Sequence[Draw], compare: Compare, voice: Voice | None, strength: Strength) -> Chosen:
    """The best of what was drawn: sentences that say what the draft says and are more like the author, the draft's own between them.

    Every draw's sentences, and the best of all draws together, compete with the draft as a whole; the one most like the author is taken,
    and the draft stays where none is more like him than itself.

    Args:
        passage: the draft.
        draws: rewrites of it.
        compare: what says whether a text says what the draft says.
        voice: how much a text sounds like the author; None where nothing can tell, and meaning decides alone.
        strength: how far it may go.
    """
    board = _Board(passage, compare, voice, strength)
    each = _nearest([board.tiles(draw) for draw in dict.fromkeys(draws)])
    mixtures = [board.checked([tile for tiles in each for tile in tiles]), *map(board.checked, each)]

    def taste(tiles: Sequence[_Tile]) -> float:
        said = board.mixed(tiles)
        like = voice(said) if voice else len(tiles)
        if like <= board.like_draft:
            return 0.0
        return 1 + alike(passage.text, said) if strength.closest else 1 + like - board.like_draft

    taken = max(mixtures, key=taste)
    if not taste(taken):
        taken = []
    replacements, replaced = [], set[int]()
    for tile in taken:
        own = board.own(range(tile.first, tile.last + 1))
        assert own is not None, "a tile is a whole piece of a paragraph"
        replacements.append(Replacement(passage.numbers[own[0]], own[1].start, own[1].end, tile.source))
        replaced |= set(range(tile.first, tile.last + 1))
    stayed = [board.stayed(number) for number in range(len(board.sentences)) if number not in replaced]
    return Chosen(tuple(replacements), tuple(stayed), facts_of(passage.text, board.mixed(taken)), len(board.sentences))


def _nearest(each: Sequence[Sequence[_Tile]]) -> list[list[_Tile]]:
    """Those that say what they stand for about as well as any other does: a shorter way to say half of it does not win by its voice."""
    best: dict[int, float] = {}
    for tile in (tile for tiles in each for tile in tiles):
        for number in range(tile.first, tile.last + 1):
            best[number] = max(best.get(number, 0.0), tile.cosine)
    return [[tile for tile in tiles if all(tile.cosine >= best[n] - NEARLY for n in range(tile.first, tile.last + 1))] for tiles in each]


def facts_of(draft: str, rewrite: str) -> tuple[Fact, ...]:
    """The figures, dates, names, links and quotations of a draft, and whether a rewrite has them."""
    there = Counter((detail.kind, detail.value) for detail in details(rewrite))
    found = []
    for detail in details(draft):
        if detail.asked:
            said = draft[detail.start : detail.end]
            there[detail.kind, detail.value] -= 1
            found.append(Fact(detail.kind, said, there[detail.kind, detail.value] >= 0 or holds(rewrite, said.replace("|", " "))))
    return tuple(found)
