import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry.promql.numbers import answer_text, plain_text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (5.0, "5"),
        (0.1, "0.1"),
        (1e-6, "0.000001"),
        (1e-7, "1e-07"),
        (1.5e-300, "1.5e-300"),
        (1e20, "100000000000000000000"),
        (-1e21, "-1e+21"),
        (123456789012345678.0, "123456789012345680"),
        (float("nan"), "NaN"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
    ],
)
def test_an_answer_is_written_as_prometheus_writes_it(value: float, text: str):
    assert answer_text(value) == text


def test_a_label_never_has_an_exponent():
    assert plain_text(1e21) == "1000000000000000000000"
    assert plain_text(1e-7) == "0.0000001"


@given(st.floats(allow_nan=False))
def test_what_is_written_is_the_same_number_again(value: float):
    assert float(answer_text(value)) == float(plain_text(value)) == value
