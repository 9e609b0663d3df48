"""Points of the store as a chart shows them: gaps, silence, and where anomalies begin."""

from datetime import UTC, datetime, timedelta

import pytest

from telemetry.chart_loading import load_chart
from telemetry.models import Point, Series, Service

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NOON_MS = int(NOON.timestamp() * 1000)


@pytest.fixture
def draw():
    """A chart of points at these seconds before noon, as seen at noon, some of them anomalous."""
    service = Service.objects.create(slug="checkout")

    def draw(*ages, odd=(), end=NOON):
        series = Series.objects.create(service=service, name="latency", unit="s", key="latency")
        Point.objects.bulk_create(
            Point(
                series=series,
                at_ms=NOON_MS - 1000 * age,
                value=1.0,
                lower=0.5,
                upper=1.5,
                score=2.0 if age in odd else 0.1,
            )
            for age in ages
        )
        start = NOON - timedelta(hours=1)
        return load_chart(series, start=start, end=end, now=NOON, points=1500)

    return draw


def ago(seconds):
    return NOON_MS - 1000 * seconds


def test_a_gap_is_a_gap_in_the_line_and_in_the_band(draw):
    chart = draw(*range(100, 60, -1), *range(20, 0, -1))

    at = chart.y.index(None)
    assert chart.x[at] == ago(60)
    assert (chart.lower[at], chart.upper[at]) == (None, None)
    assert chart.missing == [(ago(60), ago(20))]


def test_a_series_that_fell_silent_is_missing_until_now(draw):
    chart = draw(*range(200, 100, -1))

    assert chart.missing == [(ago(101), NOON_MS)]


def test_a_point_that_is_merely_on_its_way_is_not_missing(draw):
    assert draw(*range(200, 10, -1)).missing == []


def test_of_a_stretch_in_the_past_no_more_is_missing_than_was_asked_for(draw):
    chart = draw(*range(200, 150, -1), end=NOON - timedelta(seconds=60))

    assert chart.missing == [(ago(151), ago(60))]


def test_an_anomaly_begins_once_however_often_it_dips_into_the_band(draw):
    chart = draw(*range(100, 0, -1), odd={80, 79, 75, 70, 62})

    assert [each.at_ms for each in chart.anomalies] == [ago(80)]


def test_an_anomaly_after_ten_calm_points_is_another_one(draw):
    chart = draw(*range(100, 0, -1), odd={80, 69})

    assert [each.at_ms for each in chart.anomalies] == [ago(80), ago(69)]
