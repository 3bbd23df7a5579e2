"""Dates as exports write them: ISO, and in tables seconds since 1970, the dates of mails, and 1/2/2024 too."""

import datetime
import email.utils
import re

_ISO = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d))?(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.IGNORECASE)
_SLASHED = re.compile(
    r"(\d{1,4})([./-])(\d\d?)\2(\d{2,4})(?:,?\s+(\d\d?):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*([AaPp])?\.?[Mm]?\.?)?(?:\s*(?:UTC|GMT|Z))?"
)
_NUMBER = re.compile(r"\d{9,19}(?:\.\d+)?")


def iso_date(value: object) -> datetime.datetime | None:
    """The moment that an ISO date means, however loosely it is written; UTC where it names no zone, None where it is none.

    Takes "2024-01-02", "2024-1-2 03:04 +0100", "2019-07-26T20:48:19.814Z", and dates that a parser of YAML or TOML made already.
    """
    if isinstance(value, datetime.datetime):
        return value if value.tzinfo else value.replace(tzinfo=datetime.UTC)
    if isinstance(value, datetime.date):
        return datetime.datetime(value.year, value.month, value.day, tzinfo=datetime.UTC)
    found = _ISO.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    *numbers, zone = found.groups()
    offset = datetime.timedelta()
    if zone and zone[0] in "+-":
        offset = datetime.timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    try:
        moment = datetime.datetime(*(int(number or 0) for number in numbers), tzinfo=datetime.timezone(offset))  # type: ignore[arg-type]
        moment.astimezone(datetime.UTC)  # what lies before the year 1 somewhere else is no date
    except (ValueError, OverflowError):  # month 13; "0000-00-00 00:00:00" is how WordPress writes none
        return None
    return moment


def moment_of(value: object, day_first: bool | None = None) -> datetime.datetime | None:
    """The moment a cell means; UTC where it names no zone. None where it is none, or where 1/2/2024 may be two days.

    Args:
        value: text, a number, or what a Parquet file holds.
        day_first: how 1/2/2024 is read.
    """
    if (found := iso_date(value)) is not None:
        return found
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = repr(int(value)) if value == value and abs(value) < 1e19 else ""
    if not isinstance(value, str) or not (text := value.strip()):
        return None
    try:
        if _NUMBER.fullmatch(text):
            return _since_1970(float(text))
        if slashed := _SLASHED.fullmatch(text):
            return _slashed(slashed, day_first)
        moment = email.utils.parsedate_to_datetime(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        return None


def _since_1970(number: float) -> datetime.datetime:
    """Seconds, or thousandths, millionths, billionths of them: what gives a moment of our time."""
    while number > 1e11:
        number /= 1000
    return datetime.datetime.fromtimestamp(number, datetime.UTC)


def _slashed(found: re.Match[str], day_first: bool | None) -> datetime.datetime | None:
    first, mark, second, third, hour, minute, seconds, half = found.groups()
    if len(first) == 4:
        year, month, day = int(first), int(second), int(third)
    else:
        year = int(third) + (2000 if len(third) == 2 else 0)
        one, two = int(first), int(second)
        if one > 12 or two > 12 or one == two:
            day_first = one > 12
        elif mark == "." and day_first is None:  # nobody writes the month first with dots
            day_first = True
        if day_first is None:
            return None
        day, month = (one, two) if day_first else (two, one)
    at = int(hour or 0)
    if half:
        at = at % 12 + (12 if half in "pP" else 0)
    return datetime.datetime(year, month, day, at, int(minute or 0), int(seconds or 0), tzinfo=datetime.UTC)
