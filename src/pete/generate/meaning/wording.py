"""Wording: a word of a rewrite that nothing in its draft answers for, and how many of the draft's words are gone.

A claim can lie inside a clause that has its counterpart: "our new kettle is available" and "our new kettle is efficient" are near to each
other. So each word that says something is held against the draft's own: the same stem, or a plain synonym of the list below. Vectors do
not tell synonyms: of single words "buy" and "sell" have a cosine of 0.76, "Monday" and "Tuesday" of 0.87, "ensure" and "sure" of 0.22.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from pete.data.text import BULLET, fold, words
from pete.generate.meaning.claims import claims_else
from pete.generate.meaning.grammar import ungrammatical
from pete.generate.meaning.parts import stem
from pete.generate.meaning.polarity import denials
from pete.generate.meaning.relations import bent, count, incomplete, tells
from pete.generate.meaning.vocabulary import PERSONS, WE_DO, YOU_DO, alike, telling
from pete.generate.request_parsing import NUMBERS

LOST_OF_FEW, LOST_OF_MANY = 1 / 3, 1 / 5
"""Shares of the draft's words that may be gone: one of three, and of many no more than a fifth. See docs/log.md."""
_LIMITS = {
    word: words_.split()[0]
    for words_ in (
        "should must ought need needs required shouldn't mustn't oughtn't needn't",
        "may might could possibly perhaps maybe mightn't couldn't",
        "likely probably", "some several few",
        "many most", "usually often generally normally mostly", "sometimes rarely seldom occasionally", "almost nearly", "only just",
        "if unless", "until till", "without", "before", "after", "working", "today", "tonight", "tomorrow", "yesterday", "always",
        "more further additional extra", "less fewer", "than", "feel feels felt", "want wants wanted", "understand understands understood",
        "suggest suggests suggested", "seem seems seemed appear appears appeared", "believe believes believed think thinks thought",
        "credited", "reported reports", "said says", "estimated",
        "announce announces announced", "expect expects expected", "hope hopes hoped", "plan plans planned", "claim claims claimed",
    )
    for word in words_.split()
}  # fmt: skip
"""What makes a claim smaller than it would be without: who drops "likely" from "likely to" claims more than the draft does."""
_SAYS = {"as long as": "if", "provided that": "if", "provided you": "if you", "must never": "never", "close to": "almost"}
"""What several words say as one of them does."""
_CONDITIONS = frozenset(["if", "until", "without", "before", "after", "than"])
"""Those of them that claim something else by being there: a rewrite brings none of its own."""
_COUNT = rf"(?=\d|(?:{'|'.join(NUMBERS)})\b)"
_ABOUT = re.compile(rf"\b(?:about|around|roughly|approximately|nearly|almost|some) {_COUNT}", re.IGNORECASE)
_BOUND = re.compile(rf"\b(up to|at least|at most|no more than|no less than) {_COUNT}", re.IGNORECASE)
_THING = {"it": "it", "its": "it", "it's": "it", "one": "one", "ones": "one"}
"""What stands for something that was named."""
_WHEN = frozenset(["now", "then", "already", "still", "again", "yet", "later", "soon", "today", "tonight"])
"""Small words that claim something by themselves: what is safe now was not before."""
_TO_US = frozenset(["us", "me"])
_LABEL = re.compile(r"\w+:(?=\s)")
"""What a line begins with that says what it is: To, Re, the question of an interview."""
_AUXILIARIES = frozenset(["is", "was", "isn't", "wasn't", "will", "would", "has", "had", "may", "might", "can", "could"])


def strays(draft: str, rewrite: str) -> str | None:
    """Why a rewrite of some sentences says something else than they do, as far as single words tell; None where they tell nothing.

    Args:
        draft: the sentences, and no others: what stands elsewhere in a draft may be said of something else.
        rewrite: what would stand in their place.
    """
    mine, theirs = telling(draft), telling(rewrite)
    if new := next((word for word in words(fold(rewrite)) if PERSONS.get(word, "") not in _persons(draft)), None):
        return f'the draft does not speak of "{new}" here'
    if more := next(iter(_others(rewrite) - _others(draft)), None):
        return f'it would say "{more}" for a name'
    ours, said = next((word for word in words(fold(draft)) if word in WE_DO), None), words(fold(rewrite))
    to_us = count(said, _TO_US) > count(words(fold(draft)), _TO_US)
    by_others = (to_us or count(said, YOU_DO)) and not count(said, WE_DO)
    if ours and ("i" not in _persons(rewrite) or by_others):  # who of us and of you does it
        return f'it would leave out who does it, "{ours}"'
    if "you" in _persons(draft) - _persons(rewrite) and any(word in WE_DO for word in words(fold(rewrite))):
        return 'it would leave out "you", and say it of us'
    if draft.isupper():
        return "a line in capitals stays as it is"
    if denials(draft) != denials(rewrite):
        return "it would deny more or less than the draft"
    if limit := next(iter(_limits(draft) - _limits(rewrite)), None):
        return f'it would leave out "{limit}", and claim more'
    if condition := next((name for name in _limits(rewrite) - _limits(draft) if name in _CONDITIONS), None):
        return f'the draft has no "{condition}" here'
    if why := bent(draft, rewrite):
        return why
    there, here = words(fold(draft).lower()), words(fold(rewrite).lower())
    things = Counter(_THING[word] for word in there if word in _THING)
    # "this is", and not "this email"
    things["it"] += sum(word in ("this", "that") and after in _AUXILIARIES for word, after in pairwise(there))
    if thing := next(iter(_stand_ins(here) - things), None):
        return f'it would say "{thing}", and not what'
    if new := next((word for word in here if word in _WHEN and word not in there), None):
        return f'the draft does not say "{new}" here'
    if _points(draft) > _points(rewrite):
        return "it would be no point of the list any more"
    if (label := _LABEL.match(draft)) and not rewrite.lower().startswith(label[0].lower()):
        return f'it would leave out "{label[0]}"'
    if _listed(draft) != _listed(rewrite):
        return "it would list other things"
    forms = _forms(mine)
    if changed := next((word for word in theirs if (known := forms.get(stem(word))) and _ending(word) not in known), None):
        return f'the draft does not say "{changed}" here'
    left = list(mine)
    for word in sorted(theirs, key=lambda word: word not in mine):  # the same word before one that means the same
        answer = next((other for other in left if alike(word, other)), None)
        if answer is None:
            return f'the draft does not say "{word}" here'
        left.remove(answer)
    if less := incomplete(draft, rewrite) or ungrammatical(draft, rewrite) or claims_else(draft, rewrite):
        return less
    gone = [word for word in mine if not any(alike(word, other) for other in theirs)]
    may_go = min(LOST_OF_FEW * len(mine), max(1.0, LOST_OF_MANY * len(mine)))
    return f'it would leave out "{gone[0]}"' if len(gone) > may_go else None


def _stand_ins(said: Sequence[str]) -> Counter[str]:
    """What stands for a thing; "one" does not where it counts a noun, or asks behind "which"."""
    around = zip(["", *said], said, [*said[1:], ""], strict=False)
    counting = [word == "one" and (before == "which" or (after and tells(after))) for before, word, after in around]
    return Counter(_THING[word] for word, counts in zip(said, counting, strict=True) if word in _THING and not counts)


def _points(text: str) -> int:
    return sum(BULLET.match(line) is not None for line in text.splitlines())


def _forms(said: Sequence[str]) -> dict[str, set[str]]:
    """Stem -> the endings it has: who is reducing has not reduced, and is not reduced."""
    found: dict[str, set[str]] = {}
    for word in said:
        found.setdefault(stem(word), set()).add(_ending(word))
    return found


def _ending(word: str) -> str:
    return next((ending for ending in ("ing", "ed") if len(word) > len(ending) + 2 and word.endswith(ending)), "")


def _listed(text: str) -> Counter[tuple[str, ...]] | None:
    """What stands between the commas of a line that is no sentence; None for anything else."""
    if text.rstrip(" \n\"')\u201d\u2019").endswith((".", "!", "?", ":", ",")) or "," not in text or "\n" in text.strip():
        return None
    return Counter(tuple(sorted(telling(part))) for part in text.split(","))


def _limits(text: str) -> Counter[str]:
    plain = fold(text).lower()
    for phrase, word in _SAYS.items():
        plain = plain.replace(phrase, word)
    found = Counter(_LIMITS[word] for word in words(plain) if word in _LIMITS)
    return found + Counter({"about": len(_ABOUT.findall(plain)), **Counter(_BOUND.findall(plain))})


def _others(text: str) -> Counter[str]:
    """How often it speaks of somebody who is neither I nor you without saying who."""
    return Counter(PERSONS[word] for word in words(fold(text)) if PERSONS.get(word) in ("he", "they"))


def _persons(text: str) -> set[str]:
    return {"", *(PERSONS[word] for word in words(fold(text)) if word in PERSONS)}
