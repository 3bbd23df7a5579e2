import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pete.data.sources.dates import iso_date


@given(st.datetimes(datetime.datetime(1, 1, 2), timezones=st.just(datetime.UTC)))
def test_what_iso_writes_is_read(moment):
    moment = moment.replace(microsecond=0)
    assert iso_date(moment.isoformat()) == iso_date(moment.strftime(f"{moment.year:04}-%m-%d %H:%M:%S UTC")) == moment


@pytest.mark.parametrize("value", ["", "0000-00-00 00:00:00", "2024-13-01", "yesterday", None, 3, "0001-01-01 00:00 +05:00"])
def test_what_is_no_date_is_none(value):
    assert iso_date(value) is None
