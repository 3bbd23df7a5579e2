"""Wording: a word of a rewrite that nothing in its draft answers for, and how many of the draft's words are gone.

A claim can lie inside a clause that has its counterpart: "our new kettle is available" and "our new kettle is efficient" are near to each
other. So each word that says something is held against the draft's own: the same stem, or a plain synonym of the list below. Vectors do
not tell synonyms: of single words "buy" and "sell" have a cosine of 0.76, "Monday" and "Tuesday" of 0.87, "ensure" and "sure" of 0.22.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from itertools import pairwise

from pete.data.language import FUNCTION_WORDS, language_of
from pete.data.text import BULLET, fold, words
from pete.generate.meaning.parts import stem
from pete.generate.meaning.polarity import denials
from pete.generate.request_parsing import NUMBERS

LOST_OF_FEW, LOST_OF_MANY = 1 / 3, 1 / 5
"""Shares of the draft's words that may be gone: one of three, and of many no more than a fifth. See docs/log.md."""
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
_WE_DO = frozenset(["i", "i'm", "i've", "i'll", "i'd", "we", "we're", "we've", "we'll", "we'd"])
_SMALL_WORDS = """a an the this that these those it its it's that's there there's here here's who who's which when what what's be am is are
was were been being isn't aren't wasn't weren't have has had having haven't hasn't do does did doing done don't doesn't didn't will
would shall won't wouldn't can could can't couldn't cannot may might of to in on at for from by with about as into onto than
then and or but nor not no so very too also just please kindly well up now one ones own such thing things get gets got
getting yes let let's o'clock"""
_SMALL = frozenset(_SMALL_WORDS.split())
"""Words that claim nothing by themselves; denials and who is spoken of are looked at elsewhere, figures too."""
_SYNONYMS = """about concern regard regarding concerning/advise suggest recommend/after afterwards later/all every each whole
allow permit let/annual year yearly/answer reply respond/anybody anyone/apologise sorry apology apologies regret
appear seem look/approximately roughly around about/ask enquire inquire request/attempt try endeavour/beautiful lovely
because since reason as/before prior/begin start commence/big huge/big large/bill invoice/book reserve/both two
brief short/bring deliver/broken defective faulty/buy purchase/call telephone phone ring/car automobile/care careful
check look verify/cheerful happy/child kid/choose select pick/close shut/collect fetch pick/come attend
component part piece/consider think believe/contact call/correct right/currently now/customer client/cut reduce/day daily
difficult hard tough/discover find locate/dispatch send ship post/email mail/empty vacant/end finish over
enough sufficient/entire whole/everybody everyone all/explain tell/film movie/finalise finish complete/fix mend
forbid forbidden prohibit prohibited ban banned/free complimentary/furthermore also moreover besides/get receive obtain
gift present/give provide supply/glad pleased happy/happen occur/hear listen/help assist assistance facilitate
hence so thus therefore/holiday vacation/house home/however but though/hurry rush/identical same/if whenever
include with/incorrect wrong/inexpensive cheap/information detail info/initial first/intend plan/issue problem trouble
item product/journey trip/keep retain/know aware/learn find/leave go depart/like enjoy love/main chief/maintain keep
make produce manufacture build construct create generate/many several lots lot/meeting session/mistake error fault
modify change alter adjust/month monthly/more extra additional further/move shift/must should ought need/near nearby close
need require necessary want/never not/next follow/nobody no/note beware warn/notify tell inform/objective goal aim purpose
often frequently/only just alone sole single/option choice/parcel package/perform do/person people/photo shot
physician doctor/picture photo photograph/postpone delay/price cost charge fee/proceed go continue/put place add
quick fast rapid swift/remain stay/remember recall/repair fix/reservation booking/reside live/rubbish waste
run operate work function/see consult/see view look watch/shop store/show display demonstrate exhibit reveal/simple easy
somebody someone/soon shortly/speak talk chat/speed pace/staff employee/state say mean/submit send
suitable right fit ok okay fine good/swap replace change/talk speak/tell inform say/terminate end stop/thank thanks grateful
therefore so/tiny small little/trousers pants/use utilise/visit see/wait hold/week weekly/like prefer want wish/write note
propose suggest/clean wash/alternative option/notice see spot/same unchanged/prefer rather/likely probably/test try/area part"""
_MEANS: dict[str, frozenset[int]] = {}
for _number, _group in enumerate(re.split(r"[/\n]", _SYNONYMS)):
    for _word in _group.split():
        _MEANS[stem(_word)] = _MEANS.get(stem(_word), frozenset()) | {_number}
_PHRASES = (
    (re.compile(r"\bmak(?:e|es|ing) sure\b"), "ensure"),
    (re.compile(r"\blet(?:s|ting)? (me|us|you) know\b"), r"tell \1"),
    (re.compile(r"\btak(?:e|es|ing) care\b"), "careful"),
    (re.compile(r"\bgot? rid of\b|\bgetting rid of\b"), "remove"),
    (re.compile(r"\btak(?:e|es|ing) place\b"), "happen"),
    (re.compile(r"\b(?:look\w*|search\w*) for\b"), "want"),
)
"""What several words say as one does."""
_LIMITS = {
    word: words_.split()[0]
    for words_ in (
        "should must ought need needs required", "may might could possibly perhaps maybe", "likely probably", "some several few",
        "many most", "usually often generally normally mostly", "sometimes rarely seldom occasionally", "almost nearly", "only just",
        "if unless provided", "until till", "without", "before", "after", "working",
        "more further additional extra", "less fewer", "than", "feel feels felt",
        "suggest suggests suggested", "seem seems seemed appear appears appeared", "believe believes believed think thinks thought",
        "credited", "reported reports", "said says", "estimated",
        "announce announces announced", "expect expects expected", "hope hopes hoped", "plan plans planned", "claim claims claimed",
    )
    for word in words_.split()
}  # fmt: skip
"""What makes a claim smaller than it would be without: who drops "likely" from "likely to" claims more than the draft does."""
_CONDITIONS = frozenset(["if", "until", "without", "before", "after", "than"])
"""Those of them that claim something else by being there: a rewrite brings none of its own."""
_MAY = frozenset(["can", "could", "may", "might"])
_WILL = frozenset(["will", "would", "i'll", "we'll", "you'll", "he'll", "she'll", "they'll", "it'll"])
_WHO = ("who", "whom", "whose")
_ABOUT = re.compile(rf"\b(?:about|around|roughly|approximately|nearly|almost|some) (?:\d|(?:{'|'.join(NUMBERS)})\b)", re.IGNORECASE)
_THING = {"it": "it", "its": "it", "it's": "it", "one": "one", "ones": "one"}
"""What stands for something that was named."""
_WHEN = frozenset(["now", "then", "already", "still", "again", "yet", "later", "soon", "today", "tonight"])
"""Small words that claim something by themselves: what is safe now was not before."""
_AUXILIARIES = frozenset(["is", "was", "isn't", "wasn't", "will", "would", "has", "had", "may", "might", "can", "could"])
_PREPOSITIONS = frozenset(["in", "on", "at", "by", "for", "of", "from", "to", "with", "during", "into", "under"])
_PREFIX = 4
"""Letters of a stem that another one may go on from: pottery and potter, but not cat and catalogue."""
_OWNERS = frozenset(["my", "our", "your", "his", "her", "its", "their"])
_ARTICLES = frozenset(["a", "an", "the", "this", "that", "each", "every", "all", *_OWNERS])
_ONE = frozenset(["a", "an", "one", "each", "every", "this", "that", "the", "my", "our", "your"])
"""What a noun in the singular stands behind."""


def strays(draft: str, rewrite: str) -> str | None:
    """Why a rewrite of some sentences says something else than they do, as far as single words tell; None where they tell nothing.

    Args:
        draft: the sentences, and no others: what stands elsewhere in a draft may be said of something else.
        rewrite: what would stand in their place.
    """
    mine, theirs = _telling(draft), _telling(rewrite)
    if new := next((word for word in words(fold(rewrite)) if _PERSONS.get(word, "") not in _persons(draft)), None):
        return f'the draft does not speak of "{new}" here'
    if more := next(iter(_others(rewrite) - _others(draft)), None):
        return f'it would say "{more}" for a name'
    if "i" not in _persons(rewrite) and (doer := next((word for word in words(fold(draft)) if word in _WE_DO), None)):
        return f'it would leave out who does it, "{doer}"'
    if "you" in _persons(draft) - _persons(rewrite) and any(word in _WE_DO for word in words(fold(rewrite))):
        return 'it would leave out "you", and say it of us'
    if draft.isupper():
        return "a line in capitals stays as it is"
    if turned := _of_another(draft, rewrite):
        return f'it would say "{turned}" of somebody else'
    if placed := _elsewhere(draft, rewrite):
        return f'the draft does not say "{placed}" here'
    if denials(draft) != denials(rewrite):
        return "it would deny more or less than the draft"
    if limit := next(iter(_limits(draft) - _limits(rewrite)), None):
        return f'it would leave out "{limit}", and claim more'
    if condition := next((name for name in _limits(rewrite) - _limits(draft) if name in _CONDITIONS), None):
        return f'the draft has no "{condition}" here'
    there, here = words(fold(draft).lower()), words(fold(rewrite).lower())
    things = Counter(_THING[word] for word in there if word in _THING)
    # "this is", and not "this email"
    things["it"] += sum(word in ("this", "that") and after in _AUXILIARIES for word, after in pairwise(there))
    if thing := next(iter(Counter(_THING[word] for word in here if word in _THING) - things), None):
        return f'it would say "{thing}", and not what'
    if new := next((word for word in here if word in _WHEN and word not in there), None):
        return f'the draft does not say "{new}" here'
    if who := next((word for word in _WHO if here.count(word) > there.count(word)), None):
        return f'the draft does not ask "{who}" here'
    if not _MAY.isdisjoint(there) and _MAY.isdisjoint(here) and _WILL.isdisjoint(there) and not _WILL.isdisjoint(here):
        return "it would promise what only may be"
    if (point := BULLET.match(draft)) and not rewrite.startswith(point[0]):
        return "it would be no point of the list any more"
    if one := _one_of_many(there, here):
        return f'the draft speaks of more than one "{one}"'
    if presupposed := _presupposed(there, here):
        return f'it would speak of "the {presupposed}" as if there were one'
    if _listed(draft) != _listed(rewrite):
        return "it would list other things"
    if number := _other_number(there, here):
        return f'the draft does not say "{number}" here'
    forms = _forms(mine)
    if bent := next((word for word in theirs if (known := forms.get(stem(word))) and _ending(word) not in known), None):
        return f'the draft does not say "{bent}" here'
    left = list(mine)
    for word in sorted(theirs, key=lambda word: word not in mine):  # the same word before one that means the same
        answer = next((other for other in left if _alike(word, other)), None)
        if answer is None:
            return f'the draft does not say "{word}" here'
        left.remove(answer)
    gone = [word for word in mine if not any(_alike(word, other) for other in theirs)]
    may_go = min(LOST_OF_FEW * len(mine), max(1.0, LOST_OF_MANY * len(mine)))
    return f'it would leave out "{gone[0]}"' if len(gone) > may_go else None


@lru_cache(maxsize=4096)
def _telling(text: str) -> Sequence[str]:
    small = _SMALL if language_of(text) in ("", "English") else _SMALL | FUNCTION_WORDS
    plain = fold(text).lower()
    for phrase, word in _PHRASES:
        plain = phrase.sub(word, plain)
    said = (re.sub(r"'(?:s|ve|ll|d|re)$", "", word) for word in words(plain) if word not in _PERSONS)
    return tuple(word for word in said if word not in small and word not in NUMBERS and not any(map(str.isdigit, word)))


def _forms(said: Sequence[str]) -> dict[str, set[str]]:
    """Stem -> the endings it has: who is reducing has not reduced, and is not reduced."""
    found: dict[str, set[str]] = {}
    for word in said:
        found.setdefault(stem(word), set()).add(_ending(word))
    return found


def _ending(word: str) -> str:
    return next((ending for ending in ("ing", "ed") if word.endswith(ending)), "")


def _of_another(draft: str, rewrite: str) -> str | None:
    """A word whose doer or owner is another in the rewrite: who orders, and whose shop it is."""
    there, here = _behind(draft, _PERSONS), _behind(rewrite, _PERSONS)
    turned = {one for one, before in here.items() if one in there and not {_PERSONS[w] for w in before} & {_PERSONS[w] for w in there[one]}}
    known, owned = {stem(word) for word in words(fold(draft).lower())}, _behind(draft, _OWNERS)
    turned |= {one for one in _behind(rewrite, _OWNERS) if one in known and one not in owned}
    return _first(rewrite, turned)


def _elsewhere(draft: str, rewrite: str) -> str | None:
    """A word behind another preposition than in the draft, or behind none: what is cleaned in the dishwasher is not cleaned by it."""
    there, here = _behind(draft, _PREPOSITIONS), _behind(rewrite, _PREPOSITIONS)
    moved = {one for one, before in here.items() if one in there and not before & there[one]}
    if word := _first(rewrite, moved):
        return f"{min(here[stem(word)])} {word}"
    said = words(fold(rewrite).lower())
    for number, word in enumerate(said):
        before = number - 1
        while before >= 0 and said[before] in _ARTICLES:
            before -= 1
        if 0 <= before < number - 1 and said[before] not in _SMALL and said[before] not in _PERSONS and stem(word) in there.keys() - here:
            return f"{said[before]} {word}"
    return None


def _first(text: str, stems: Collection[str]) -> str | None:
    return next((word for word in words(fold(text).lower()) if stem(word) in stems), None)


def _behind(text: str, some: Collection[str]) -> dict[str, set[str]]:
    """The stem of a word that says something -> those of some words that stand before it, no more than a small word between."""
    said, found = words(fold(text).lower()), dict[str, set[str]]()
    for number, word in enumerate(said):
        if word in some:
            behind = said[number + 1 : number + 3]
            if (one := next((other for other in behind if other not in _SMALL), None)) is not None and one not in _PERSONS:
                found.setdefault(stem(one), set()).add(word)
    return found


def _one_of_many(draft: Sequence[str], rewrite: Sequence[str]) -> str | None:
    """A noun in the singular of which the draft knows only the plural: who checks a ticket has not checked the tickets."""
    there, here = set(draft), set(rewrite)
    for before, word in pairwise(rewrite):
        many = {word + "s", word + "es", word.removesuffix("y") + "ies"} & there
        if before in _ONE and many and word not in there and not many & here:
            return word
    return None


def _presupposed(draft: Sequence[str], rewrite: Sequence[str]) -> str | None:
    """A noun behind "the" that the draft only has behind "a": who adds a number has none yet."""
    there, here = set(pairwise(draft)), set(pairwise(rewrite))
    new = (word for before, word in here if before == "the" and not {("a", word), ("an", word)}.isdisjoint(there))
    return min((word for word in new if ("the", word) not in there and ("a", word) not in here and ("an", word) not in here), default=None)


def _listed(text: str) -> Counter[tuple[str, ...]] | None:
    """What stands between the commas of a line that is no sentence; None for anything else."""
    if text.rstrip(" \n\"')\u201d\u2019").endswith((".", "!", "?", ":", ",")) or "," not in text or "\n" in text.strip():
        return None
    return Counter(tuple(sorted(_telling(part))) for part in text.split(","))


def _other_number(draft: Sequence[str], rewrite: Sequence[str]) -> str | None:
    """A word with an -s more or less than it has in the draft behind the same word: what it cost is not what it costs."""
    there, here = set(pairwise(draft)), set(pairwise(rewrite))
    changed = (word for before, word in here - there if {(before, word + "s"), (before, word.removesuffix("s"))} & (there - here))
    return min(changed, default=None)


def _limits(text: str) -> Counter[str]:
    plain = fold(text).lower()
    found = Counter(_LIMITS[word] for word in words(plain.replace("as long as", "if").replace("must never", "never")) if word in _LIMITS)
    return found + Counter({"about": len(_ABOUT.findall(plain))})


def _others(text: str) -> Counter[str]:
    """How often it speaks of somebody who is neither I nor you without saying who."""
    return Counter(_PERSONS[word] for word in words(fold(text)) if _PERSONS.get(word) in ("he", "they"))


def _persons(text: str) -> set[str]:
    return {"", *(_PERSONS[word] for word in words(fold(text)) if word in _PERSONS)}


def _alike(one: str, other: str) -> bool:
    a, b = sorted((stem(one), stem(other)), key=len)
    return a == b or (len(a) >= _PREFIX and b.startswith(a)) or bool(_MEANS.get(a, frozenset()) & _MEANS.get(b, frozenset()))
