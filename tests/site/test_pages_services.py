from datetime import timedelta
from itertools import pairwise

import pytest
from django.urls import reverse
from django.utils import timezone

from incidents.models import Incident
from incidents.service_health import health_of
from telemetry.models import Anomaly, Dependency, Point, Series, Service
from telemetry.vital_signs import kind_of, vitals_of
from tests.site.pages import browser, texts

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor():
    return browser("edith", "viewer", "editor")


def service(slug, **fields):
    return Service.objects.create(slug=slug, **fields)


def series(owner, name, *, seconds_ago=1.0, value=0.2, unit="s", **judged):
    now = timezone.now()
    at_ms = int((now.timestamp() - seconds_ago) * 1000)
    made = Series.objects.create(
        service=owner, name=name, unit=unit, key=f"{owner}{name}{judged}", last_at_ms=at_ms
    )
    Point.objects.create(series=made, at_ms=at_ms, value=value, **judged)
    return made


def incident(owner, severity, *touched, **fields):
    now = timezone.now()
    made = Incident.objects.create(
        title=f"{owner} is ill",
        severity=severity,
        severity_rank={"critical": 0, "high": 1, "medium": 2}[severity],
        service=owner,
        correlation_key=f"service:{owner}",
        onset_at=now,
        opened_at=now,
        last_activity_at=now,
        **fields,
    )
    made.services.set([owner, *touched])
    return made


def test_without_services_the_page_says_how_they_appear(editor):
    page = editor.get(reverse("services")).content.decode()

    assert "No services yet" in page
    assert "service.name" in page


def test_an_incident_of_a_service_that_is_down_says_so_and_degrades_those_it_touches():
    payments, checkout = service("payments"), service("checkout")
    incident(payments, "critical", checkout, classification="service_down")

    health = health_of([payments, checkout])

    assert health[payments.pk].word == "down"
    assert health[checkout.pk].word == "degraded"
    assert "payments is ill" in health[checkout.pk].reason


def test_a_critical_incident_of_another_kind_does_not_mean_down():
    payments = service("payments")
    incident(payments, "critical", classification="latency")

    assert health_of([payments])[payments.pk].word == "degraded"


def test_a_running_anomaly_degrades_a_service_and_one_that_ended_does_not():
    ill, well = service("ill"), service("well")
    for owner, ended in ((ill, None), (well, timezone.now())):
        odd = series(owner, "process.memory.usage")
        Anomaly.objects.create(
            series=odd, started_at=timezone.now(), ended_at=ended,
            peak_score=2, value=9, lower=1, upper=2,
        )  # fmt: skip

    health = health_of([ill, well])

    assert health[ill.pk].word == "degraded"
    assert health[well.pk].word == "healthy"


def test_a_service_nobody_speaks_of_is_unknown_and_not_healthy():
    silent = service("silent")

    assert health_of([silent])[silent.pk].word == "unknown"


def test_the_worst_service_comes_first(editor):
    service("a-well"), service("b-well")
    incident(service("z-ill"), "critical")

    page = editor.get(reverse("services")).content.decode()

    assert page.index("z-ill") < page.index("a-well")


def test_a_query_narrows_and_a_wrong_one_says_why(editor):
    service("checkout", tier=1, owner="orders")
    service("store", tier=2, owner="platform")

    found = editor.get(reverse("services"), {"q": "tier:1 owner:Orders"})
    wrong = editor.get(reverse("services"), {"q": "colour:red"})
    nothing = editor.get(reverse("services"), {"q": "nowhere"})

    assert [row.service.slug for row in found.context["rows"]] == ["checkout"]
    assert wrong.status_code == 400
    assert "not known here" in wrong.content.decode()
    assert "No service matches" in nothing.content.decode()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("http.server.request.duration.p95", "latency"),
        ("http.client.request.duration.seen_by_callers.p95", "latency"),
        ("http.server.request.duration.p50", None),
        ("http.server.request.duration.p99", "tail"),
        ("http.server.request.duration.rate", "traffic"),
        ("shop.errors.rate", "errors"),
        ("process.memory.usage", "saturation"),
        ("business.orders", None),
    ],
)
def test_a_golden_signal_is_told_by_its_name(name, kind):
    assert kind_of(name) == kind


def test_callers_speak_for_a_service_that_fell_silent():
    payments = service("payments")
    series(payments, "http.server.request.duration.p95", seconds_ago=60, value=0.02)
    series(payments, "http.client.request.duration.seen_by_callers.p95", value=2.0)

    latency = vitals_of([payments.pk], timezone.now())[payments.pk]["latency"]

    assert latency.value == "2 s"


def test_a_value_stands_beside_what_was_expected(editor):
    store = service("store")
    series(store, "http.server.request.duration.p95", value=0.812, lower=0.1, upper=0.2, score=4.0)

    page = editor.get(reverse("services")).content.decode()

    assert "812 ms" in page
    assert "expected 100–200 ms" in page  # noqa: RUF001


def test_a_service_page_draws_its_signals_live_and_names_what_is_missing(editor):
    store = service("store", description="Stock and ledger")
    drawn = series(store, "http.server.request.duration.p95")

    page = editor.get(reverse("service", args=["store"])).content.decode()

    assert f"{reverse('api:series-figure')}?series={drawn.pk}" in page
    assert 'data-topic="series:store"' in page
    assert all(f"No {kind} metric." in page for kind in ("errors", "traffic", "saturation"))
    assert "No latency metric." not in page


def test_an_editor_edits_and_connects_services(editor):
    store, checkout = service("store"), service("checkout")

    editor.post(
        reverse("service-edit", args=["store"]),
        {"name": "Store", "kind": "service", "tier": 1, "owner": "data"},
    )
    editor.post(reverse("service-calls", args=["checkout"]), {"callee": "store"})
    itself = editor.post(reverse("service-calls", args=["checkout"]), {"callee": "checkout"})
    twice = editor.post(reverse("service-calls", args=["checkout"]), {"callee": "store"})

    store.refresh_from_db()
    assert (store.name, store.tier, store.owner) == ("Store", 1, "data")
    assert list(checkout.calls.all()) == [store]
    assert texts(itself)[0]
    assert texts(twice)[0]
    editor.post(reverse("service-calls-not", args=["checkout", "store"]))
    assert not Dependency.objects.exists()


def test_a_wrong_edit_is_told_and_changes_nothing(editor):
    service("store", tier=2)

    answer = editor.post(reverse("service-edit", args=["store"]), {"tier": 9})

    assert answer.status_code == 422
    assert "Not saved" in answer.content.decode()
    assert Service.objects.get().tier == 2


def test_a_viewer_may_look_but_not_edit():
    viewer = browser("vera", "viewer")
    service("store")

    assert viewer.get(reverse("service", args=["store"])).status_code == 200
    assert viewer.post(reverse("service-edit", args=["store"]), {}).status_code == 403
    assert viewer.post(reverse("service-calls", args=["store"]), {}).status_code == 403


def call(caller, callee, **measured):
    usual = {
        "seen_at": timezone.now(),
        "calls_per_minute": 100.0,
        "error_share": 0.0,
        "p95_ms": 80.0,
    }
    return Dependency.objects.create(
        caller=caller, callee=callee, origin="observed", **(usual | measured)
    )


@pytest.mark.parametrize(
    ("error_share", "calls_per_minute", "word"),
    [(0.02, 100, "healthy"), (0.05, 100, "degraded"), (0.5, 100, "down"), (1.0, 0.4, "healthy")],
)
def test_calls_that_fail_degrade_a_service_and_half_of_them_take_it_down(
    error_share, calls_per_minute, word
):
    web, shop = service("web"), service("shop")
    call(web, shop, error_share=error_share, calls_per_minute=calls_per_minute)

    health = health_of([shop])[shop.pk]

    assert health.word == word
    if word != "healthy":
        assert f"100 calls a minute, {100 * error_share:g} % fail, p95 80 ms" in health.reason


def test_what_was_seen_long_ago_says_nothing_of_now():
    web, shop = service("web"), service("shop")
    call(web, shop, error_share=1.0, seen_at=timezone.now() - timedelta(hours=1))

    assert health_of([shop])[shop.pk].word == "unknown"


def test_who_calls_something_that_is_down_is_degraded_and_told_so_by_name():
    web, shop, store = service("web"), service("shop"), service("store")
    call(shop, store, error_share=0.9)
    call(web, shop)

    health = health_of([web, shop])

    assert health[shop.pk].word == "degraded"
    assert "calls store, which is down" in health[shop.pk].reason
    assert health[web.pk].word == "healthy"


def test_a_running_anomaly_is_told_with_its_numbers():
    ill = service("ill")
    odd = series(ill, "http.server.request.duration.p95")
    Anomaly.objects.create(
        series=odd, started_at=timezone.now(), peak_score=4, value=0.812, lower=0.1, upper=0.2
    )

    reason = health_of([ill])[ill.pk].reason

    assert reason == "p95 latency was 812 ms, expected 100–200 ms"  # noqa: RUF001


def test_a_service_whose_metrics_stopped_is_unknown_and_says_since_when():
    silent = service("silent")
    series(silent, "process.memory.usage", seconds_ago=3600)

    health = health_of([silent])[silent.pk]

    assert (health.word, health.reason[:24]) == ("unknown", "its last metric came at ")


def test_the_list_says_how_many_are_in_which_state_and_shows_one_state(editor):
    web, shop, _ = service("web"), service("shop"), service("lonely")
    call(web, shop, error_share=0.7, calls_per_minute=340)

    page = editor.get(reverse("services"))
    down = editor.get(reverse("services"), {"q": "health:down kind:service"})

    states = {word: count for word, count, _ in page.context["states"]}
    assert states == {"down": 1, "degraded": 1, "unknown": 1, "healthy": 0}
    assert [row.service.slug for row in page.context["rows"]] == ["shop", "web", "lonely"]
    assert [row.service.slug for row in down.context["rows"]] == ["shop"]
    assert "340 calls a minute" in page.content.decode()
    assert "70 %" in page.content.decode()


def test_the_list_asks_as_much_of_the_database_for_many_services_as_for_few(
    editor, django_assert_max_num_queries
):
    some = [service(f"s{number}") for number in range(40)]
    for caller, callee in pairwise(some):
        call(caller, callee)
        series(callee, "http.server.request.duration.p95")
    incident(some[0], "high", *some[1:10])

    with django_assert_max_num_queries(22) as asked:
        editor.get(reverse("services"))
    few = len(asked)
    Dependency.objects.filter(caller__slug__gt="s2").delete()
    Service.objects.filter(slug__gt="s2").delete()
    with django_assert_max_num_queries(few):
        editor.get(reverse("services"))


def test_the_slowest_calls_stand_beside_the_p95_where_they_are_measured(editor):
    store = service("store")
    series(store, "http.server.request.duration.p95", value=0.1)
    series(store, "http.server.request.duration.p99", value=0.9)

    assert "p99 900 ms" in editor.get(reverse("services")).content.decode()
