from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.sender_time import read_sender_time

TEN = datetime(2026, 11, 20, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-20T10:00:00Z",
        "2026-11-20T10:00:00.000000000Z",
        "2026-11-20T11:00:00+0100",
        "2026-11-20 10:00:00",
        "Fri, 20 Nov 2026 10:00:00 GMT",
        "1795168800",
        1795168800,
        1795168800.0,
        1795168800_000,
        1795168800_000_000,
        1795168800_000_000_000,
        "1795168800000",
    ],
)
def test_times_are_read_however_they_are_written(written: object):
    assert read_sender_time(written) == TEN


@pytest.mark.parametrize(
    "written",
    [None, True, "", "soon", 0, -5, 10**30, "0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z",
     "9999-12-31T23:59:59-14:00", "2026-13-40", [], {}],
)  # fmt: skip
def test_what_is_no_time_is_none(written: object):
    assert read_sender_time(written) is None


@given(st.text(max_size=70) | st.floats() | st.integers() | st.datetimes().map(str))
def test_nothing_makes_it_fail(written: object):
    moment = read_sender_time(written)

    assert moment is None or moment.tzinfo is UTC
