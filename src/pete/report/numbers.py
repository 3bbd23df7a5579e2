"""Numbers as a person reads them: the one place where the report rounds."""

import math
import time

from pete.evaluate.stats import FEW, Interval
from pete.words import MINUS


def plain(value: float, digits: int = 3) -> str:
    """A number with a fixed count of decimals and a real minus sign."""
    text = f"{value:.{digits}f}"
    return (text if float(text) else text.lstrip("-")).replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """A difference, always with its sign; nothing is neither plus nor minus."""
    text = f"{value:+.{digits}f}"
    return (text.lstrip("+-") if not float(text) else text).replace("-", MINUS)


def percent(share: float) -> str:
    """A share: whole percents, one decimal below ten."""
    digits = 1 if 0 < abs(share) < 0.0995 else 0
    return f"{share:.{digits}%}".replace("-", MINUS)


def change(share: float) -> str:
    """A relative change, always with its sign."""
    return f"{share:+.1%}".replace("-", MINUS)


def when(seconds: float) -> str:
    """Wall clock, local time."""
    return time.strftime("%d %b %Y, %H:%M", time.localtime(seconds))


def capital(text: str) -> str:
    """The same with a capital letter in front, the rest as it is."""
    return text[:1].upper() + text[1:]


def bounds(interval: Interval, digits: int = 3, share: bool = False) -> str:
    """The two ends of a 95% interval, as percents where it is one of a share, or why there are none."""
    if math.isinf(interval.low):
        return f"no interval from {interval.clusters}"
    low, high = (percent(end) if share else plain(end, digits) for end in (interval.low, interval.high))
    return f"{low} to {high}"


def of_unit(value: float, unit: str) -> str:
    """A value of a measure: shares as percents, bits with three decimals, the rest with two."""
    return percent(value) if unit.startswith("share") else plain(value, 3 if unit.startswith("bits") else 2)


def certainty(interval: Interval) -> str:
    """What an interval lets one say, in words: the verdict, and underpowered where it is."""
    verdict = "significant" if interval.verdict != "no significant difference" else interval.verdict
    return f"{verdict}, underpowered (fewer than {FEW} independent units)" if interval.underpowered else verdict
