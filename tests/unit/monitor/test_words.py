import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pete.monitor import words


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


NOW = 1_795_642_503.0  # Wednesday, 25 November 2026, 21:35:03


@pytest.mark.parametrize(
    ("later", "said"),
    [
        (0, "21:35"),
        (2 * 3600, "23:35"),
        (3 * 3600, "00:35 tomorrow"),
        (26 * 3600, "23:35 tomorrow"),
        (27 * 3600, "Friday 00:35"),
        (-22 * 3600, "23:35 yesterday"),
        (-3 * 86400, "Sunday 21:35"),
        (30 * 86400, "25 Dec 21:35"),
        (3e9, "20 Dec 2121"),
    ],
)
def test_the_clock_names_the_day(later, said):
    assert words.clock(NOW + later, NOW) == said


def test_after_midnight_it_is_today():
    assert words.clock(NOW + 6 * 3600, NOW + 3 * 3600) == "03:35"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (41, "41 s"),
        (185, "3 min 05 s"),
        (3720, "1 h 02 min"),
        (97200, "1 day 03 h"),
        (190000, "2 days 04 h"),
    ],
)
def test_spans(seconds, said):
    assert words.span(seconds) == said


@pytest.mark.parametrize(("seconds", "said"), [(12.4, "12 s"), (600, "10 min"), (3569, "59 min"), (3600, "1 h 00 min")])
def test_rough_spans(seconds, said):
    assert words.roughly(seconds) == said


def test_sizes():
    assert words.gigabytes(7_245_000_000) == "7.2 GB" and words.gigabytes(310_000) == "310 kB" and words.gigabytes(99_600_000) == "0.1 GB"


@given(st.text(max_size=300), st.integers(1, 40))
def test_lines_fit_and_lose_nothing(text, width):
    text = words.harmless(text)
    made = list(words.lines(text, width))
    wide = any(cell_len(c) > width for c in text)
    assert wide or all(cell_len(line) <= width for line in made)
    assert "".join("".join(made).split()) == "".join(text.split())
    assert cell_len(words.shortened(text, width)) <= width


def test_words_stay_whole():
    assert list(words.lines("one two  three", 7)) == ["one two", "three"]
    assert words.shortened("one two three", 8) == "one two…" and words.shortened("日本語", 5) == "日本…"
