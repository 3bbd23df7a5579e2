"""Vocabulary: which words say something by themselves, which of them mean the same, and whom the others speak of."""

import re
from collections.abc import Sequence
from functools import lru_cache

from pete.data.language import FUNCTION_WORDS, language_of
from pete.data.text import fold, words
from pete.generate.meaning.parts import stem
from pete.generate.request_parsing import NUMBERS

PERSONS = {
    word: forms.split()[0]
    for forms in (
        "i i'm i've i'll i'd me my mine we we're we've we'll we'd us our ours",
        "you you're you've you'll you'd your yours",
        "he he's he'll he'd she she's she'll she'd him his her hers",
        "they they're they've they'll they'd them their theirs",
    )
    for word in forms.split()
}
WE_DO = frozenset(["i", "i'm", "i've", "i'll", "i'd", "we", "we're", "we've", "we'll", "we'd"])
YOU_DO = frozenset(["you", "you're", "you've", "you'll", "you'd"])
_SMALL_WORDS = """a an the this that these those it its it's it'll it'd that's that'll there there's there'll here here's who who's who'll
which when what what's be am is are was were been being isn't aren't wasn't weren't have has had having haven't hasn't do does did doing
done don't doesn't didn't will would shall shan't won't wouldn't can could can't couldn't cannot may might of to in on at for from by with
about as into onto than then and or but nor not no so very too also just please kindly well up now one ones own such thing things get gets
got getting yes let let's o'clock"""
SMALL = frozenset(_SMALL_WORDS.split())
"""Words that claim nothing by themselves; denials and who is spoken of are looked at elsewhere, figures too."""
_SYNONYMS = """about concern regard regarding concerning/advise suggest recommend/after afterwards later/all every each whole
allow permit let/annual year yearly/answer reply respond/anybody anyone/apologise sorry apology apologies regret
appear seem look/approximately roughly around about/ask enquire inquire request/attempt try endeavour/beautiful lovely
because since reason as/before prior/begin start commence/big huge/big large/bill invoice/book reserve/both two
brief short/bring deliver/broken defective faulty/buy purchase/call telephone phone ring/car automobile/care careful
check look verify/cheerful happy/child kid/choose select pick/close shut/collect fetch pick/come attend
component part piece/consider think believe/correct right/currently now/customer client/cut reduce/day daily
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
    (re.compile(r"\bat all\b(?!\s+\w)"), " "),
)
"""What several words say as one does."""
_FIGURES = NUMBERS.keys() | {"hundred", "thousand", "million", "billion"}
"""Words that figures are written with: what is counted is compared as such, 400 and four hundred alike."""
_PREFIX = 4
"""Letters of a stem that another one may go on from: pottery and potter, but not cat and catalogue."""


@lru_cache(maxsize=4096)
def telling(text: str) -> Sequence[str]:
    """The words of a text that say something by themselves, in their order; what several say as one does is one."""
    small = SMALL if language_of(text) in ("", "English") else SMALL | FUNCTION_WORDS
    plain = fold(text).lower()
    for phrase, word in _PHRASES:
        plain = phrase.sub(word, plain)
    said = (re.sub(r"'(?:s|ve|ll|d|re)$", "", word) for word in words(plain) if word not in PERSONS)
    return tuple(word for word in said if word not in small and word not in _FIGURES and not any(map(str.isdigit, word)))


def alike(one: str, other: str) -> bool:
    """Whether two words say the same: by their stem, or as plain synonyms."""
    a, b = sorted((stem(one), stem(other)), key=len)
    return a == b or (len(a) >= _PREFIX and b.startswith(a)) or bool(_MEANS.get(a, frozenset()) & _MEANS.get(b, frozenset()))
