import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.units import format_range, format_value, unit_symbol


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (812, "ms", "812 ms"),
        (0.812, "s", "812 ms"),
        (0.0004, "s", "400 µs"),
        (2500, "ms", "2.5 s"),
        (90, "s", "1.5 min"),
        (7200, "s", "2 h"),
        (-0.25, "s", "-250 ms"),
        (0, "ms", "0 ms"),
        (18.4, "%", "18.4 %"),
        (0.1234, "%", "0.123 %"),
        (1536, "By", "1.5 KiB"),
        (3 * 2**20, "By/s", "3 MiB/s"),
        (12.345, "/s", "12.3 /s"),
        (12.345, "{order}/s", "12.3 /s"),
        (1234, "{request}", "1,234"),
        (25_000, "1", "25 k"),
        (1.5e7, "/s", "15 M/s"),
        (100, "", "100"),
        (5, "Cel", "5 Cel"),
        (math.nan, "ms", "\N{EN DASH}"),
    ],
)
def test_a_value_is_written_as_people_read_it(value, unit, text):
    assert format_value(value, unit) == text


@pytest.mark.parametrize(
    ("lower", "upper", "unit", "text"),
    [
        (180, 260, "ms", "180\N{EN DASH}260 ms"),
        (0.0, 0.26, "s", "0\N{EN DASH}260 ms"),
        (0.1, 0.9, "%", "0.1\N{EN DASH}0.9 %"),
        (900, 1500, "ms", "0.9\N{EN DASH}1.5 s"),
        (0.0, 4.5e-9, "/s", "0 /s"),
        (180.01, 180.02, "ms", "180 ms"),
    ],
)
def test_a_range_has_one_unit(lower, upper, unit, text):
    assert format_range(lower, upper, unit) == text


@pytest.mark.parametrize(
    ("unit", "symbol"),
    [("ms", "ms"), ("By", "B"), ("By/s", "B/s"), ("1", ""), ("{request}/s", "/s"), ("%", "%")],
)
def test_an_axis_shows_the_plain_symbol(unit, symbol):
    assert unit_symbol(unit) == symbol


@given(st.floats(), st.sampled_from(["s", "ms", "By", "%", "", "/s", "{x}/s", "furlong"]))
def test_every_number_can_be_written(value, unit):
    assert format_value(value, unit)
