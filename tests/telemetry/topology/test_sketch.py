import re

import pytest

from telemetry.sketch import Size, shorten, sketch

SIZE = Size(width=100, height=40, step_x=150, step_y=60)


def spots(services, edges):
    return {spot.name: (spot.x, spot.y) for spot in sketch(services, edges, SIZE).spots}


def test_nothing_and_one_service_are_drawn():
    assert sketch([], [], SIZE).spots == ()
    assert set(spots(["lonely"], [])) == {"lonely"}


def test_callers_stand_left_of_callees_and_short_columns_in_the_middle():
    found = spots(["web", "shop", "store"], [("web", "shop"), ("web", "store")])

    assert found["web"][0] + 150 == found["shop"][0] == found["store"][0]
    assert found["web"][1] == (found["shop"][1] + found["store"][1]) / 2


def test_services_without_calls_stand_below_in_rows_and_never_on_each_other():
    names = [f"s{number}" for number in range(50)]

    found = spots(names, [("s0", "s1")])

    assert len(set(found.values())) == 50
    assert max(x for x, _ in found.values()) < 4 * 150
    assert all(found[name][1] > found["s0"][1] for name in names[2:])


def test_every_line_ends_at_its_boxes_and_all_lies_within_the_drawing():
    drawn = sketch([], [("a", "b"), ("b", "c"), ("c", "a"), ("a", "c")], SIZE)
    place = {spot.name: spot for spot in drawn.spots}

    assert [stroke.is_back for stroke in drawn.strokes].count(True) == 1
    for stroke in drawn.strokes:
        numbers = [int(each) for each in re.findall(r"\d+", stroke.path)]
        xs, ys = numbers[::2], numbers[1::2]
        assert max(xs) <= drawn.width
        assert max(ys) <= drawn.height
        source = place[stroke.source]
        assert source.x <= xs[0] <= source.x + SIZE.width
        assert source.y <= ys[0] <= source.y + SIZE.height


@pytest.mark.parametrize(("name", "short"), [("shop", "shop"), ("payments", "payme…"), ("", "")])
def test_long_names_are_shortened(name, short):
    assert shorten(name, 6) == short
