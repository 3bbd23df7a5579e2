"""Swaps: two figures, dates or names that a rewrite has, each where the other was: 12 episodes and 31 times, not 31 and 12."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import combinations

from pete.data.text import fold, words_in
from pete.generate.meaning.details import DAYS, UNITS, Detail, details
from pete.generate.meaning.difference import Difference
from pete.generate.meaning.parts import parts_of, stem

BETWEEN = 3
"""Words between two details that stand side by side."""
REACH = 6
"""Words before and behind a detail that say what it is of."""
MARGIN = 0.25
"""By how much the other's company must fit better. See docs/log.md."""
_JOINS = frozenset(("and", "or", "to", "until", "till"))
_KINDS = ("figure", "date", "name")
_SMALL_WORDS = "the a an of to in on at and or is are was were be by for with from it its this that as we you i he she they"
_SMALL = frozenset(_SMALL_WORDS.split())


def of_swaps(draft: str, rewrite: str) -> Iterator[Difference]:
    """Pairs of details that changed places, each told once."""
    mine, theirs = _once(draft), _once(rewrite)
    shared = [key for key in mine if key in theirs]
    ours = {key: _company(draft, mine[key]) for key in shared}
    others = {key: _company(rewrite, theirs[key]) for key in shared}
    told: set[tuple[str, str]] = set()
    for one, other in combinations(shared, 2):
        if _group(mine[one]) != _group(mine[other]) or told & {one, other}:
            continue
        straight = _fit(ours[one], others[one]) + _fit(ours[other], others[other])
        crossed = _fit(ours[one], others[other]) + _fit(ours[other], others[one])
        # "from ten to two", "F7 and F8": what stands side by side has the same company, and its order tells
        turned = _order(draft, mine[one], mine[other]) * _order(rewrite, theirs[one], theirs[other]) < 0
        if crossed - straight > MARGIN or (turned and crossed >= straight):
            told |= {one, other}
            a, b = draft[slice(*_place(mine[one]))], draft[slice(*_place(mine[other]))]
            for key in (one, other):
                yield Difference(one[0], "changed", f"{a} and {b} changed places", _place(mine[key]), _place(theirs[key]))  # type: ignore[arg-type]


def _order(text: str, one: Detail, other: Detail) -> int:
    """1 or -1, as one stands before or behind another joined by a word; names may stand in any order; 0 where they are apart."""
    first, last = sorted((one, other), key=lambda d: d.start)
    between = [word.text for word in words_in(text[first.end : last.start])]
    if one.kind == "name" or not 0 < len(between) <= BETWEEN or any(word not in _JOINS and word not in UNITS for word in between):
        return 0
    return 1 if first is one else -1


def _group(detail: Detail) -> str:
    """Details that may change places: weekdays with weekdays, months with months."""
    return "weekday" if detail.value in DAYS else detail.kind


def _once(text: str) -> dict[tuple[str, str], Detail]:
    """Details by kind and value that stand in a text once: of the others nobody knows which is meant."""
    found = [d for d in details(text) if d.kind in _KINDS and (d.asked or d.kind == "date")]
    often = Counter((d.kind, d.value) for d in found)
    return {(d.kind, d.value): d for d in found if often[(d.kind, d.value)] == 1}


def _company(text: str, detail: Detail) -> Mapping[str, float]:
    """Stems around a detail in its sentence; the nearer, the more they weigh."""
    sentence = next((s for s in parts_of(text)[0] if s.start <= detail.start < s.end), None)
    if sentence is None:
        return {}
    taken = [_place(other) for other in details(text) if other.kind in _KINDS]
    tokens = [
        word
        for word in words_in(fold(text))
        if sentence.start <= word.start < sentence.end and not any(start <= word.start < end for start, end in taken)
    ]
    before = [w for w in tokens if w.end <= detail.start][::-1]
    behind = [w for w in tokens if w.start >= detail.end]
    found = {f"({detail.unit})": 1.0} if detail.unit else {}
    # "12 episodes": what is counted stands behind; "at 8" and "room 12" before
    for side, weight in ((behind, 1.0), (before, 0.8)):
        distance = 0
        for word in side:
            if word.text in _SMALL:
                continue
            distance += 1
            if distance > REACH:
                break
            found[stem(word.text)] = max(found.get(stem(word.text), 0.0), weight / distance)
    return found


def _fit(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return sum((one[word] * other[word]) ** 0.5 for word in one.keys() & other.keys())


def _place(detail: Detail) -> tuple[int, int]:
    return detail.start, detail.end
