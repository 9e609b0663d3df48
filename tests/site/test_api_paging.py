"""Lists: cursors, limits, and as many queries for a thousand rows as for one."""

from datetime import timedelta
from time import process_time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from incidents.models import Alert, Incident, Severity
from tests.site import world

pytestmark = pytest.mark.django_db
ALERTS = "/api/v1/alerts/"
# Every alert as often as there are alerts, under new fingerprints.
SQUARE = """
INSERT INTO incidents_alert (
  fingerprint, name, summary, url, severity, status, service_id, labels, annotations, starts_at,
  first_received_at, last_received_at, event_count, fold, is_flapping
)
SELECT
  a.id || ':' || b.id, a.name, a.summary, a.url, a.severity, a.status, a.service_id, a.labels,
  a.annotations, a.starts_at, a.first_received_at, b.last_received_at, a.event_count, a.fold,
  a.is_flapping
FROM incidents_alert a, incidents_alert b
"""


def many_alerts(count: int, **facts: Any) -> None:
    now = timezone.now()
    usual = {"name": "Load", "severity": "high", "status": "firing", "labels": {"env": "prod"}}
    usual |= {"starts_at": now, "first_received_at": now, "service": world.service()}
    Alert.objects.bulk_create(
        [
            Alert(
                **(usual | facts),
                fingerprint=f"{index:032d}",
                last_received_at=now - timedelta(seconds=index // 7),
            )
            for index in range(count)
        ],
        batch_size=5000,
    )


def walk(url: str, key: str = "next") -> list[list[int]]:
    client, pages = world.browser("viewer"), []
    while url:
        answer = client.get(url).json()
        pages.append([row["id"] for row in answer["results"]])
        url = answer[key]
    return pages


def test_pages_hold_every_row_once_although_times_are_equal() -> None:
    many_alerts(95)

    pages = walk(f"{ALERTS}?limit=10")

    ids = [pk for page in pages for pk in page]
    wanted = Alert.objects.order_by("-last_received_at", "-pk").values_list("pk", flat=True)
    assert ids == list(wanted)
    assert [len(page) for page in pages] == [10] * 9 + [5]


def test_the_way_back_is_the_way_there() -> None:
    many_alerts(25)
    client = world.browser("viewer")
    first = client.get(f"{ALERTS}?limit=10").json()
    second = client.get(first["next"]).json()
    third = client.get(second["next"]).json()

    back = client.get(third["previous"]).json()
    start = client.get(back["previous"]).json()

    assert first["previous"] is third["next"] is None
    assert back["results"] == second["results"]
    assert start["results"] == first["results"]
    assert start["previous"] is None
    assert start["next"] is not None


def test_a_row_that_arrives_meanwhile_shifts_nothing() -> None:
    many_alerts(20)
    client = world.browser("viewer")
    first = client.get(f"{ALERTS}?limit=10").json()
    world.alert(last_received_at=timezone.now() + timedelta(minutes=1))

    second = client.get(first["next"]).json()

    seen = [row["id"] for row in first["results"] + second["results"]]
    assert len(set(seen)) == 20


@pytest.mark.parametrize("limit", ["0", "-1", "ten", "1.5", "¹"])
def test_a_limit_that_is_none_is_refused(limit: str) -> None:
    assert world.browser("viewer").get(ALERTS, {"limit": limit}).status_code == 400


def test_a_limit_beyond_the_most_is_cut() -> None:
    many_alerts(1005)

    assert len(walk(f"{ALERTS}?limit=5000")[0]) == 1000
    assert len(walk(f"{ALERTS}?limit={'9' * 30}")[0]) == 1000


@pytest.mark.parametrize(
    "cursor",
    ["x", "W10", "WzFd", "bnVsbA", "W2ZhbHNlLFsieCIsInkiXV0", "W2ZhbHNlLFsxXV0", "e" * 5000],
)
def test_a_cursor_that_nobody_gave_out_is_not_found(cursor: str) -> None:
    many_alerts(3)

    answer = world.browser("viewer").get(f"{ALERTS}?cursor={cursor}")

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "path",
    ["alerts", "incidents", "remediations", "executions", "messages", "services", "anomalies"],
)
def test_a_list_takes_no_query_per_row(path: str) -> None:
    client = world.browser("viewer")
    client.get(f"/api/v1/{path}/")
    _grow(path)
    few = _queries(client, path)

    for _ in range(4):
        _grow(path)

    assert _queries(client, path) == few


def _queries(client: Any, path: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        answer = client.get(f"/api/v1/{path}/")
    assert answer.json()["results"]
    return len(captured)


def _grow(path: str) -> None:
    count = Incident.objects.count()
    incident = world.incident(f"service-{count}")
    incident.services.add(world.service(f"service-{count}"))
    world.alert(incident)
    match path:
        case "remediations":
            world.remediation(incident)
        case "executions":
            world.run(world.remediation(incident))
        case "messages":
            world.message()
        case "anomalies":
            series = world.series(f"service-{count}", points=2)
            series.anomalies.create(
                started_at=timezone.now(), peak_score=2, value=1, lower=0, upper=1
            )


@pytest.mark.usefixtures("untraced")
def test_a_hundred_thousand_alerts_list_fast() -> None:
    many_alerts(320)
    with connection.cursor() as cursor:
        cursor.execute(SQUARE)
    assert Alert.objects.count() > 100_000
    client = world.browser("viewer")
    client.get(ALERTS)
    cursor = client.get(f"{ALERTS}?limit=1000").json()["next"]

    started = process_time()
    for query in ("", "?status=firing", "?q=is:firing%20severity:high", "?q=label.env:prod"):
        assert len(client.get(ALERTS + query).json()["results"]) == 50
    assert len(client.get(cursor).json()["results"]) == 1000

    assert process_time() - started < 1.5


def test_ten_thousand_incidents_of_one_severity_page_to_their_end() -> None:
    now = timezone.now()
    Incident.objects.bulk_create(
        [
            Incident(
                title="same",
                severity=Severity.HIGH,
                severity_rank=Severity.HIGH.rank,
                correlation_key=str(index),
                onset_at=now,
                opened_at=now,
                last_activity_at=now,
            )
            for index in range(3500)
        ]
    )
    client, url, seen = world.browser("viewer"), "/api/v1/incidents/?limit=1000&q=sort:-severity", 0

    while url:
        answer = client.get(url).json()
        seen, url = seen + len(answer["results"]), answer["next"]

    assert seen == 3500
