"""Numbers and texts as the monitor shows them: short, and harmless whatever a model or a file says."""

import datetime
import re
import time
import unicodedata
from collections.abc import Iterator

from rich.cells import cell_len

# a terminal's own sequences whole, so that no "[31m" is left of them
_SEQUENCE = re.compile("\x1b(?:\\[[0-?]*[ -/]*[@-~]|[\\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\\\)?|.?)", re.DOTALL)
_DAY = 86400
LONGEST = 2000
"""Characters of one text that are shown; a screen holds no more of it."""


def harmless(text: str) -> str:
    """One line without what could drive a terminal, turn text around or have a width terminals disagree about."""
    text = _SEQUENCE.sub("", text[:LONGEST].encode("utf-8", "replace").decode("utf-8"))
    text = " ".join(text.split())
    kept = "".join(
        c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") and not "\ufe00" <= c <= "\ufe0f"
    )
    return kept.strip()


def lines(text: str, width: int) -> Iterator[str]:
    """Text broken between words into lines of at most `width` cells (1 at least); a longer word is cut."""
    width, line = max(1, width), ""
    for word in text.split():
        if line and cell_len(line) + 1 + cell_len(word) > width:
            yield line
            line = ""
        line = f"{line} {word}" if line else word
        while cell_len(line) > width:
            head = fit(line, width) or line[:1]
            yield head
            line = line[len(head) :]
    if line:
        yield line


def fit(text: str, width: int) -> str:
    """As much of the beginning as `width` cells hold."""
    while text and cell_len(text) > width:
        text = text[: max(0, min(len(text) - 1, width))]
    return text


def shortened(text: str, width: int) -> str:
    """Text within `width` cells, with an ellipsis where something is missing."""
    return text if cell_len(text) <= width else fit(text, max(0, width - 1)).rstrip() + "…" * (width > 0)


def span(seconds: float) -> str:
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
    return f"{whole // _DAY} day{'s' * (whole >= 2 * _DAY)} {whole % _DAY // 3600:02d} h"


def roughly(seconds: float) -> str:
    """A length of time in minutes, for forecasts that are not good to the second."""
    return f"{round(seconds)} s" if seconds < 90 else f"{round(seconds / 60)} min" if seconds < 3570 else span(seconds)


def clock(moment: float, now: float) -> str:
    """The hour of a moment (seconds since 1970, local time), with the day when it is another day than `now`."""
    there, here = time.localtime(moment), time.localtime(now)
    hour = time.strftime("%H:%M", there)
    days = _day_number(there) - _day_number(here)
    if days == 0:
        return hour
    if abs(days) == 1:
        return f"{hour} {'tomorrow' if days > 0 else 'yesterday'}"
    return time.strftime("%A %H:%M" if abs(days) < 7 else "%d %b %H:%M" if abs(days) < 300 else "%d %b %Y", there)


def gigabytes(count: float) -> str:
    """Bytes as GB (10^9), like the report; small ones as MB or kB."""
    if abs(count) >= 9.95e7:
        return f"{count / 1e9:.1f} GB"
    return f"{count / 1e6:.0f} MB" if abs(count) >= 9.995e5 else f"{count / 1e3:.0f} kB"


def number(value: float) -> str:
    """Three significant digits, thousands in full: 0.00013, 4.09, 1,331, 2.5e+06."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e6 else f"{value:.3g}"


def _day_number(moment: time.struct_time) -> int:
    return datetime.date(moment.tm_year, moment.tm_mon, moment.tm_mday).toordinal()
