"""Wording: a word of a rewrite that nothing in its draft answers for, and how many of the draft's words are gone.

A claim can lie inside a clause that has its counterpart: "our new kettle is available" and "our new kettle is efficient" are near to each
other. So each word that says something is held against the draft's own: the same stem, or a plain synonym of the list below. Vectors do
not tell synonyms: of single words "buy" and "sell" have a cosine of 0.76, "Monday" and "Tuesday" of 0.87, "ensure" and "sure" of 0.22.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from pete.data.language import FUNCTION_WORDS, language_of
from pete.data.text import fold, words
from pete.generate.meaning.parts import stem
from pete.generate.request_parsing import NUMBERS

LOST = 1 / 3
"""Share of the draft's words that may be gone. See docs/log.md."""
_PERSONS = {
    word: forms.split()[0]
    for forms in (
        "i i'm i've i'll i'd me my mine we we're we've we'll we'd us our ours",
        "you you're you've you'll you'd your yours",
        "he he's she she's him his her hers",
        "they they're they've they'll they'd them their theirs",
    )
    for word in forms.split()
}
_SMALL_WORDS = """a an the this that these those it its it's that's there there's here here's who who's which what what's be am is are
was were been being isn't aren't wasn't weren't have has had having haven't hasn't do does did doing done don't doesn't didn't will
would shall won't wouldn't can could can't couldn't cannot may might of to in on at for from by with about as into onto than
then and or but nor not no so very too also just please kindly well up now one ones own such thing things get gets got
getting yes let let's"""
_SMALL = frozenset(_SMALL_WORDS.split())
"""Words that claim nothing by themselves; denials and who is spoken of are looked at elsewhere, figures too."""
_SYNONYMS = """ask enquire inquire request/answer reply respond/begin start commence/buy purchase/get receive obtain
need require necessary want/help assist assistance/big large/price cost charge/use utilise/give provide supply
tell inform say/know aware/picture photo photograph/apologise sorry apology/repair fix/collect fetch pick/child kid
cut reduce/more extra additional further/allow permit let/shop store/quick fast/end finish over/close shut
glad pleased happy/mistake error/choose select pick/come attend/visit see/keep retain/show display/state say mean
run operate work/contact call/call telephone phone ring/meeting session/swap replace change/see view look watch
see consult/suitable right fit ok okay/must should ought need/all every each whole/free complimentary
because since reason as/if when whenever/only just alone sole single/check look/about concern regard/soon shortly
before prior/enough sufficient/after afterwards later/approximately roughly around about/attempt try/however but though
therefore so/like enjoy/talk speak/wish want like/leave go depart/wait hold/inexpensive cheap/annual year yearly/day daily
week weekly/month monthly/make produce/include with/perform do/currently now/next follow/person people/put place add
often frequently/many several lots lot/both two/never not/explain tell/write note/move shift/learn find/email mail
main chief/everybody everyone all/somebody someone/anybody anyone/nobody no"""
_MEANS: dict[str, frozenset[int]] = {}
for _number, _group in enumerate(re.split(r"[/\n]", _SYNONYMS)):
    for _word in _group.split():
        _MEANS[stem(_word)] = _MEANS.get(stem(_word), frozenset()) | {_number}
_PREFIX = 4
"""Letters of a stem that another one may go on from: pottery and potter, but not cat and catalogue."""


def strays(draft: str, rewrite: str) -> str | None:
    """Why a rewrite of some sentences says something else than they do, as far as single words tell; None where they tell nothing.

    Args:
        draft: the sentences, and no others: what stands elsewhere in a draft may be said of something else.
        rewrite: what would stand in their place.
    """
    mine, theirs = _telling(draft), _telling(rewrite)
    if new := next((word for word in words(fold(rewrite)) if _PERSONS.get(word, "") not in _persons(draft)), None):
        return f'the draft does not speak of "{new}" here'
    left = list(mine)
    for word in sorted(theirs, key=lambda word: word not in mine):  # the same word before one that means the same
        answer = next((other for other in left if _alike(word, other)), None)
        if answer is None:
            return f'the draft does not say "{word}" here'
        left.remove(answer)
    gone = [word for word in mine if not any(_alike(word, other) for other in theirs)]
    return f'it would leave out "{gone[0]}"' if len(gone) > LOST * len(mine) else None


@lru_cache(maxsize=4096)
def _telling(text: str) -> Sequence[str]:
    small = _SMALL if language_of(text) in ("", "English") else _SMALL | FUNCTION_WORDS
    plain = re.sub(r"\bmak(?:e|es|ing) sure\b", "ensure", fold(text).lower())
    said = (re.sub(r"'(?:s|ve|ll|d|re)$", "", word) for word in words(plain) if word not in _PERSONS)
    return tuple(word for word in said if word not in small and word not in NUMBERS and not any(map(str.isdigit, word)))


def _persons(text: str) -> set[str]:
    return {"", *(_PERSONS[word] for word in words(fold(text)) if word in _PERSONS)}


def _alike(one: str, other: str) -> bool:
    a, b = sorted((stem(one), stem(other)), key=len)
    return a == b or (len(a) >= _PREFIX and b.startswith(a)) or bool(_MEANS.get(a, frozenset()) & _MEANS.get(b, frozenset()))
