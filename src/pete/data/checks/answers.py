"""Answers that teach what nobody wants to learn: broken off, only links, an assistant's phrases, somebody famous's words."""

import re
from collections.abc import Iterable

from pete.data.private import mask
from pete.data.text import fold, lines_in

LONG = 30
"""Words: a shorter answer may be a line, a name or a slogan, and end as it likes."""
LINE = 8
"""Words of its last line: a shorter one may be a button, a signature, a heading."""
TAIL = 30
"""Characters at the end of a text that say how it ends."""
_UNENDED = re.compile(
    r"(?:[,;(\[]|\b(?:and|or|but|the|a|an|of|to|in|on|for|with|that|which|because|our|your|my|their|is|are|was|und|oder|der|die|das"
    r"|ein|eine|mit|et|ou|le|la|les|de|des|un|une|avec|que))\s*$"
)
_CUT = re.compile(r"(?:\.\.\.|\u2026)\s*(?:see|read|show) more\s*$|(?:\u2026|\.\.\.)\s*mehr (?:anzeigen|ansehen)\s*$", re.IGNORECASE)
_ENDED = re.compile(r"[.!?:\u2026\u3002\uff01\uff1f\uff61)\]}\"'\u201d\u2019\u00bb\u300d*_]\s*$|[^\w\s]\s*$")
_NO_PROSE = re.compile(r"https?://\S+|www\.\S+|[#@]\w[\w.-]*|\d+")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
WORDS = 3
"""Words that an answer has beside its links and hashtags, at least, to be one."""

_PHRASES = (
    r"\bas an? (?:ai|artificial intelligence|large language model|language model|ai language model|ai assistant)\b",
    r"\bi(?:'m| am) an ai\b",
    r"\bi(?:'m| am) (?:sorry|afraid),? (?:but )?i (?:can't|cannot|am unable to|can not) "
    r"(?:assist|help with|fulfil|provide|create|generate|do that)\b",
    r"\bmy (?:knowledge cutoff|training data|last update)\b",
    r"\bi (?:do not|don't) have (?:access to real-time|personal (?:opinions|experiences))\b",
    r"^(?:sure|certainly|absolutely|of course)[!,.]? (?:here(?:'s| is| are)|i(?:'d| would) be happy)\b",
    r"^here(?:'s| is) (?:a|an|the|your) (?:\w+ ){0,4}(?:draft|version|rewrite|post|email|response|reply)\b[^.\n]{0,60}:\s*$",
    r"\blet me know if you(?:'d| would) like (?:me to|any|it|this) (?:\w+ )?(?:adjust|chang|revis|edit|tweak|rewrit|shorter|longer|expand)",
    r"\bi hope this (?:draft|version|rewrite|response) (?:helps|meets|works)\b",
    r"\bregenerate response\b", r"\boaicite\b|\bcontentreference\b",
)  # fmt: skip
_PHRASE = re.compile("|".join(_PHRASES).replace("'", "(?:'|\u2019)"), re.IGNORECASE | re.MULTILINE)
_PHRASE_SIGNS = ("as an ai", "language model", "artificial intel", "i'm an ai", "i am an ai", "i can't", "i cannot", "i can not",
                 "i am unable", "my knowledge cutoff", "my training data", "my last update", "access to real-time", "personal opinions",
                 "personal experiences", "let me know if you", "i hope this", "regenerate resp", "oaicite", "contentreference")  # fmt: skip
_BEGINNINGS = ("sure", "certainly", "absolutely", "of course", "here's a", "here is a", "here's the", "here is the", "here's your",
               "here is your")  # fmt: skip

QUOTATIONS = (
    "to be or not to be that is the question", "all the world's a stage", "the course of true love never did run smooth",
    "brevity is the soul of wit", "all that glitters is not gold", "uneasy lies the head that wears a crown",
    "the lady doth protest too much", "some are born great some achieve greatness", "there are more things in heaven and earth",
    "a rose by any other name would smell as sweet", "parting is such sweet sorrow", "cowards die many times before their deaths",
    "it was the best of times it was the worst of times", "it is a truth universally acknowledged", "call me ishmael",
    "all happy families are alike", "to err is human to forgive divine", "fools rush in where angels fear to tread",
    "a little learning is a dangerous thing", "hope springs eternal in the human breast", "no man is an island entire of itself",
    "ask not for whom the bell tolls", "i can resist everything except temptation", "we are all in the gutter",
    "the truth is rarely pure and never simple", "experience is the name everyone gives to their mistakes",
    "a cynic is a man who knows the price of everything", "the unexamined life is not worth living", "i think therefore i am",
    "the only thing we have to fear is fear itself", "four score and seven years ago", "give me liberty or give me death",
    "these are the times that try men's souls", "the report of my death was an exaggeration", "those who would give up essential liberty",
    "early to bed and early to rise makes a man healthy", "nothing is certain except death and taxes",
    "an investment in knowledge pays the best interest",
    "that which does not kill us makes us stronger", "he who has a why to live", "god does not play dice",
    "the mass of men lead lives of quiet desperation", "if a man does not keep pace with his companions",
    "a foolish consistency is the hobgoblin",
    "whatever you can do or dream you can begin it", "two roads diverged in a yellow wood", "i took the one less traveled by",
    "do not go where the path may lead", "because i could not stop for death", "the best laid schemes of mice and men",
    "i wandered lonely as a cloud", "a thing of beauty is a joy forever", "water water everywhere nor any drop to drink",
    "power tends to corrupt and absolute power corrupts absolutely", "those who cannot remember the past are condemned to repeat it",
    "if i have seen further it is by standing on the shoulders of giants", "any customer can have a car painted any colour",
    "whether you think you can or you think you can't", "genius is one percent inspiration", "i have not failed i've just found",
    "all animals are equal but some animals are more equal", "the journey of a thousand miles begins with", "know thyself",
    "a journey of a thousand miles begins with a single step", "knowledge is power", "it is not the critic who counts",
    "speak softly and carry a big stick", "the pen is mightier than the sword", "if at first you don't succeed",
)  # fmt: skip
"""Openings that many have quoted, of authors long dead, in words alone; a text that has one is not (wholly) the author's."""
_LEAST = 4
_QUOTED = [(quotation, *sorted(quotation.split(), key=len)[:-3:-1]) for quotation in QUOTATIONS if len(quotation.split()) >= _LEAST]
"""Each with its two longest words: a text without them needs no closer look."""
_APART = re.compile(r"[^\w']+")


def unended(text: str) -> Iterable[str]:
    """Where a long answer stops in the middle of a sentence."""
    tail, words = text[-TAIL:], text.count(" ") + text.count("\n") + 1
    if _CUT.search(tail) or (words >= LONG and _UNENDED.search(tail)):
        return [mask(text.rstrip())[-30:]]
    if words < LONG or _ENDED.search(tail):
        return []
    *before, last = (line.text for line in lines_in(text))
    ended = all(_ENDED.search(line[-TAIL:]) for line in before if len(line.split()) >= LINE)  # a list of headlines has no full stops
    prose = ended and len(last.split()) >= LINE and not _NO_PROSE.search(last.split()[-1]) and text.count(".") >= 2
    return [mask(last)[-30:]] if prose else []


def only_links(text: str) -> Iterable[str]:
    """An answer of links, hashtags, mentions and emoji."""
    if not ("#" in text or "@" in text or "://" in text or "www." in text):
        return []
    return [] if len(_LETTERS.findall(_NO_PROSE.sub(" ", text))) >= WORDS else [text]


def assistant_phrase(text: str) -> Iterable[str]:
    """The first phrase of an assistant that speaks of itself or hands over a draft."""
    low = fold(text).lower()
    if not (low.startswith(_BEGINNINGS) or any(map(low.__contains__, _PHRASE_SIGNS))):
        return []
    return [hit.group() for hit in [_PHRASE.search(text)] if hit]


def quotation(text: str) -> Iterable[str]:
    """The first famous quotation."""
    low = fold(text).lower()
    if not (near := [words for words, long, other in _QUOTED if long in low and other in low]):
        return []
    plain = f" {' '.join(_APART.sub(' ', low).split())} "
    return [words for words in near if f" {words} " in plain][:1]
