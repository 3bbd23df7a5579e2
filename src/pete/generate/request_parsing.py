"""Request parsing: what a prompt asks for in so many words: a format, a length, a number of lines, facts to keep, a language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pete.persona import Limit

_SMALL = """zero one two three four five six seven eight nine ten
eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"""
_TENS = """twenty thirty forty fifty sixty seventy eighty ninety"""
NUMBERS = {word: value for value, word in enumerate(_SMALL.split())} | {word: 10 * value for value, word in enumerate(_TENS.split(), 2)}

ABOUT = 0.35
"""Share: "about 120 words" is kept by 78 to 162."""
SLACK = 0.1
"""Share: "60-80 words" is kept by 54 to 88; a subject line or a name below need not be counted with care."""

_N = rf"(\d{{1,4}}|{'|'.join(NUMBERS)})"
_MOST_BEFORE = r"(?:under|below|within|max(?:imum)?(?: of)?|at most|up to|(?:no|not) (?:more than|over)|(?:fewer|less) than)"
_MOST_AFTER = r"(?:max(?:imum)?|at (?:the )?most|or (?:fewer|less|under)|tops)\b"
_UNIT = r"(words?|characters?|chars?|lines?|points?|bullets?|steps?|items?)\b"
_EACH_BEFORE = re.compile(r"\beach,? ?$")
_EACH_AFTER = re.compile(r"(?: [a-z]+)? (?:each|per (?:line|item))\b")
_LENGTH = re.compile(
    rf"(?:(?P<most>{_MOST_BEFORE})|(?P<about>about|around|roughly|approximately|some|ca\.?))?\s*(?<![\d.,])\b{_N}"
    rf"(?:\s*(?:-|\u2013|to|or)\s*{_N})?[ -]{_UNIT}(?P<after>,?\s+{_MOST_AFTER})?"
)
_LIST = re.compile(rf"\b{_N}(?: [a-z'-]+){{0,2}} (?:(?:[a-z]+ )lines|headlines|options|names|ideas|taglines|slogans|titles|variants)\b")
_TOLD = re.compile(
    r"\b(?:is|are|was|were|has|have|had|holds|wrote|writes|sent|got|took|lost|read|counted|lists|my|our|his|her|their|these|those)"
    r"(?: (?:at|about|around|some|only|just|all))? $"
)
"""What stands before a number that is news and no order: "the waiting list is at 40 names", "my mother wrote two lines"."""
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_QUOTED = re.compile(r"(?<!\w)['\"\u2018\u201c]([^'\"\u2018\u2019\u201c\u201d\n]{2,40})['\"\u2019\u201d](?!\w)")
_NAME = re.compile(r"(?<=[a-z0-9,;] )[A-Z][a-z]+(?: (?:& |and )?[A-Z][a-z]+)*")
MOST_QUOTED = 3
"""Words: a longer quotation is somebody talking, not a name."""


@dataclass(frozen=True)
class RequestType:
    """What sort of answer is wanted; "" is unknown, and the prompt's own words decide."""

    category: str = ""
    format: str = ""
    topic: str = ""
    """Training rows of it are not shown as examples."""


def length_asked(prompt: str) -> Limit:
    """The limits that a prompt states: "under 80 words", "five subject lines", "max six points"."""
    text = prompt.lower()
    bounds: dict[str, tuple[int, int]] = {}
    for match in _LIST.finditer(text):
        count = _value(match.group(1))
        if count > 1 and not _TOLD.search(text, 0, match.start()):
            bounds.setdefault("items", (count, count))
    for match in _LENGTH.finditer(text):
        low, high, unit = match.group(3), match.group(4), match.group(5).rstrip("s")
        first = _value(low)
        last = _value(high) if high else first
        field = {"word": "words", "character": "characters", "char": "characters", "line": "lines"}.get(unit, "items")
        most = bool(match["most"] or match["after"])
        each = _EACH_BEFORE.search(text[: match.start()]) or _EACH_AFTER.match(text, match.end())
        if each and field in ("words", "characters"):
            field = f"line_{field}"
        # "seven items were fixed", "one line at the top" say something else
        aside = field in ("lines", "items") and (bool(each) or (not most and (field == "items" or last == 1)))
        aside = aside or (not most and bool(_TOLD.search(text, 0, match.start(3))))
        if field in bounds or last < first or aside:
            continue
        if most or field != "words":
            bounds[field] = (0, last)
        elif high:
            bounds[field] = (int(first * (1 - SLACK)), round(last * (1 + SLACK)))
        else:
            bounds[field] = (int(first * (1 - ABOUT)), round(last * (1 + ABOUT)))
    return Limit.model_validate(bounds)


def format_asked(prompt: str, formats: Mapping[str, Limit]) -> str:
    """The format that a prompt names first, outside quotation marks; "" for none."""
    text = _QUOTED.sub(" ", prompt.lower())
    mentions = []
    for name, limit in formats.items():
        for word in (name, *limit.asked):
            # "our tagline", "no slogan": it is talked about, not asked for
            match = re.search(rf"(?<!our )(?<!no )\b{re.escape(word.lower().removesuffix('s'))}s?\b", text)
            if match:
                mentions.append((match.start(), -len(word), name))
    return min(mentions)[2] if mentions else ""


def without_lengths(prompt: str) -> str:
    """A prompt with spaces where it says how long: "about 120 words" is no fact."""
    return _LENGTH.sub(lambda match: " " * len(match.group()), prompt)


def facts_asked(prompt: str) -> list[str]:
    """Figures, names and short quotations of a prompt: what an answer may not leave out or change at will."""
    text = without_lengths(prompt)
    text = re.sub(r"\b\d+-second\b", "", text)
    quoted = [q for q in _QUOTED.findall(text) if len(q.split()) <= MOST_QUOTED]
    plain = _QUOTED.sub(" ", text)
    return list(dict.fromkeys([*_FIGURE.findall(text), *(q.strip(" .,") for q in quoted), *_NAME.findall(plain)]))


def _value(number: str) -> int:
    return NUMBERS[number] if number in NUMBERS else int(number)
