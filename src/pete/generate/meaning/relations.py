"""Relations: what the order of words and the small ones among them say. Whose it is, where, when, which of them, and whether at all.

Each is a rule of thumb on words, learned from rewrites that were read one by one: tests/evaluator/rewrites_drawn.jsonl.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import pairwise, takewhile

from pete.data.text import fold, words
from pete.generate.meaning.parts import stem
from pete.generate.meaning.vocabulary import PERSONS, SMALL, YOU_DO, alike

Words = Sequence[str]
_PREPOSITIONS = frozenset(["in", "on", "at", "by", "for", "of", "from", "to", "with", "during", "into", "under"])
_TOWARDS = frozenset(["with", "to", "for", "about", "of", "from", "on", "at", "by", "against"])
_OWNERS = frozenset(["my", "our", "your", "his", "her", "its", "their"])
_OBJECTS = frozenset(["us", "me", "you", "them", "him", "her"])
_ONE = frozenset(["a", "an", "one", "each", "every", "this", "that", "the", "my", "our", "your"])
"""What a noun in the singular stands behind."""
_NOUN_FOLLOWS = frozenset(["a", "an", "the", "this", "that", *_OWNERS])
_ARTICLES = _NOUN_FOLLOWS | {"each", "every", "all"}
_MAY = frozenset(["can", "could", "may", "might"])
_PERHAPS = frozenset(["able", "possible", "perhaps", "maybe"])
_WILL = frozenset(["will", "would", "i'll", "we'll", "you'll", "he'll", "she'll", "they'll", "it'll"])
_WHO = ("who", "whom", "whose")
_ALL = frozenset(["all", "every", "each", "both", "entire", "whole", "everything", "everybody", "everyone"])
_I = frozenset(["i", "i'm", "i've", "i'll", "i'd", "me", "my", "mine"])
_WE = frozenset(["we", "we're", "we've", "we'll", "we'd", "us", "our", "ours"])
_PAST = frozenset(["was", "were", "wasn't", "weren't"])
_PRESENT = frozenset(
    ["is", "are", "am", "isn't", "aren't", "i'm", "we're", "it's", "that's", "you're", "they're", "there's", "he's", "she's"]
)  # fmt: skip
HAVE = frozenset(["have", "has", "had", "we've", "i've", "you've", "they've"])
_BE = frozenset(["be", "been", "being", "get", "gets", "got", *_PAST, *_PRESENT])
_BETWEEN = frozenset(["also", "already", "not", "now", "just", "been", "never", "ever", "always"])
"""What stands between an auxiliary and its verb."""
_PART = frozenset(["any", "half", "part", "number", "lot", "rest", "most", "total", "matter", "pair", "couple"])
_MUCH = frozenset(["very", "truly", "deeply", "really", "extremely", "terribly"])
_LONG = 3
"""Words behind an article that name something together."""
_PARTICIPLE = ("ed", "en", "wn", "ought", "aught", "old", "ade", "elt", "ept", "ent", "ost", "aid")
_LIKE_PARTICIPLES = """open ten seven eleven thirteen fourteen fifteen sixteen seventeen eighteen nineteen hundred even often between
down brown children cold old gold indeed different present recent urgent silent patient convenient permanent evident excellent sudden
wooden golden percent almost aid afraid"""
_NO_PARTICIPLES = frozenset(_LIKE_PARTICIPLES.split())
"""Words that end as one does."""
_POLITELY = frozenset(["like", "love", "recommend", "suggest", "advise", "propose", "prefer", "say", "appreciate"])
"""What who would do it does."""
_AS_BEFORE = frozenset(["become", "come", "overcome", "run", "put", "set", "cut", "shut", "hit", "let", "read"])
"""Verbs whose participle is as they are."""
_PIECE = re.compile(r"[,;:()\u2014\u2013]|[.!?]+\s|\s-\s|\n")
"""Where what is named comes to its end."""
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_QUOTE = re.compile('["\u201c\u201d\u201e]')


def bent(draft: str, rewrite: str) -> str | None:
    """Why a rewrite ties the words of its draft to each other in another way; None where nothing tells."""
    there, here = words(fold(draft).lower()), words(fold(rewrite).lower())
    for rule in _RULES:
        if why := rule(there, here):
            return why
    known, said = Counter(_FIGURE.findall(draft)), Counter(_FIGURE.findall(rewrite))
    if more := next((figure for figure in known if said[figure] > known[figure]), None):
        return f'it would say "{more}" once more'
    return "it would quote more or less" if len(_QUOTE.findall(draft)) != len(_QUOTE.findall(rewrite)) else None


def _of_another(there: Words, here: Words) -> str | None:
    """A word whose doer or owner is another: who orders, whose shop it is, and whether I am sorry or we are."""
    for mine, others in ((_I, _WE), (_WE, _I)):
        new = next((word for word in here if word in mine), None)
        if new and mine.isdisjoint(there) and not others.isdisjoint(there):
            return f'the draft does not say "{new}" here'
    before, now = _behind(there, PERSONS), _behind(here, PERSONS)
    turned = {one for one, who in now.items() if one in before and not {PERSONS[w] for w in who} & {PERSONS[w] for w in before[one]}}
    known = set(map(stem, there))
    owned = {stem(one) for number, word in enumerate(there) if word in _OWNERS for one in there[number + 1 : number + 4]}
    turned |= {one for one in _behind(here, _OWNERS) if one in known and one not in owned}
    return f'it would say "{word}" of somebody else' if (word := _first(here, turned)) else None


def _another_does(there: Words, here: Words) -> str | None:
    """What somebody does, behind an "and" that ties it to somebody else: you run vans and I like it is not you run vans and like it."""
    before = set(pairwise(there))
    for number, (one, verb) in enumerate(pairwise(here)):
        does = {PERSONS[who] for who, other in before if other == verb and who in PERSONS}
        who = next((PERSONS[word] for word in reversed(here[:number]) if word in PERSONS and word not in _OWNERS), None)
        if one == "and" and ("and", verb) not in before and does and who and who not in does:
            return f'it would say "{verb}" of somebody else'
    return None


def _done_to(there: Words, here: Words) -> str | None:
    """Somebody to whom is done what the draft says of others, or who comes in once more: you found them is not they found you."""
    told = {(one, other) for one, that, other in threes(there) if that in ("that", "which", "whom")}
    new = set(pairwise(here)) - set(pairwise(there)) - told
    known = set(map(stem, there))
    for verb, person in sorted(new):
        if person in _OBJECTS and tells(verb) and stem(verb) in known:
            return f'the draft does not say "{verb} {person}" here'
    return 'it would say "you" once more' if count(here, YOU_DO) > count(there, YOU_DO) else None


def _elsewhere(there: Words, here: Words) -> str | None:
    """A word behind another preposition than in the draft, or behind none: what is cleaned in the dishwasher is not cleaned by it."""
    before, now = _behind(there, _PREPOSITIONS), _behind(here, _PREPOSITIONS)
    if word := _first(here, {one for one, some in now.items() if one in before and not some & before[one]}):
        return f'the draft does not say "{min(now[stem(word)])} {word}" here'
    for number, word in enumerate(here):
        other = number - 1
        while other >= 0 and here[other] in _ARTICLES:
            other -= 1
        if 0 <= other < number - 1 and tells(here[other]) and stem(word) in before.keys() - now:
            return f'the draft does not say "{here[other]} {word}" here'
    return None


def _untied(there: Words, here: Words) -> str | None:
    """What ties one word to another and is gone: whom something is done with, where, a preposition between two words, which it is."""
    known, pairs = set(here), set(pairwise(here)) - set(pairwise(there))
    for before, person in pairwise(there):
        if before in _TOWARDS and person in _OBJECTS and (before, person) not in (("for", "you"), ("of", "them")) and person not in known:
            return f'it would leave out "{before} {person}"'
    for one, between, other in threes(there):
        if one in _PREPOSITIONS and between in _PREPOSITIONS and (one, other) in pairs and other != "any":
            return f'it would leave out "{between}"'
        if between in _PREPOSITIONS and (one, other) in pairs and tells(one, other) and not other[0].isdigit():
            return f'it would leave out "{between}"'
        if between == "who" and one in known and tells(one) and not any("who" in behind for behind in _after(here, one)):
            return f'it would leave out "who {other}"'
        if one in ("in", "on", "at") and between in _ONE - {"this"} and tells(other) and not any(alike(other, word) for word in known):
            return f'it would leave out "{one} {between} {other}"'
        if one in ("and", "or", "to") and tells(between) and (one, other) in pairs and between not in known:
            return f'it would leave out "{between}"'
    if "sorry" in there and not _MUCH.isdisjoint(there) and {*_MUCH, "so"}.isdisjoint(here):
        return 'it would leave out "very sorry"'
    return None


def _asked(there: Words, here: Words) -> str | None:
    """A "who" more than the draft has: what was done is not who did it."""
    who = next((word for word in _WHO if here.count(word) > there.count(word)), None)
    return f'the draft does not ask "{who}" here' if who else None


def _certain(there: Words, here: Words) -> str | None:
    """What only may or would be, and now is or will be."""
    would = any(who in ("i", "we") and may == "would" and verb not in _POLITELY for who, may, verb in threes(there))
    if would and not any(word == "would" or word.endswith("'d") for word in here):
        return "it would say for certain what only would be"
    may = sum(word in _MAY for word in there)
    offered = sum(before in ("you", "we") and word in _MAY for before, word in pairwise(there))  # may be an invitation as well
    if "whether" not in there and may - offered > sum(word in _MAY or word in _PERHAPS for word in here):
        return "it would say for certain what only may be"
    promised = _WILL.isdisjoint(there) and not _WILL.isdisjoint(here)
    return "it would promise what only may be" if may and _MAY.isdisjoint(here) and promised else None


def _then(there: Words, here: Words) -> str | None:
    """What is, and was in the draft; what was, and is or can be; what has been done, and only is had; who does what was done to him."""
    past = count(here, _PAST) - count(there, _PAST)
    if past > 0 or (past < 0 and count(here, _PRESENT | _MAY) > count(there, _PRESENT | _MAY)):
        return "it would say it of another time"
    going_on = "being" in here and "being" not in there and not HAVE.isdisjoint(there) and HAVE.isdisjoint(here)
    if going_on or ("had" in here and "had" not in there):
        return "it would say it of another time"
    if ("will", "have") in pairwise(there) and "have" in here and _WILL.isdisjoint(here):
        return "it would say of now what will be"
    for number, word in enumerate(there):
        verb = next((other for other in there[number + 1 :] if other not in _BETWEEN), "")
        if word in HAVE and verb in _AS_BEFORE and verb in here and not any(HAVE & set(before) for before in _before(here, verb)):
            return f'it would say that it "{verb}", and not that it has'
        if verb in _NO_PARTICIPLES or not verb.endswith(_PARTICIPLE) or not tells(verb):
            continue
        if word in HAVE and not HAVE.isdisjoint(here) and not any(alike(verb, other) for other in here):
            return f'it would leave out "{verb}"'
        if word in _BE and there.count(verb) == 1 and verb in here and not any(_BE & set(before) for before in _before(here, verb)):
            return f'it would say who "{verb}", and not what was'
    return None


def incomplete(draft: str, rewrite: str) -> str | None:
    """Why a rewrite is not about all that its draft is about; None where nothing tells."""
    there, here = words(fold(draft).lower()), words(fold(rewrite).lower())
    names = [name for piece in _PIECE.split(draft) for name in _names(words(fold(piece).lower()))]
    return _fewer(there, here) or _named(there, here, names)


def _fewer(there: Words, here: Words) -> str | None:
    """Of all it would speak of some, or of any."""
    return "it would not say it of all" if _all(there) > _all(here) else None


def _all(said: Words) -> int:
    return sum(word in _ALL and before not in ("at", "after") for before, word in pairwise(["", *said]))


def _named(there: Words, here: Words, names: Iterable[Words]) -> str | None:
    """A noun without the word before it that says which; some words of a longer name: a wine club is no wine club membership."""
    for before, which, noun in threes(there):
        if before in _NOUN_FOLLOWS and tells(which, noun) and noun in here and not any(alike(which, other) for other in here):
            return f'it would leave out "{which}"'
    for name in names:
        lacking = [word for word in name if not any(alike(word, other) for other in here)]
        if 0 < len(lacking) < len(name):
            return f'it would leave out "{lacking[0]}"'
    return None


def _names(there: Words) -> Iterator[Words]:
    """Three and more words behind an article, up to the next small one; and what is "of" something, with that."""
    for number, word in enumerate(there):
        behind = list(takewhile(tells, there[number + 1 : number + 5]))
        named = behind[:-1] if behind and behind[-1].endswith("s") else behind  # that may be its verb: our new season starts
        if word in _NOUN_FOLLOWS and len(named) >= _LONG:
            yield named
        if word == "of" and number and tells(there[number - 1]) and there[number - 1] not in _PART:
            yield from ((there[number - 1], one) for one in list(filter(tells, there[number + 1 : number + 3]))[:1])


def _one_of_many(there: Words, here: Words) -> str | None:
    """A noun in the singular of which the draft knows only the plural: who checks a ticket has not checked the tickets."""
    for before, word in pairwise(here):
        many = {word + "s", word + "es", word.removesuffix("y") + "ies"} & set(there)
        if before in _ONE and many and word not in there and not many & set(here):
            return f'the draft speaks of more than one "{word}"'
    return None


def _presupposed(there: Words, here: Words) -> str | None:
    """A noun behind "the" that the draft only has behind "a" or "no": who adds a number has none yet."""
    before, now = set(pairwise(there)), set(pairwise(here))
    new = (word for article, word in now if article == "the" and not {("a", word), ("an", word), ("no", word)}.isdisjoint(before))
    word = min((word for word in new if ("the", word) not in before and ("a", word) not in now and ("an", word) not in now), default=None)
    return f'it would speak of "the {word}" as if there were one' if word else None


def _other_number(there: Words, here: Words) -> str | None:
    """A word with an -s more or less than it has in the draft behind the same word: what it cost is not what it costs."""
    before, now = set(pairwise(there)), set(pairwise(here))
    changed = (word for one, word in now - before if tells(word) and {(one, word + "s"), (one, word.removesuffix("s"))} & (before - now))
    return f'the draft does not say "{word}" here' if (word := min(changed, default=None)) else None


_RULES: Sequence[Callable[[Words, Words], str | None]] = (
    _untied, _of_another, _another_does, _done_to, _elsewhere, _asked, _certain, _one_of_many, _presupposed, _other_number, _then,
)  # fmt: skip


def _before(said: Words, verb: str) -> Iterator[Words]:
    """What stands before each place of a word, three words of it."""
    return (said[max(0, number - 3) : number] for number, word in enumerate(said) if word == verb)


def _after(said: Words, word: str) -> Iterator[Words]:
    """What stands behind each place of a word, two words of it."""
    return (said[number + 1 : number + 3] for number, other in enumerate(said) if other == word)


def tells(*some: str) -> bool:
    """Whether each of some words says something by itself."""
    return not any(word in SMALL or word in PERSONS for word in some)


def count(said: Words, some: Collection[str]) -> int:
    """How many words are of some kind."""
    return sum(word in some for word in said)


def threes(said: Words) -> Iterator[tuple[str, str, str]]:
    """Every three words that follow each other."""
    return zip(said, said[1:], said[2:], strict=False)


def _first(said: Words, stems: Collection[str]) -> str | None:
    return next((word for word in said if stem(word) in stems), None)


def _behind(said: Words, some: Collection[str]) -> dict[str, set[str]]:
    """The stem of a word that says something -> those of some words that stand before it, no more than a small word between."""
    found: dict[str, set[str]] = {}
    for number, word in enumerate(said):
        if word in some:
            one = next((other for other in said[number + 1 : number + 3] if other not in SMALL), None)
            if one is not None and one not in PERSONS:
                found.setdefault(stem(one), set()).add(word)
    return found
