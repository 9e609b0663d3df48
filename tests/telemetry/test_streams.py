from typing import Any

import pytest

from telemetry.models import Point, Series, Service
from telemetry.streams import LIVE_MS, point_frames

pytestmark = pytest.mark.django_db
NOW_MS = 1_790_000_000_000


@pytest.fixture
def series() -> Any:
    def make(name: str, *ages_ms: int, slug: str = "checkout") -> Series:
        service, _ = Service.objects.get_or_create(slug=slug)
        made = Series.objects.create(service=service, name=name, key=f"{slug}/{name}")
        Point.objects.bulk_create(
            Point(series=made, at_ms=NOW_MS - age, value=float(age)) for age in ages_ms
        )
        return made

    return make


def test_a_service_without_points_has_no_frame(series: Any):
    series("latency")

    assert point_frames("checkout", 0, 200) == []
    assert point_frames("nobody", 0, 200) == []


def test_one_frame_holds_all_series_of_the_service_by_id(series: Any):
    latency = series("latency", 0, 1000)
    errors = series("errors", 500)
    series("latency", 0, slug="payments")

    [frame] = point_frames("checkout", NOW_MS - 5000, 200)

    assert frame["kind"] == "points"
    assert frame["seq"] == NOW_MS
    assert frame["points"][str(latency.pk)]["x"] == [NOW_MS - 1000, NOW_MS]
    assert frame["points"][str(errors.pk)]["y"] == [500.0]
    assert set(frame["points"]) == {str(latency.pk), str(errors.pk)}


def test_what_the_detector_said_goes_along(series: Any):
    latency = series("latency", 0)
    Point.objects.update(lower=1.0, upper=2.0, score=0.5)

    [frame] = point_frames("checkout", 0, 200)

    shown = frame["points"][str(latency.pk)]
    assert (shown["lower"], shown["upper"], shown["score"]) == ([1.0], [2.0], [0.5])


def test_what_was_sent_is_not_sent_again(series: Any):
    series("latency", 0, 1000)
    [first] = point_frames("checkout", 0, 200)

    assert point_frames("checkout", first["seq"], 200) == []


def test_a_page_without_a_position_gets_the_last_seconds_only(series: Any):
    latency = series("latency", 0, LIVE_MS - 1, LIVE_MS, LIVE_MS + 60_000)

    [frame] = point_frames("checkout", 0, 200)

    assert frame["points"][str(latency.pk)]["x"] == [NOW_MS - LIVE_MS + 1, NOW_MS]
