"""Numbers as a person reads them: the one place where the report rounds."""

import math
import time

from pete.evaluate.stats import FEW, Interval

MINUS = "\u2212"


def plain(value: float, digits: int = 3) -> str:
    """A number with a fixed count of decimals and a real minus sign."""
    text = f"{value:.{digits}f}"
    return (text if float(text) else text.lstrip("-")).replace("-", MINUS)


def signed(value: float, digits: int = 3) -> str:
    """A difference, always with its sign; nothing is neither plus nor minus."""
    text = f"{value:+.{digits}f}"
    return (text.lstrip("+-") if not float(text) else text).replace("-", MINUS)


def short(value: float) -> str:
    """A number with three significant digits: 0.00013, 4.09, 1,331."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}".replace("-", MINUS)


def percent(share: float) -> str:
    """A share: whole percents, one decimal below ten."""
    digits = 1 if 0 < abs(share) < 0.0995 else 0
    return f"{share:.{digits}%}".replace("-", MINUS)


def change(share: float) -> str:
    """A relative change, always with its sign."""
    return f"{share:+.1%}".replace("-", MINUS)


def duration(seconds: float) -> str:
    """Seconds as "42 s", "5 min 53 s" or "8 h 12 min"."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def gigabytes(count: int) -> str:
    """Bytes as GB (10^9), as the original report counts them; as MB where that says more."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 or not count else f"{count / 1e6:.0f} MB"


def millions(count: int) -> str:
    """A parameter count."""
    return f"{count / 1e9:.2f} billion" if count >= 1e9 else f"{count / 1e6:.1f} million" if count >= 1e6 else f"{count:,}"


def when(seconds: float) -> str:
    """Wall clock, local time."""
    return time.strftime("%d %b %Y, %H:%M", time.localtime(seconds))


def counted(number: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 row, 38 rows."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def capital(text: str) -> str:
    """The same with a capital letter in front, the rest as it is."""
    return text[:1].upper() + text[1:]


def bounds(interval: Interval, digits: int = 3) -> str:
    """The two ends of a 95% interval, or why there are none."""
    if math.isinf(interval.low):
        return f"no interval from {interval.clusters}"
    return f"{plain(interval.low, digits)} to {plain(interval.high, digits)}"


def of_unit(value: float, unit: str) -> str:
    """A value of a measure: shares as percents, bits with three decimals, the rest with two."""
    return percent(value) if unit.startswith("share") else plain(value, 3 if unit.startswith("bits") else 2)


def certainty(interval: Interval) -> str:
    """What an interval lets one say, in words: the verdict, and underpowered where it is."""
    verdict = "significant" if interval.verdict != "no significant difference" else interval.verdict
    return f"{verdict}, underpowered (fewer than {FEW} independent units)" if interval.underpowered else verdict
