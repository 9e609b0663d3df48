"""The tabs of a service's page."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from telemetry import asking, changes, own_records
from telemetry.change_event import ChangeEvent
from telemetry.change_verdicts import verdicts_of
from telemetry.changes import Told
from telemetry.models import Change, Dependency, Point, Series, Service, Watch
from telemetry.records import LogRecord
from telemetry.sources.base import SourceFailed
from tests.site import world
from tests.site.pages import browser, texts

pytestmark = pytest.mark.django_db
TABS = ("metrics", "logs", "changes", "dependencies", "incidents", "settings")
HOSTILE = "<script>alert(1)</script>\"'&"


def show(tab: str, role: str = "viewer", slug: str = "checkout", **query: str) -> str:
    address = reverse("service" if tab == "overview" else f"service-{tab}", args=[slug])
    answer = world.browser(role).get(address, query)
    assert answer.status_code == 200
    return answer.content.decode()


def change(*, minutes_ago: float = 20.0, **said: Any) -> Change:
    at = timezone.now() - timedelta(minutes=minutes_ago)
    event = ChangeEvent(
        **({"title": "Deploy", "kind": "deploy", "service": "checkout", "began_at": at} | said)
    )
    [made] = changes.note([Told(event, "ci", "ci", timezone.now())])
    return made


def measured(name: str, *, before: float, after: float, around: Change, unit: str = "s") -> Series:
    """A point every ten seconds, ten minutes before the change and ten after it."""
    made = Series.objects.create(service=world.service(), name=name, unit=unit, key=name)
    at_ms = int(around.began_at.timestamp() * 1000)
    Point.objects.bulk_create(
        Point(series=made, at_ms=at_ms + second * 1000, value=before if second < 0 else after)
        for second in range(-600, 600, 10)
    )
    Series.objects.filter(pk=made.pk).update(last_at_ms=at_ms + 590_000)
    return made


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_works_for_a_service_nobody_has_told_anything_of(tab: str) -> None:
    world.service()

    page = show(tab)

    assert f'href="{reverse(f"service-{tab}", args=["checkout"])}" aria-current="page"' in page
    assert all(f'data-key="{number}"' in page for number in range(1, 8))


@pytest.mark.parametrize("tab", TABS)
def test_a_service_that_is_not_known_has_no_tabs(tab: str) -> None:
    answer = world.browser("viewer").get(reverse(f"service-{tab}", args=["nowhere"]))

    assert answer.status_code == 404


def test_the_overview_says_which_signal_is_missing_and_how_to_send_it() -> None:
    world.series("checkout")
    Series.objects.update(last_at_ms=int(timezone.now().timestamp() * 1000))

    page = show("overview")

    assert "No errors metric." in page
    assert "http.server.request.duration" in page
    assert "No latency metric." not in page


def test_the_overview_lists_recent_changes_with_their_place() -> None:
    made = change(version="v2.31")

    page = show("overview")

    assert "deploy v2.31" in page
    assert f"/services/checkout/changes/#change-{made.pk}" in page


def test_every_series_is_a_chart_and_very_many_come_in_pages() -> None:
    for number in range(14):
        Series.objects.create(service=world.service(), name=f"metric.{number:02d}", key=str(number))

    first, second = show("metrics"), show("metrics", page="2")

    assert (first.count("data-chart-plot"), second.count("data-chart-plot")) == (12, 2)
    assert "Page 1 of 2" in first


def test_an_editor_says_how_a_series_is_watched() -> None:
    series = world.series("checkout")
    watch = Watch.objects.create(series=series, settings={"window": 300})
    client = browser("edith", "viewer", "editor")
    address = reverse("service-watch", args=["checkout", series.pk])

    page = show("metrics", "editor")
    answer = client.post(address, {"sensitivity": "high", "raises_alerts": "on"}, follow=True)
    wrong = client.post(address, {"sensitivity": "lunch"}, follow=True)

    watch.refresh_from_db()
    assert "How it is watched" in page
    assert watch.settings == {"window": 300, "reach": 3.0}
    assert (watch.is_enabled, watch.raises_alerts) == (False, True)
    assert "is saved" in texts(answer)[0]
    assert "choose a sensitivity" in texts(wrong)[0]


def test_a_reach_tuned_by_hand_stays_until_another_is_chosen() -> None:
    series = world.series("checkout")
    watch = Watch.objects.create(series=series, settings={"reach": 7.7})
    address = reverse("service-watch", args=["checkout", series.pk])

    sent = {"sensitivity": "custom", "is_enabled": "on"}
    browser("edith", "viewer", "editor").post(address, sent)

    watch.refresh_from_db()
    assert (watch.settings, watch.is_enabled) == ({"reach": 7.7}, True)


def test_a_viewer_sees_the_series_and_not_how_to_change_them() -> None:
    series = world.series("checkout")
    Watch.objects.create(series=series)
    address = reverse("service-watch", args=["checkout", series.pk])

    assert "How it is watched" not in show("metrics")
    assert world.browser("viewer").post(address, {"sensitivity": "high"}).status_code == 403


def test_a_watch_of_another_service_is_not_found() -> None:
    series = world.series("checkout")
    Watch.objects.create(series=series)
    world.service("store")

    answer = world.browser("editor").post(reverse("service-watch", args=["store", series.pk]), {})

    assert answer.status_code == 404


@pytest.fixture
def logs() -> Any:
    yield own_records.logs()
    own_records.logs().forget(2**62)


def test_the_latest_errors_are_shown_as_text_with_their_trace(logs: Any) -> None:
    world.service()
    now = int(timezone.now().timestamp() * 1e9)
    logs.append(
        [
            LogRecord(now - 10**9, "checkout", 17, HOSTILE, trace_id="ab" * 16),
            LogRecord(now - 10**9, "checkout", 9, "all is well"),
            LogRecord(now - 10**9, "store", 17, "not of this service"),
        ]
    )

    page = show("logs")

    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "all is well" not in page
    assert "not of this service" not in page
    assert f"/explore/traces/{'ab' * 16}/" in page
    assert "/explore/logs/?service=checkout" in page


def test_a_log_source_that_is_down_is_named_and_the_page_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world.service()
    down = asking.Answer(asking.BUILTIN, None, 3, SourceFailed("It is on holiday."))
    monkeypatch.setattr(asking, "ask_all", lambda *_, **__: [down])

    assert "It is on holiday." in show("logs")


def test_a_change_after_which_errors_rose_is_suspect() -> None:
    made = change(
        version="v2.31", author=HOSTILE, commit="9f3c2ab1d0e4f5", url="https://ci.example"
    )
    measured("shop.errors.rate", before=0.1, after=2.0, around=made, unit="{error}/s")
    measured("http.server.request.duration.p95", before=0.2, after=0.21, around=made)

    page = show("changes")

    verdict = verdicts_of(world.service(), [made])[made.pk]
    assert (verdict.word, verdict.reason) == ("suspect", "errors rose")
    assert [measure.is_worse for measure in verdict.measures] == [False, True]
    assert "Suspect" in page
    assert "200 ms → 210 ms" in page
    assert "<script>alert" not in page
    assert f'id="change-{made.pk}"' in page
    assert "9f3c2ab1d0" in page


def test_a_change_after_which_nothing_rose_is_ok() -> None:
    made = change()
    measured("http.server.request.duration.p95", before=0.2, after=0.2, around=made)

    assert verdicts_of(world.service(), [made])[made.pk].word == "ok"


def test_a_change_without_measurements_is_unknown_and_a_failed_one_suspect() -> None:
    fine, failed = change(title="A"), change(title="B", status="failed")

    verdicts = verdicts_of(world.service(), [fine, failed])

    assert (verdicts[fine.pk].word, verdicts[failed.pk].word) == ("unknown", "suspect")


def test_the_verdicts_of_a_page_are_measured_in_one_query(
    django_assert_num_queries: Any,
) -> None:
    made = [change(title=f"Deploy {number}", minutes_ago=number) for number in range(1, 20)]
    measured("http.server.request.duration.p95", before=0.2, after=0.2, around=made[0])

    checkout = world.service()

    with django_assert_num_queries(2):
        verdicts_of(checkout, made)


def test_dependencies_are_a_table_of_what_was_measured() -> None:
    checkout, store = world.service(), world.service("store", kind=Service.Kind.DATABASE)
    Dependency.objects.create(
        caller=checkout, callee=store, origin="observed", seen_at=timezone.now(),
        calls_per_minute=120.5, error_share=0.031, p95_ms=42.0, confidence=0.9,
    )  # fmt: skip

    of_caller, of_callee = show("dependencies"), show("dependencies", slug="store")

    for page in (of_caller, of_callee):
        assert "120.5" in page
        assert "3 %" in page
        assert "42 ms" in page
        assert "Observed" in page
    assert "Add a call to" not in of_caller
    assert "Add a call to" in show("dependencies", "editor", slug="store")


def test_the_settings_hold_the_kind_and_a_viewer_reads_them_only() -> None:
    world.service()
    client = browser("edith", "viewer", "editor")

    sent = {"name": "Checkout", "kind": "queue", "tier": 1}
    client.post(reverse("service-edit", args=["checkout"]), sent)

    assert Service.objects.get().kind == "queue"
    assert "telemetry.change_service" in show("settings")
    assert "<select" not in show("settings").partition("<main")[2]


def test_the_incidents_of_a_service_are_listed() -> None:
    incident = world.incident()

    page = show("incidents")

    assert str(incident) in page
    assert "/incidents/?q=service:checkout" in page


def test_a_change_is_drawn_on_the_charts_of_its_service() -> None:
    world.series("checkout")
    made = change(minutes_ago=0.5, version="v2.31")
    asked = {"service": "checkout", "metric": "http.server.request.duration.p95"}
    client = world.program("viewer")

    told = client.get("/api/v1/series/", asked).json()["events"]
    figure = client.get("/api/v1/series/figure/", asked).json()

    assert told == figure["events"]
    assert told == [
        {
            "x": int(made.began_at.timestamp() * 1000),
            "kind": "deploy",
            "label": "deploy v2.31",
            "url": f"/services/checkout/changes/#change-{made.pk}",
        }
    ]
    [line] = [shape for shape in figure["layout"]["shapes"] if shape["name"] == "event"]
    assert (line["x0"], line["line"]["dash"]) == (told[0]["x"], "dash")
