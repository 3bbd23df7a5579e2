"""A customer's message as customers type: slips, no capitals, no full stops, one breath, the order number somewhere else.

Figures, links and quotations stay to the letter, and so does everything with a digit in it.
"""

import random
import re
from collections.abc import Callable
from itertools import pairwise

from pete.data.text import sentences_in

_SLIPS = 14
"""Words to one slip."""
# neighbours on a keyboard with the letters of English, German and French where they are the same
_BESIDE = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk", "k": "jl", "l": "k",
    "m": "n", "n": "bm", "o": "ip", "p": "o", "r": "et", "s": "ad", "t": "r", "u": "i", "v": "cb", "w": "e", "x": "c",
}  # fmt: skip
_KEPT = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+|\S*\d\S*|[\"\u201c\u201e][^\"\u201c\u201d\u201e\n]{1,200}[\"\u201d\u201c]|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b"
)
_WORD = re.compile(r"(?<![\w'\u2019])[a-z]{4,}(?![\w'\u2019])")
_NUMBER = re.compile(
    r"\b(?P<what>order|ticket|booking|reference|invoice|account|customer|parcel|tracking|case)"
    r"(?P<between>(?: number| no\.?| id| code)?[ :#]*)"
    r"(?P<number>[A-Z]{0,4}[- ]?\d[\w-]*\w)",
    re.IGNORECASE,
)
_MARK = re.compile(r"[.,;:!]+(?=\s|$)")


def noisy(message: str, seed: str) -> tuple[str, tuple[str, ...]] | None:
    """The message with two or three kinds of noise, and their names; the same for a seed. None where nothing can be changed."""
    chance = random.Random(seed)
    kinds = [*NOISES]
    chance.shuffle(kinds)
    text, used, wanted = message, list[str](), chance.choice((2, 3))
    for name in kinds:
        if len(used) == wanted:
            break
        changed = NOISES[name](text, chance)
        if changed != text:
            text, used = changed, [*used, name]
    return (text, tuple(sorted(used))) if text != message and text.strip() else None


def _apart(text: str, change: Callable[[str], str]) -> str:
    """Change what lies between the places that stay."""
    pieces, at = list[str](), 0
    for kept in _KEPT.finditer(text):
        pieces += [change(text[at : kept.start()]), kept.group()]
        at = kept.end()
    return "".join([*pieces, change(text[at:])])


def slips(text: str, chance: random.Random) -> str:
    """Letters swapped, left out, doubled, or their neighbours; never the first of a word, and never in a name."""

    def slip(match: re.Match[str]) -> str:
        word = match.group()
        if chance.random() > 1 / _SLIPS:
            return word
        at = chance.randrange(1, len(word) - 1)
        beside = _BESIDE.get(word[at], word[at] * 2)
        changed = (
            word[:at] + word[at + 1] + word[at] + word[at + 2 :], word[:at] + word[at + 1 :], word[:at] + word[at] + word[at:],
            word[:at] + chance.choice(beside) + word[at + 1 :],
        )  # fmt: skip
        return chance.choice(changed)

    return _apart(text, lambda part: _WORD.sub(slip, part))


def lower_case(text: str, chance: random.Random) -> str:
    """No capitals."""
    return _apart(text, str.lower)


def no_marks(text: str, chance: random.Random) -> str:
    """Full stops, commas and their like left out; question marks stay."""
    return _apart(text, lambda part: _MARK.sub("", part))


def one_breath(text: str, chance: random.Random) -> str:
    """Sentences and lines run into each other."""
    kept = [match.span() for match in _KEPT.finditer(text)]
    said = sentences_in(text)
    pieces = [text[: said[0].end]] if said else [text]
    for before, part in pairwise(said):
        between = text[before.end : part.start]
        if any(first < before.end and part.start < last for first, last in kept):  # a quotation of several sentences
            pieces += [between, part.text]
            continue
        if not any(first < before.end <= last for first, last in kept):
            pieces[-1] = re.sub(r"[.!]+$", "", pieces[-1])
        small = (
            part.text if part.text[:2] in ("I ", "I'") or any(at == part.start for at, _ in kept) else part.text[:1].lower() + part.text[1:]
        )
        pieces += [chance.choice((" ", ", ", " and ")), small]
    return "".join(pieces) + text[said[-1].end :] if len(said) > 1 else text


def number_elsewhere(text: str, chance: random.Random) -> str:
    """The number of an order or ticket stands at the end or the beginning, where its noun was the noun alone."""
    found = _NUMBER.search(text)
    if found is None:
        return text
    rest = text[: found.start()] + found["what"] + text[found.end() :]
    number = f"{found['what'].lower()}{found['between']}{found['number']}"
    return f"{rest.rstrip()}\n{number}" if chance.random() < 0.7 else f"{number}\n{rest.lstrip()}"


NOISES: dict[str, Callable[[str, random.Random], str]] = {
    "slips": slips,
    "lower case": lower_case,
    "no marks": no_marks,
    "one breath": one_breath,
    "number elsewhere": number_elsewhere,
}
