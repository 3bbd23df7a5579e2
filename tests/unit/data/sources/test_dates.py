import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.dates import iso_date, moment_of

WHEN = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2019-07-26T20:48:19.814Z", "2019-07-26T20:48:19+00:00"),
        ("2023-01-18 21:25:27", "2023-01-18T21:25:27+00:00"),
        ("2023-01-02 16:55:00+00:00", "2023-01-02T16:55:00+00:00"),
        ("2024-1-2 3:04 +0130", "2024-01-02T03:04:00+01:30"),
        ("2024-01-02 03:04:05 UTC", "2024-01-02T03:04:05+00:00"),
        (" 2024-01-02 ", "2024-01-02T00:00:00+00:00"),
        (datetime.date(2024, 1, 2), "2024-01-02T00:00:00+00:00"),
        (datetime.datetime(2024, 1, 2, 3), "2024-01-02T03:00:00+00:00"),
    ],
)
def test_dates_as_exports_write_them(said, meant):
    moment = iso_date(said)
    assert moment is not None and moment.isoformat() == meant


@pytest.mark.parametrize(
    "said", ["", "0000-00-00 00:00:00", "2024-02-30", "2024-13-01", "0001-01-01 00:00 +1400", "1/2/2024", "soon", 5, None, []]
)
def test_what_is_no_date(said):
    assert iso_date(said) is None


@given(st.datetimes(min_value=datetime.datetime(1000, 1, 1), timezones=st.sampled_from([datetime.UTC])))
def test_every_moment_comes_back(moment):
    found = iso_date(moment.isoformat())
    assert found == moment.replace(microsecond=0)


@given(st.text())
def test_any_text_is_a_date_or_none(text):
    assert iso_date(text) is None or "-" in text


@given(st.datetimes(datetime.datetime(2002, 1, 1), datetime.datetime(2100, 1, 1)), st.sampled_from([1, 1000, 10**6, 10**9]))
def test_seconds_and_their_parts_are_told_apart(moment, parts):
    moment = moment.replace(microsecond=0, tzinfo=datetime.UTC)
    seconds = int(moment.timestamp())
    assert moment_of(seconds * parts) == moment_of(str(seconds * parts)) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2024-01-02T03:04:05Z",
        "2024-01-02 03:04:05",
        "2024/01/02 03:04:05",
        "Tue, 02 Jan 2024 04:04:05 +0100",
        "02.01.2024 03:04:05",
        WHEN,
        1704164645.0,
    ],
)
def test_the_same_moment_however_it_is_written(text):
    assert moment_of(text) == WHEN


def test_a_date_that_may_be_two_days_is_none_until_somebody_says():
    assert moment_of("1/2/2024") is None
    assert moment_of("1/2/2024", True).month == 2 and moment_of("1/2/2024", False).month == 1
    assert moment_of("13/2/2024").month == 2 and moment_of("2/13/24 1:05 PM").hour == 13 and moment_of("5/5/2024").day == 5


@given(st.one_of(st.text(max_size=20), st.floats(), st.integers(), st.none(), st.text("0123456789/.-: ", max_size=16)))
def test_nothing_breaks_it(value):
    found = moment_of(value)
    assert found is None or found.tzinfo is not None
