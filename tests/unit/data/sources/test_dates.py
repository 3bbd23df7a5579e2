import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.dates import iso_date


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
