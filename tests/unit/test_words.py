import time

import pytest

from pete import words


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
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3720, "1 h 02 min"),
        (97200, "1 day 03 h"),
        (190000, "2 days 04 h"),
    ],
)
def test_durations(seconds, said):
    assert words.duration(seconds) == said


@pytest.mark.parametrize(("seconds", "said"), [(12.4, "12 s"), (600, "10 min"), (3569, "59 min"), (3600, "1 h 00 min")])
def test_rough_durations(seconds, said):
    assert words.roughly(seconds) == said


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (16 * 2**30, "16 GB"),
        (7.25 * 2**30, "7.2 GB"),
        (0, "0 GB"),
        (0.1 * 2**30, "0.1 GB"),
        (60 * 2**20, "60 MB"),
        (310 * 2**10, "310 kB"),
        (-3 * 2**30, "-3 GB"),
    ],
)
def test_memory_is_counted_as_it_is_sold(size, said):
    assert words.gigabytes(size) == said


@pytest.mark.parametrize(("size", "said"), [(7, "7 bytes"), (1234, "1.2 kB"), (410_000_000, "410 MB"), (2_930_000_000, "2.9 GB")])
def test_files_are_counted_as_the_finder_does(size, said):
    assert words.file_size(size) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0.000134, "0.000134"), (4.094, "4.09"), (999.7, "1,000"), (1331.2, "1,331"), (2.5e6, "2.5e+06"), (-3.0, "−3")]
)
def test_numbers_are_short(value, said):
    assert words.short(value) == said


def test_words_are_counted_as_one_says_it():
    assert [words.rounded(n) for n in (0, 2, 58, 64, 199, 224, 226)] == [5, 5, 60, 60, 200, 200, 250]


def test_counts():
    assert [words.counted(n, "row") for n in (0, 1, 1300)] == ["0 rows", "1 row", "1,300 rows"]
    assert [words.millions(n) for n in (1_414_647_808, 3_145_728, 950)] == ["1.41 billion", "3.1 million", "950"]
