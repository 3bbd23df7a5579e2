"""Moments as tables write them: ISO, seconds since 1970, the dates of mails, and 1/2/2024."""

import datetime
import email.utils
import re

from pete.data.sources.dates import iso_date

_SLASHED = re.compile(
    r"(\d{1,4})([./-])(\d\d?)\2(\d{2,4})(?:,?\s+(\d\d?):(\d\d)(?::(\d\d))?(?:\.\d+)?\s*([AaPp])?\.?[Mm]?\.?)?(?:\s*(?:UTC|GMT|Z))?"
)
_NUMBER = re.compile(r"\d{9,19}(?:\.\d+)?")


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
