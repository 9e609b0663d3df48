"""Chart data and figures."""

from datetime import timedelta

import pytest
from django.utils import timezone

from telemetry.models import Point
from tests.site import world

pytestmark = pytest.mark.django_db
SERIES = "/api/v1/series/"
LATENCY = {"service": "checkout", "metric": "http.server.request.duration.p95"}


def test_chart_data_has_the_points_their_band_and_what_left_it() -> None:
    series = world.series(points=60, odd=3)
    incident = world.incident()

    told = world.browser("viewer").get(SERIES, LATENCY).json()

    [line] = told["series"]
    assert (told["id"], told["unit"], told["step"]) == (series.pk, "s", 1.0)
    assert len(line["x"]) == len(line["y"]) == len(told["band"]["lower"]) == 60
    assert (line["y"][0], line["y"][-1]) == (0.2, 0.9)
    assert (told["band"]["upper"][0], told["band"]["level"]) == (0.3, 0.95)
    assert [(mark["score"], mark["severity"]) for mark in told["anomalies"]] == [(6.0, "high")]
    assert [window["severity"] for window in told["incidents"]] == [incident.severity]
    assert told["incidents"][0]["x1"] is None


def test_a_gap_is_null_and_the_answer_says_that_it_is_partial() -> None:
    series = world.series(points=60)
    at = list(Point.objects.order_by("at_ms").values_list("at_ms", flat=True)[20:40])
    Point.objects.filter(series=series, at_ms__in=at).delete()

    told = world.browser("viewer").get(SERIES, {"series": series.pk}).json()

    assert told["partial"]
    assert told["series"][0]["y"].count(None) == 1


def test_many_points_are_thinned_and_where_an_anomaly_began_is_kept() -> None:
    world.series(points=3000, odd=2)

    told = world.browser("viewer").get(SERIES, {**LATENCY, "points": 100}).json()

    assert len(told["series"][0]["x"]) <= 100
    assert len(told["anomalies"]) == 1


def test_a_stretch_is_asked_for_as_text_or_in_milliseconds() -> None:
    world.series(points=60)
    start = timezone.now() - timedelta(seconds=10)
    client = world.browser("viewer")

    as_text = client.get(SERIES, {**LATENCY, "from": start.isoformat()}).json()
    as_ms = client.get(SERIES, {**LATENCY, "from": int(start.timestamp() * 1000)}).json()

    assert as_text["series"] == as_ms["series"]
    assert 5 <= len(as_text["series"][0]["x"]) <= 11


def test_a_figure_comes_with_its_words_and_its_table() -> None:
    world.series(points=60)

    told = world.browser("viewer").get(f"{SERIES}figure/", LATENCY).json()

    assert told["title"] == "checkout p95 latency"
    assert told["sentence"].startswith("900 ms, expected")
    assert {trace["meta"]["role"] for trace in told["data"]} >= {"observed", "lower", "upper"}
    assert told["layout"]["uirevision"] == f"series-{told['series']}"
    assert len(told["table"]) == 50
    assert any(row["is_anomaly"] for row in told["table"])


def test_a_series_without_points_says_so() -> None:
    series = world.series(points=1)
    series.points.all().delete()
    client = world.browser("viewer")

    assert client.get(SERIES, LATENCY).json()["as_of"] is None
    assert client.get(f"{SERIES}figure/", LATENCY).json()["sentence"] == "no data"


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 400),
        ({"service": "checkout"}, 400),
        ({**LATENCY, "from": "yesterday"}, 400),
        ({**LATENCY, "from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"}, 400),
        ({**LATENCY, "points": 1_000_000}, 400),
        ({**LATENCY, "points": "20.0"}, 400),
        ({**LATENCY, "from": "9" * 14}, 400),
        ({"service": "nowhere", "metric": "x"}, 404),
        ({"series": 999_999}, 404),
    ],
)
def test_what_cannot_be_drawn_is_refused(asked: dict[str, str], status: int) -> None:
    world.series(points=2)

    assert world.browser("viewer").get(SERIES, asked).status_code == status


def test_the_series_there_are_are_listed() -> None:
    world.series(points=1)

    [row] = world.browser("viewer").get("/api/v1/metrics/?service=checkout").json()["results"]

    assert (row["metric"], row["service"], row["is_learning"]) == (
        LATENCY["metric"],
        "checkout",
        None,
    )
