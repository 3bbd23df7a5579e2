"""Details: what a rewrite must keep to the letter: figures with what they count, dates, names, links and quoted words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pete.data.language import FUNCTION_WORDS, language_of
from pete.data.text import fold, sentences_in, words
from pete.generate.request_parsing import NUMBERS

DetailKind = Literal["figure", "date", "name", "link", "quotation"]


@dataclass(frozen=True)
class Detail:
    """A detail of a text and where it stands: text[start:end]."""

    kind: DetailKind
    value: str
    """As it is compared: "1900" for 1,900 and for nineteen hundred, "tuesday" for Tues."""
    start: int
    end: int
    unit: str = ""
    """Of a figure, where one is named: "minute", "kg", "euro"."""
    asked: bool = True
    """Whether another text must have it; what is said in passing ("one of them", "today") only answers for it."""


LINK = re.compile(
    r"https?://[^\s\"'<>)\]]+|www\.[^\s\"'<>)\]]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|(?<!\w)[#@][^\W\d]\w*"
    r"|\b[a-z\d-]+(?:\.[a-z\d-]+)*\.[a-z]{2,}(?:/[^\s\"'<>)\]]*)?",
    re.IGNORECASE,
)
QUOTED = re.compile(r"(?<!\w)(?:\"([^\"\n]{2,})\"|'([^'\n]{2,}?)'(?!\w))")

_UNITS = {
    "second": "seconds sec secs",
    "minute": "minutes min mins",
    "hour": "hours hr hrs h",
    "day": "days",
    "night": "nights",
    "week": "weeks",
    "month": "months",
    "year": "years yr yrs",
    "mm": "millimetre millimetres millimeter millimeters",
    "cm": "centimetre centimetres centimeter centimeters",
    "m": "metre metres meter meters",
    "km": "kilometre kilometres kilometer kilometers",
    "mile": "miles",
    "inch": "inches",
    "foot": "feet ft",
    "mg": "milligram milligrams",
    "g": "gram grams gramme grammes",
    "kg": "kilo kilos kilogram kilograms",
    "ton": "tons tonne tonnes",
    "ml": "millilitre millilitres milliliter milliliters",
    "litre": "l litres liter liters",
    "kb": "kilobyte kilobytes",
    "mb": "megabyte megabytes",
    "gb": "gigabyte gigabytes",
    "kwh": "",
    "degree": "degrees",
    "percent": "per%cent %",
    "euro": "euros eur \u20ac",
    "dollar": "dollars usd $",
    "pound": "pounds gbp \u00a3 quid",
    "cent": "cents ct",
    "pence": "p penny",
    "franc": "francs chf",
}
UNITS = {word.replace("%cent", " cent"): unit for unit, others in _UNITS.items() for word in (unit, *others.split())}
"""A unit as it is written -> its name."""
_GLUED = "|".join(sorted((re.escape(u) for u in UNITS if len(u) <= 3), key=len, reverse=True))
_SCALE = {"hundred": 100, "thousand": 1000, "k": 1000, "million": 10**6, "m": 10**6, "billion": 10**9}
_IN_PASSING = {"once": "1", "twice": "2", "both": "2", "double": "2", "pair": "2", "couple": "2", "half": "0.5", "dozen": "12",
               "single": "1", "first": "1", "second": "2", "third": "3", "quarter": "0.25", "thrice": "3"}  # fmt: skip
_WORD_NUMBER = "|".join(NUMBERS)
_ONES = "|".join(word for word, value in NUMBERS.items() if 0 < value < 10)
_FIGURE = re.compile(
    r"(?P<before>[\u20ac$\u00a3])?\s?(?<![\w.,])(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|[1-9]\d{0,2}(?: \d{3})+(?!\d)|\d+(?:[.:/-]\d+)*)"
    rf"(?P<ordinal>st|nd|rd|th)?(?:\s?(?P<scale>k|hundred|thousand|million|billion)\b)?(?:(?P<glued>{_GLUED})(?!\w))?",
    re.IGNORECASE,
)
_IN_WORDS = re.compile(
    rf"\b(?P<number>(?:(?:{_WORD_NUMBER})(?:[- ](?:{_ONES})\b)?)(?:[- ](?:hundred|thousand|million)\b)?)\b(?!')", re.IGNORECASE
)
_PASSING = re.compile(rf"\b(?:{'|'.join(_IN_PASSING)})\b", re.IGNORECASE)
_UNIT_BEHIND = re.compile(r"[ -]?(per cent|%|[\u20ac$\u00a3]|[a-z]+)", re.IGNORECASE)

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SHORT = {"mon": "monday", "tue": "tuesday", "tues": "tuesday", "wed": "wednesday", "thu": "thursday", "thur": "thursday",
          "thurs": "thursday", "fri": "friday", "sat": "saturday", "sun": "sunday", "jan": "january", "feb": "february",
          "apr": "april", "jun": "june", "jul": "july", "aug": "august", "sep": "september", "sept": "september", "oct": "october",
          "nov": "november", "dec": "december"}  # fmt: skip
_NEARDAYS = {"today": "today", "tonight": "today", "tomorrow": "tomorrow", "yesterday": "yesterday"}
_DATE = re.compile(
    rf"\b(?:({'|'.join(DAYS)})s?|({'|'.join(m for m in _MONTHS if m not in ('march', 'may'))}|March|May(?=\s+\d)|(?<=\d )May"
    rf"|(?<=[Ii]n )May|(?<=[Bb]y )May|(?<=[Oo]f )May|(?<=[Uu]ntil )May)|({'|'.join(_NEARDAYS)}))\b"
    rf"|\b({'|'.join(word.title() for word in _SHORT)})\b(?!\w)"
)
_TOKEN = re.compile(r"[^\W\d_][\w&]*(?:[-.][^\W\d_][\w]*)*(?:'\w+)?")
_SPOKEN = re.compile(r"I(?:'\w+)?$")
_OPENED = re.compile(r"(?:^|[.!?:\u2026(\"'\[\n\u2022*-])\s*[\"'(]*$")


@lru_cache(maxsize=512)
def details(text: str) -> tuple[Detail, ...]:
    """The details of a text, from left to right; what stands in a link or a date is no figure or name of its own."""
    plain = fold(text)
    found: list[Detail] = []
    taken = bytearray(len(plain))

    def take(every: Iterator[Detail]) -> None:
        for detail in every:
            if not any(taken[detail.start : detail.end]):
                taken[detail.start : detail.end] = b"\1" * (detail.end - detail.start)
                found.append(detail)

    take(_links(plain))
    take(_dates(plain))
    take(_figures(plain))
    take(_names(plain))
    found += _quotations(plain)
    return tuple(sorted(found, key=lambda detail: (detail.start, detail.end)))


def _links(text: str) -> Iterator[Detail]:
    for match in LINK.finditer(text):
        value = match.group().rstrip(".,;:!?")
        yield Detail("link", value.casefold(), match.start(), match.start() + len(value))


def _dates(text: str) -> Iterator[Detail]:
    for match in re.finditer(_DATE.pattern, text, re.IGNORECASE):
        word = match.group()
        low = word.casefold()
        exact = _DATE.match(text, match.start())
        if low in _SHORT or low in ("march", "may"):
            if exact is None or exact.group() != word:
                continue
            yield Detail("date", _SHORT.get(low, low), match.start(), match.end())
        elif low in _NEARDAYS:
            yield Detail("date", _NEARDAYS[low], match.start(), match.end(), asked=False)
        else:
            yield Detail("date", low if low in DAYS or low in _MONTHS else low.removesuffix("s"), match.start(), match.end())


def _figures(text: str) -> Iterator[Detail]:
    for match in _FIGURE.finditer(text):
        value, scale, glued = match["digits"], match["scale"], match["glued"]
        end = match.end()
        value = _number(value)
        if scale:
            value = _plain_number(float(value) * _SCALE[scale.lower()]) if re.fullmatch(r"\d+(?:\.\d+)?", value) else value
        unit = UNITS[(match["before"] or glued).lower()] if match["before"] or glued else ""
        start = match.start("before") if match["before"] else match.start("digits")
        yield Detail("figure", value, start, end, unit or _unit_behind(text, end))
    for match in _IN_WORDS.finditer(text):
        value = _of_words(match["number"].lower())
        unit = _unit_behind(text, match.end())
        yield Detail("figure", _plain_number(value), match.start(), match.end(), unit, asked=value > 1)
    for match in _PASSING.finditer(text):
        yield Detail("figure", _IN_PASSING[match.group().lower()], match.start(), match.end(), asked=False)


def _number(digits: str) -> str:
    if re.fullmatch(r"\d{1,3}(?:[, ]\d{3})+(?:\.\d+)?", digits):
        digits = re.sub("[, ]", "", digits)
    digits = digits.replace(":", ".")
    return re.sub(r"^(\d+)\.0+$", r"\1", digits)


def _plain_number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"


def _of_words(number: str) -> float:
    total = 0
    for part in re.split("[- ]", number):
        total = total * _SCALE[part] if part in _SCALE else total + NUMBERS[part]
    return total


def _unit_behind(text: str, end: int) -> str:
    match = _UNIT_BEHIND.match(text, end)
    return UNITS.get(match[1].lower(), "") if match and (len(match[1]) > 1 or not match[1].isalpha() or match[1] in "glm") else ""


def _names(text: str) -> Iterator[Detail]:
    if language_of(text) == "German":  # where every noun has a capital, none of them tells a name
        return
    for sentence in sentences_in(text):
        tokens = list(_TOKEN.finditer(sentence.text))
        if _titled([m.group() for m in tokens]):
            continue
        for number, match in enumerate(tokens):
            word = match.group()
            if not word[0].isupper() or _SPOKEN.match(word):
                continue
            name = re.sub(r"'s$", "", word)
            opens = number == 0 or _OPENED.search(sentence.text[: match.start()]) is not None
            follows = number + 1 < len(tokens) and tokens[number + 1].group()[0].isupper() and not _SPOKEN.match(tokens[number + 1].group())
            inner = len(name) > 1 and not name[1:].islower()
            sure = not opens or inner or (follows and name.casefold() not in FUNCTION_WORDS)
            if name.casefold() in FUNCTION_WORDS and not (inner and len(name) > 2):
                continue
            at = sentence.start + match.start()
            yield Detail("name", name.casefold(), at, at + len(name), asked=sure)


def _titled(tokens: list[str]) -> bool:
    """A headline, where every word has a capital, or a line that shouts."""
    long = [word for word in tokens if len(word) > 3]
    return len(long) > 1 and all(word[0].isupper() for word in long) and len(tokens) > 2


def _quotations(text: str) -> Iterator[Detail]:
    for match in QUOTED.finditer(text):
        quoted = match[1] or match[2]
        if said := " ".join(words(quoted)):
            yield Detail("quotation", said, match.start(), match.end())
