"""Fact matching: whether a text keeps a fact of its prompt, figures exactly and words nearly."""

import difflib
import re
from collections.abc import Sequence

from pete.generate.request_parsing import NUMBERS

CLOSE = 0.85
"""Share of letters two words have in common to be the same: a plural, a hyphen, another spelling."""

_TOKEN = re.compile(r"\d+(?:[.:]\d+)?|[^\W\d_]+")
# in groups behind commas, or behind spaces; but 01632 960 118 is a telephone
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?!\d)|(?<![\d.,])(?<!\d )[1-9]\d{0,2}(?: \d{3})+(?! ?\d)")
_TENS = re.compile(rf"\b(\w+ty)[- ]({'|'.join(word for word, value in NUMBERS.items() if 0 < value < 10)})\b")


def holds(text: str, fact: str) -> bool:
    """Whether a fact is in a text: its figures exactly or in words, its words nearly (a plural, a hyphen). "a|b" is either."""
    tokens = _plain(text)
    return any(_within(tokens, _plain(spelling)) for spelling in fact.split("|"))


def _within(tokens: Sequence[str], wanted: Sequence[str]) -> bool:
    return bool(wanted) and any(
        all(_alike(a, b) for a, b in zip(tokens[i : i + len(wanted)], wanted, strict=True)) for i in range(len(tokens) - len(wanted) + 1)
    )


def _alike(word: str, wanted: str) -> bool:
    if word == wanted:
        return True
    if any(c.isdigit() for c in word + wanted) or min(len(word), len(wanted)) < 4:
        return False
    return difflib.SequenceMatcher(None, word, wanted, autojunk=False).ratio() >= CLOSE


def _plain(text: str) -> list[str]:
    # 1,900 and 1 900 and 1900 are one figure; 14:20 and 14.20 one time, 8 and 8.00 and eight one price; a currency sign is no word
    text = _THOUSANDS.sub(lambda m: re.sub("[, ]", "", m.group()), text.lower())
    text = _TENS.sub(lambda m: str(NUMBERS[m[1]] + NUMBERS[m[2]]) if m[1] in NUMBERS else m[0], text)
    return [re.sub(r"\.0+$", "", str(NUMBERS.get(token, token)).replace(":", ".")) for token in _TOKEN.findall(text)]
