"""Roles: who does what to whom, as far as word order tells: "we send you" and "you send us" say different things."""

from collections.abc import Iterator
from dataclasses import dataclass

from pete.data.text import fold, words_in
from pete.generate.meaning.alignment import Alignment
from pete.generate.meaning.details import details
from pete.generate.meaning.difference import Difference
from pete.generate.meaning.parts import Part, content, stem

CLOSE = 0.5
"""Cosine of two sentences whose roles are compared."""
REACH = 3
"""Words between a verb and who does it, or whom it is done to."""
_PERSONS = {
    **dict.fromkeys(("i", "we", "i'm", "i've", "i'll", "i'd", "we're", "we've", "we'll", "we'd"), "we"),
    **dict.fromkeys(("me", "us", "ourselves"), "we"),
    **dict.fromkeys(("you", "you're", "you've", "you'll", "you'd"), "you"),
    **dict.fromkeys(("he", "him"), "he"),
    **dict.fromkeys(("she", "her"), "she"),
    **dict.fromkeys(("they", "them"), "they"),
}
_PASSIVE = frozenset(("by", "been", "be", "being", "is", "are", "was", "were"))


@dataclass(frozen=True)
class _Deed:
    who: str
    what: str
    whom: str


def of_roles(both: Alignment) -> Iterator[Difference]:
    """Sentences that say the same deed with doer and receiver in each other's place."""
    for number, theirs in enumerate(both.rewrite.sentences):
        if not len(both.cosines):
            return
        best = int(both.cosines[:, number].argmax())
        mine = both.draft.sentences[best]
        if both.cosines[best, number] < CLOSE:
            continue
        deeds = set(_deeds(mine, both.draft.text))
        for deed in _deeds(theirs, both.rewrite.text):
            turned = _Deed(deed.whom, deed.what, deed.who)
            if turned in deeds and deed not in deeds:
                said = f'in the draft {turned.who} and {turned.whom} stand the other way round: "{mine.text}"'
                yield Difference("roles", "changed", said, (mine.start, mine.end), (theirs.start, theirs.end))
                break


def _deeds(sentence: Part, text: str) -> list[_Deed]:
    names = {d.start: d.value for d in details(text) if d.kind == "name"}
    tokens = [w for w in words_in(fold(text)) if sentence.start <= w.start < sentence.end]
    people = {i: _PERSONS.get(w.text, names.get(w.start, "")) for i, w in enumerate(tokens)}
    people = {i: who for i, who in people.items() if who}
    found = []
    for i, token in enumerate(tokens):
        if i in people or not (content(token.text) or token.text in _DEEDS):
            continue
        before = [j for j in range(max(0, i - REACH), i) if j in people]
        behind = [j for j in range(i + 1, min(len(tokens), i + 1 + REACH)) if j in people]
        if before and behind and not any(tokens[k].text in _PASSIVE for k in range(before[-1], behind[0])):
            who, whom = people[before[-1]], people[behind[0]]
            if who != whom:
                found.append(_Deed(who, stem(token.text), whom))
    return found


_DEED_WORDS = """send sends sent give gives gave call calls called ask asks asked tell tells told show shows help helps find finds found
know knows see sees saw take takes took get gets got want wants need needs thank thanks let lets made make makes put puts keep keeps kept"""
_DEEDS = frozenset(_DEED_WORDS.split())
"""Deeds among the words that any text has."""
