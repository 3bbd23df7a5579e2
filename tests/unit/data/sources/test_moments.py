import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.moments import moment_of

WHEN = datetime.datetime(2024, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


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
