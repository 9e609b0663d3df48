import json

from hypothesis import given
from hypothesis import strategies as st

from telemetry.hysteresis import Hysteresis


def changes(points, machine=None):
    machine = machine or Hysteresis()
    return [machine.observe(is_anomalous=point == "x") for point in points]


def test_three_anomalous_points_among_five_raise_once():
    assert changes("x.x.x") == [None, None, None, None, "raised"]
    assert changes("xxxxx") == [None, None, "raised", None, None]


def test_three_anomalous_points_further_apart_do_not():
    assert set(changes("xx...x.x...")) == {None}


def test_ten_normal_points_in_a_row_clear_it():
    assert changes("xxx" + "." * 10)[-2:] == [None, "cleared"]


def test_an_anomalous_point_starts_the_count_anew():
    assert "cleared" not in changes("xxx" + "." * 9 + "x" + "." * 9)


def test_after_clearing_it_takes_three_again():
    assert changes("xxx" + "." * 10 + "xx.x")[13:] == [None, None, None, "raised"]


def test_quick_clearing_does_not_raise_again_on_what_was_counted_before():
    machine = Hysteresis(trips=1, among=5, calm=2)

    assert changes("x...", machine) == ["raised", None, "cleared", None]


@given(st.text("x.", max_size=60), st.text("x.", max_size=60))
def test_restored_from_json_it_goes_on_as_if_nothing_had_happened(before, after):
    first = Hysteresis()
    changes(before, first)

    second = Hysteresis().restore(json.loads(json.dumps(first.state())))

    assert changes(after, second) == changes(after, first)
