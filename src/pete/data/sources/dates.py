"""Dates as exports write them."""

import datetime
import re

_ISO = re.compile(r"(\d{4})-(\d\d?)-(\d\d?)(?:[T ]+(\d\d?):(\d\d)(?::(\d\d))?(?:[.,]\d+)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?", re.IGNORECASE)


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
