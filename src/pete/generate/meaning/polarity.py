"""Polarity: what one text denies and the other affirms, and limits ("only", "unless", "at most") that one of them lacks.

Whether two sentences deny the same thing cannot be told by their vectors, which hardly move with a "not". So words decide: what a
denial bears on is affirmed in the sentence that says the same, and denied nowhere; or of two sentences that are nearly one, only
one denies anything, and the other does not even say it by the back door ("fails to", "too late to", "rather than").
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from pete.data.text import fold, words
from pete.generate.meaning.alignment import Alignment, Side
from pete.generate.meaning.difference import Difference
from pete.generate.meaning.parts import Part, stem

NEAR, CLOSE = 0.45, 0.55
"""Cosine of two parts that speak of the same; and of two of which one is the other in other words. See docs/log.md."""
ALIKE = 0.75
"""Share of the words two parts have in common that are one but for a denial."""
SCOPE = 5
"""Words behind a denial that it may bear on."""

_DENIALS = frozenset(
    ("not", "no", "never", "without", "none", "nobody", "nothing", "neither", "nor", "cannot", "nowhere", "hardly", "barely", "unable")
)
_LIMITS = re.compile(
    r"\b(?:only|solely|exclusively|unless|except(?:ing)?|apart from|other than|no longer|at (?:the )?(?:most|least|latest|earliest)|up to"
    r"|no (?:more|fewer|less|later|earlier) than|maximum|minimum|max|min)\b"
)
_LIKE_LIMITS = re.compile(
    r"\b(?:just|alone|sole|nothing but|but|bar|otherwise|every other|always|more than|less than|fewer|under|over|within|by|until|before"
    r"|from|if|provided|limit\w*|one|single|still|yet|long|once|most|least|any\s?more|or|same|else|down to|merely|stop\w*|end\w*|gone"
    r"|first)\b"
)
_BACK_DOOR = re.compile(
    r"\b(?:fail\w*|refus\w*|declin\w*|avoid\w*|stop(?:s|ped|ping)?|lack\w*|prevent\w*|skip\w*|too|rather than|instead|except|unless|free"
    r"|rarely|seldom|few|without|cancel\w*|impossib\w*|wrong|false|last|resist\w*|un\w{5,}|in(?:correct|valid|complete|accurate|visible)\w*"
    r"|dis\w{5,}|\w{3,}less|closed|shut|locked|limited|wait|before|sold out|gone|lost|off)\b"
)
_SMALL_WORDS = """a an the this that these those i you he she it we they me him her us them my your his its our their be am is are was were
been being have has had having do does did doing will would shall should can could may might must of to in on at for from by with about as
into than then so too very more most any some all each every other and or but if when while because there here who which what how why where
it's that's there's i'm you're we're they're i've you've we've i'll you'll we'll i'd you'd we'd just also still even yet again ever always
get gets got getting make makes made"""
_SMALL = frozenset(_SMALL_WORDS.split())


def denials(text: str) -> int:
    """How often a text denies."""
    return sum(word in _DENIALS or word.endswith("n't") for word in words(fold(text).lower()))


@dataclass(frozen=True)
class _Said:
    denied: frozenset[str]
    """Stems that a denial of the part may bear on."""
    affirmed: frozenset[str]
    """The other ones."""
    denials: int


def of_negations(both: Alignment) -> Iterator[Difference]:
    """What is denied in one text alone, and the draft's limits that are gone."""
    seen: set[tuple[Part, Part]] = set()
    for mine, theirs in _beside(both.rewrite, both.draft, both):
        if (mine, theirs) not in seen and _contradict(mine, theirs, both.rewrite, both.draft, both):
            seen.add((mine, theirs))
            yield _difference(theirs, mine)
    for mine, theirs in _beside(both.draft, both.rewrite, both):
        if (theirs, mine) not in seen and _contradict(mine, theirs, both.draft, both.rewrite, both):
            seen.add((theirs, mine))
            yield _difference(mine, theirs)
    yield from _limits(both)


def _difference(draft: Part, rewrite: Part) -> Difference:
    said = f'one of them denies it: "{draft.text}" and "{rewrite.text}"'
    return Difference("negation", "changed", said, (draft.start, draft.end), (rewrite.start, rewrite.end))


def _beside(mine: Side, theirs: Side, both: Alignment) -> Iterator[tuple[Part, Part]]:
    """Each part of a text with the part of the other that is nearest to it, where one is near."""
    cut = {clause.sentence for clause in mine.clauses}
    parts = [*(s for s in mine.sentences if s.sentence not in cut), *mine.clauses]
    others = [*theirs.sentences, *theirs.clauses]
    if not parts or not others:
        return
    near = both.embed([part.text for part in parts]) @ both.embed([part.text for part in others]).T
    for part, row in zip(parts, near, strict=True):
        best = int(np.argmax(row))
        if row[best] >= NEAR:
            yield part, others[best]


def _contradict(mine: Part, theirs: Part, side: Side, other: Side, both: Alignment) -> bool:
    """Whether a part denies what the other, in the sentence that it stands in, affirms."""
    said, beside = _said(mine.text), other.sentences[theirs.sentence]
    there = _said(theirs.text)
    if _overlap(said, there) >= ALIKE:
        return said.denials % 2 != there.denials % 2
    if not said.denials:
        return False
    if _said(beside.text).denials:
        return False
    affirmed_here = _said(side.sentences[mine.sentence].text).affirmed
    if said.denied & _said(beside.text).affirmed - affirmed_here and not _BACK_DOOR.search(fold(theirs.text).lower()):
        return True
    if _BACK_DOOR.search(fold(beside.text).lower()):
        return False
    (cosine,) = (both.embed([mine.text]) @ both.embed([theirs.text]).T)[0]
    return bool(cosine >= CLOSE)


def _limits(both: Alignment) -> Iterator[Difference]:
    """Sentences of the draft with a limit, whose nearest in the rewrite has nothing of the kind."""
    for number, sentence in enumerate(both.draft.sentences):
        limit = _LIMITS.search(fold(sentence.text).lower())
        if not limit or not both.rewrite.sentences:
            continue
        beside = int(both.cosines[number].argmax())
        around = " ".join(s.text for s in both.rewrite.sentences[max(0, beside - 1) : beside + 2])
        low = fold(around).lower()
        if both.cosines[number, beside] >= NEAR and not (_LIMITS.search(low) or _LIKE_LIMITS.search(low) or _said(around).denials):
            there = both.rewrite.sentences[beside]
            place = sentence.start + limit.start(), sentence.start + limit.end()
            yield Difference("negation", "lost", f'the limit "{limit.group()}" is gone', place, (there.start, there.end))


def _overlap(one: _Said, other: _Said) -> float:
    a, b = one.denied | one.affirmed, other.denied | other.affirmed
    return len(a & b) / max(1, len(a | b))


@lru_cache(maxsize=8192)
def _said(text: str) -> _Said:
    tokens = words(fold(text))
    denied: set[str] = set()
    denials = 0
    left = 0
    for token in tokens:
        if token in _DENIALS or token.endswith("n't"):
            denials, left = denials + 1, SCOPE
        elif left:
            left -= 1
            if token not in _SMALL:
                denied.add(stem(token))
    every = {stem(token) for token in tokens if token not in _SMALL and token not in _DENIALS and not token.endswith("n't")}
    return _Said(frozenset(denied), frozenset(every - denied), denials)
