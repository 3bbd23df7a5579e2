"""Grammar: small words that a sentence cannot do without. Who drops one writes a telegram, or says something else.

Rules of thumb for English, learned as those of relations.py were.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from pete.data.language import language_of
from pete.data.text import fold, words
from pete.generate.meaning.relations import HAVE, Words, count, tells, threes
from pete.generate.meaning.vocabulary import PERSONS, alike
from pete.generate.request_parsing import NUMBERS

ARTICLES = frozenset(["the", "a", "an", "this", "these", "my", "our", "your", "his", "her", "its", "their"])
_OTHERS = frozenset(["that", "those", "each", "every", "all", "any", "some", "no", "one", "another", "both", "what", "which", "same"])
"""What may stand in the place of an article."""
BE = frozenset(["is", "are", "was", "were", "be", "been", "am", "isn't", "aren't", "it's", "that's"])
_DO = frozenset(["do", "does", "did"])
_ASKING = frozenset(["how", "what", "when", "where", "why", "which", "who"])
PREPOSITIONS = frozenset(["to", "for", "of", "with", "at", "on", "from", "in", "about", "by"])
CLAUSE_ENDS = frozenset(["and", "or", "but", ""])
_POLITE = frozenset(["please", "kindly", "also", "then", "now", "just"])
_LINKS = frozenset(["however", "therefore", "furthermore", "moreover", "instead", "according", "dear"])
"""First words that a sentence can do without."""
_DOERS = frozenset(["i", "we", "you", "he", "she", "they", "who"])
_GET = frozenset(["get", "gets", "got", "getting"])
_IS = frozenset(["become", "becomes", "became", "gain", "gains", "be", "been", "is", "are", "have", "has", "had"])
_APART = 3
"""Words between an article and its noun."""


def ungrammatical(draft: str, rewrite: str) -> str | None:
    """Why a rewrite is no sentence any more where its draft is one; None where nothing tells, or the language is not English."""
    if language_of(draft) not in ("", "English"):
        return None
    there, here = words(fold(draft).lower()), words(fold(rewrite).lower())
    if draft.rstrip().endswith("?") and there and there[0] in _ASKING and count(there[:4], _DO) > count(here[:4], _DO):
        return "it would be no question any more"
    for rule in _RULES:
        if why := rule(there, here):
            return why
    return None


def _bare(there: Words, here: Words) -> str | None:
    """A noun in the singular that has lost its article: keep the front open is not keep front open."""
    before, now = _articles(there), _articles(here)
    word = next((word for word, some in now.items() if "" in some and "" not in before.get(word, {""}) and not _may_be_bare(word)), None)
    return f'it would drop what stands before "{word}"' if word else None


def _may_be_bare(word: str) -> bool:
    """Plurals, superlatives, and "same"."""
    return (word.endswith("s") and not word.endswith("ss")) or word.endswith("est") or word == "same"


def _articles(said: Words) -> dict[str, set[str]]:
    """A word that says something -> the articles before it, with no more than other such words between; "" for none."""
    found: dict[str, set[str]] = {}
    for number, word in enumerate(said):
        if not tells(word):
            continue
        article = ""
        for other in reversed(said[max(0, number - _APART) : number]):
            if other in ARTICLES or other in _OTHERS:
                article = other
            if article or not tells(other):
                break
        found.setdefault(word, set()).add("any" if article in _OTHERS else article)
    return {word: some for word, some in found.items() if "any" not in some}


def _undone(there: Words, here: Words) -> str | None:
    """What a request asks for: its first word."""
    verb = next((word for word in there if word not in _POLITE), "")
    gone = verb and tells(verb) and verb not in _LINKS and not verb.endswith("ly") and not any(alike(verb, other) for other in here)
    return f'it would leave out what to do, "{verb}"' if gone else None


def _whether(there: Words, here: Words) -> str | None:
    """A "whether" less: what is asked is not what is."""
    lacking = here.count("whether") + here.count("if") < there.count("whether") + there.count("if")
    return 'it would leave out "whether"' if lacking and here.count("whether") < there.count("whether") else None


def _to_one(there: Words, here: Words) -> str | None:
    """A count of one: five are reduced to one."""
    lost = next((before for before, word in pairwise(there) if word == "one" and before in PREPOSITIONS and "one" not in here), None)
    return f'it would leave out "{lost} one"' if lost else None


def _stranded(there: Words, here: Words) -> str | None:
    """A preposition at the end of a clause: what it leads to is not what it leads."""
    pairs = set(pairwise(here))
    for word, between, after in zip(there, there[1:], [*there[2:], ""], strict=False):
        if between in PREPOSITIONS and after in CLAUSE_ENDS and tells(word) and word in here and (word, between) not in pairs:
            return f'it would leave out "{between}"'
    return None


def _had(there: Words, here: Words) -> str | None:
    """Something that somebody has, and that only was: who made a mistake does not have one."""
    was = HAVE.isdisjoint(there) and not {"was", "were"}.isdisjoint(there)
    if was and any(have in HAVE and what in ("a", "an", "the") for have, what in pairwise(here)):
        return "it would say what somebody has, and not what is"
    return None


def _been(there: Words, here: Words) -> str | None:
    """What is, without "is": the new rates are 3% is not the new rates 3%."""
    new = set(pairwise(here)) - set(pairwise(there))
    for one, be, other in threes(there):
        if be in BE and tells(one) and (one, other) in new and (other in PREPOSITIONS or other[0].isdigit() or other in NUMBERS):
            return f'it would leave out "{be}"'
    return None


def _got(there: Words, here: Words) -> str | None:
    """Somebody who gets what he gives in the draft: "get" stands for receive and buy, and for what is, becomes or is had."""
    new = count(here, _GET) > count(there, _GET)
    received = any(alike("receive", word) or alike("buy", word) for word in there) or not _IS.isdisjoint(there)
    return 'the draft does not say "get" here' if new and not received else None


def _requested(there: Words, here: Words) -> str | None:
    """A request of what only is: the shop is open is not open the shop."""
    verb, after = [*here, "", ""][:2]
    new = tells(verb) and verb.isalpha() and not verb.endswith("er") and after in ARTICLES and there[:1] != here[:1]
    return f'it would ask to "{verb}"' if new and any(be in BE and word == verb for be, word in pairwise(there)) else None


def _priced(there: Words, here: Words) -> str | None:
    """A figure that says which: at 7 a bottle is not at the 7 a bottle shop."""
    before = set(pairwise(there))
    new = (word for one, word in pairwise(here) if one == "the" and word[0].isdigit() and ("the", word) not in before)
    return f'it would say "the {word}"' if (word := next(new, None)) else None


def _made_verb(there: Words, here: Words) -> str | None:
    """What something is, as if it did it: transparent, transparents."""
    been = {word for before, word in pairwise(there) if before in BE and tells(word)}
    word = next((word for word in here if word.endswith("s") and word not in there and word[:-1] in been), None)
    return f'the draft does not say "{word}" here' if word else None


def _head(there: Words, here: Words) -> str | None:
    """A word from between two others that say something: kayak rental opens, and not the kayak."""
    new = set(pairwise(here)) - set(pairwise(there))
    for one, between, other in threes(there):
        if (one, other) in new and tells(one, between, other) and not any(alike(between, w) for w in here):
            return f'it would leave out "{between}"'
    return None


def _verbless(there: Words, here: Words) -> str | None:
    """Somebody who does nothing any more: you operate ten vans is not you ten vans."""
    idle = {who for who, after in pairwise(here) if who in _DOERS and (after in PREPOSITIONS or after in ARTICLES or after[0].isdigit())}
    verbs = (verb for who, verb in pairwise(there) if who in idle and tells(verb))
    lost = next((verb for verb in verbs if not any(alike(verb, other) for other in here)), None)
    return f'it would leave out "{lost}"' if lost else None


def _whose(there: Words, here: Words) -> str | None:
    """What is somebody's, tied on without "is": that it is nobody's fault is not and nobody's fault."""
    before, been = set(pairwise(there)), {word for be, word in pairwise(there) if be in BE}
    owners = (word for one, word in pairwise(here) if one == "and" and word.endswith("'s") and ("and", word) not in before)
    lost = next((word for word in owners if tells(word) and word in been), None)
    return f'it would leave out what is "{lost}"' if lost else None


def _about(there: Words, here: Words) -> str | None:
    """Whom it is about: no more post is not no more post about her."""
    lost = (person for before, person in pairwise(there) if before == "about" and person in PERSONS and "about" not in here)
    return f'it would leave out "about {person}"' if (person := next(lost, None)) else None


_RULES: Sequence[Callable[[Words, Words], str | None]] = (
    _bare, _undone, _whether, _to_one, _stranded, _had, _been, _got, _requested, _priced, _made_verb, _head, _verbless, _whose,
    _about,
)  # fmt: skip
