"""Claims: what a sentence says of its own facts. Why, in spite of what, by when, for certain or one day, allowed or only so.

Rules of thumb for English, learned as those of relations.py were.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from pete.data.language import language_of
from pete.data.text import fold, words
from pete.generate.meaning.details import DAYS
from pete.generate.meaning.grammar import ARTICLES, BE, CLAUSE_ENDS, PREPOSITIONS
from pete.generate.meaning.parts import stem
from pete.generate.meaning.relations import Words, count, tells, threes
from pete.generate.meaning.vocabulary import alike

_AMOUNTS = frozenset(["provide", "provides", "form", "forms", "represent", "represents", "constitute", "constitutes"])
"""Verbs that say little more than "is"."""
_WILL = frozenset(["will", "would", "can", "could"])
_CONTRASTS = frozenset(["but", "however", "although", "though"])
_CONSEQUENCES = frozenset(["therefore", "consequently", "hence", "thus"])
_GRANTED = frozenset(["guaranteed", "allowed", "permitted", "given", "promised", "included", "refunded"])
_OFFERED = frozenset(["available", "open"])
_UNTIL = frozenset(["by", "until", "before", "after"])
_REASONS = frozenset(["as", "because", "since", "so"])


def claims_else(draft: str, rewrite: str) -> str | None:
    """Why a rewrite claims something else of the same facts than its draft; None where nothing tells, or the language is not English."""
    if language_of(draft) not in ("", "English"):
        return None
    there, here = words(fold(draft).lower()), words(fold(rewrite).lower())
    return next((why for rule in _RULES if (why := rule(there, here))), None)


def _only_is(there: Words, here: Words) -> str | None:
    """What something does, and only is: the meetings include a good meal is not the meetings are one."""
    new = {article for be, article in set(pairwise(here)) - set(pairwise(there)) if be in BE and article in ARTICLES}
    for before, verb, article in threes(there):
        if (
            article in new
            and tells(verb)
            and verb not in _AMOUNTS
            and before not in BE | PREPOSITIONS
            and stem(verb) not in map(stem, here)
        ):
            return f'it would leave out "{verb}"'
    return None


def _object(there: Words, here: Words) -> str | None:
    """What something is done to: to check the data for customers is not to check for customers."""
    new = set(pairwise(here)) - set(pairwise(there))
    for verb, article, noun, after in zip(there, there[1:], there[2:], there[3:], strict=False):
        cut = article in ARTICLES and after in PREPOSITIONS and (verb, after) in new and tells(verb, noun)
        if cut and not any(alike(noun, other) for other in here):
            return f'it would leave out "{article} {noun}"'
    return None


def _which(there: Words, here: Words) -> str | None:
    """What tells which one it is, as if it were said by itself: the wine you like is in the shop is not you like it in the shop."""
    for noun, you, verb in threes(there):
        if you == "you" and tells(noun, verb) and list(here[:2]) == [you, verb] and there[:1] != ["you"]:
            return f'the draft does not say "you {verb}" by itself'
    return None


def _granted(there: Words, here: Words) -> str | None:
    """What is given, allowed or guaranteed, and only is."""
    given = (verb for be, verb in _with_be(there) if verb in _GRANTED and not any(alike(verb, other) for other in here))
    lost = next(given, None)
    return f'it would leave out "{lost}"' if lost and any(be in BE for be in here) else None


def _with_be(said: Words) -> Iterator[tuple[str, str]]:
    """A form of "be" and the next word that is no adverb of time or denial."""
    for number, be in enumerate(said):
        if be in BE:
            yield be, next((word for word in said[number + 1 :] if word not in ("no", "longer", "not", "now", "also")), "")


def _love_to(there: Words, here: Words) -> str | None:
    """What somebody would love to do, and only would."""
    now = {verb for would, verb in pairwise(here) if would == "would" or would.endswith("'d")}
    loved = (verb for love, to, verb in threes(there) if love in ("love", "like") and to == "to")
    return f'it would leave out "love to {verb}"' if (verb := next((v for v in loved if v in now), None)) else None


def _would_do(there: Words, here: Words) -> str | None:
    """What something will or can do: we hope it will help others decide is not we hope others decide."""
    gone = _WILL.isdisjoint(here) and not any(word.endswith("'ll") for word in here)
    verbs = (verb for will, verb in pairwise(there) if gone and will in _WILL and tells(verb))
    lost = next((verb for verb in verbs if not any(alike(verb, other) for other in here)), None)
    return f'it would leave out "{lost}"' if lost else None


def _coming(there: Words, here: Words) -> str | None:
    """What will be on offer, and is already."""
    coming = {what for will, be, what in threes(there) if (will, be) == ("will", "be")} & _OFFERED
    dated = any(word[0].isdigit() for word in there) or any(day in there for day in DAYS)
    now = next((what for be, what in pairwise(here) if be in BE and what in coming), None)
    return f'it would say that it is "{now}" already' if now and not dated and _WILL.isdisjoint(here) else None


def _by_when(there: Words, here: Words) -> str | None:
    """By when something is asked for: apply by 15 January."""
    before = {when: word for word, when in pairwise(["", *here])}
    for until, when in pairwise(there):
        told = before.get(when, until)
        if until in _UNTIL and when[0].isdigit() and there.count(when) == 1 and (told in CLAUSE_ENDS or tells(told)) and told not in _UNTIL:
            return f'it would leave out "{until} {when}"'
    return None


def _reason(there: Words, here: Words) -> str | None:
    """A reason that only stands beside what it is the reason of: as it rained, we closed is not it rained, and we closed."""
    first = there[:1] in (["as"], ["since"]) and there[1:2] != ["from"]
    because = "because" if "because" in there else there[0] if first else None
    lost = because and here.count("and") > there.count("and") and _REASONS.isdisjoint(here)
    return f'it would leave out "{because}"' if lost else None


def _follows(there: Words, here: Words) -> str | None:
    """A reason that became a consequence."""
    turned = "because" in there and "because" not in here and here.count("so") > there.count("so") and "therefore" not in there
    return "it would say what follows for what is the reason" if turned else None


def _contrast(there: Words, here: Words) -> str | None:
    """A contrast that became a consequence."""
    turned = here.count("so") > there.count("so") and count(there, _CONTRASTS) > count(here, _CONTRASTS) and _CONSEQUENCES.isdisjoint(there)
    return 'the draft does not say "so" here' if turned else None


def _elided(there: Words, here: Words) -> str | None:
    """What somebody or something is not: if they are not achieved is not if they are not."""
    ends = list(here[-1:]) == ["not"] and list(there[-1:]) != ["not"] and list(there[-2:]) != ["not", "to"]
    return "it would not say what is not" if ends else None


_RULES: Sequence[Callable[[Words, Words], str | None]] = (
    _only_is, _object, _which, _granted, _love_to, _would_do, _coming, _by_when, _reason, _follows, _contrast, _elided,
)  # fmt: skip
