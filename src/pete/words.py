"""Formatting of durations, moments, sizes and counts, the same on every screen and page."""

import datetime
import time
from collections.abc import Sequence

MINUS = "\u2212"
GB = 2**30
"""Bytes of a gigabyte of memory, as Activity Monitor counts it and a "16 GB Mac" has it. Files are counted otherwise: `file_size`."""
_DAY = 86400


def duration(seconds: float) -> str:
    """A length of time in at most two units: 0.4 s, 41 s, 3 min 05 s, 1 h 02 min, 2 days 03 h."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < _DAY:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{counted(whole // _DAY, 'day')} {whole % _DAY // 3600:02d} h"


def roughly(seconds: float) -> str:
    """A length of time in minutes, for forecasts that are not good to the second."""
    return f"{round(seconds)} s" if seconds < 90 else f"{round(seconds / 60)} min" if seconds < 3570 else duration(seconds)


def clock(moment: float, now: float) -> str:
    """The hour of a moment (seconds since 1970, local time), with the day when it is another day than `now`."""
    there, here = time.localtime(moment), time.localtime(now)
    hour = time.strftime("%H:%M", there)
    days = datetime.date(*there[:3]).toordinal() - datetime.date(*here[:3]).toordinal()
    if days == 0:
        return hour
    if abs(days) == 1:
        return f"{hour} {'tomorrow' if days > 0 else 'yesterday'}"
    return time.strftime("%A %H:%M" if abs(days) < 7 else "%d %b %H:%M" if abs(days) < 300 else "%d %b %Y", there)


def gigabytes(size: float) -> str:
    """Memory in GB of 2^30 bytes: 24 GB, 7.2 GB, 0.4 GB; in MB or kB below a tenth of one."""
    if not size or abs(size) >= 0.0995 * GB:
        return f"{size / GB:.1f}".removesuffix(".0") + " GB"
    return f"{size / 2**20:.0f} MB" if abs(size) >= 0.9995 * 2**20 else f"{size / 2**10:.0f} kB"


def file_size(size: float) -> str:
    """Files, downloads and room on a disk, in GB of 10^9 bytes as Finder and shops count them: 2.9 GB, 410 MB, 12 kB, 7 bytes."""
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}" if size < 10 * unit else f"{size / unit:.0f} {name}"
    return f"{size:.0f} bytes"


def short(value: float) -> str:
    """Three significant digits, thousands in full: 0.00013, 4.09, 1,331, 2.5e+06."""
    text = f"{abs(value):,.0f}" if 999.5 <= abs(value) < 1e6 else f"{abs(value):.3g}"
    return f"{MINUS}{text}" if value < 0 else text


def millions(count: int) -> str:
    """A parameter count: 1.41 billion, 3.1 million, 950."""
    return f"{count / 1e9:.2f} billion" if count >= 1e9 else f"{count / 1e6:.1f} million" if count >= 1e6 else f"{count:,}"


def counted(number: int, one: str) -> str:
    """A count with its noun: 1 row, 38 rows."""
    return f"{number:,} {one if number == 1 else one + 's'}"


def rounded(count: int) -> int:
    """A count as one says it before "words": a multiple of 5 below 60, of 10 below 200, of 50 beyond; never 0."""
    step = 5 if count < 60 else 10 if count < 200 else 50
    return max(5, round(count / step) * step)


def and_between(names: Sequence[str]) -> str:
    """Names in a sentence: "a", "a and b", "a, b and c"; nothing for none."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))
