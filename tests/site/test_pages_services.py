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
    wrong = editor.get(reverse("services"), {"q": "health:down"})
    nothing = editor.get(reverse("services"), {"q": "nowhere"})

    assert [row[0].slug for row in found.context["rows"]] == ["checkout"]
    assert wrong.status_code == 400
    assert "not known here" in wrong.content.decode()
    assert "No service matches" in nothing.content.decode()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("http.server.request.duration.p95", "latency"),
        ("http.client.request.duration.seen_by_callers.p95", "latency"),
        ("http.server.request.duration.p50", None),
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
    assert "No series for Errors, Traffic, Saturation yet" in page


def test_an_editor_edits_and_connects_services(editor):
    store, checkout = service("store"), service("checkout")

    editor.post(
        reverse("service-edit", args=["store"]), {"name": "Store", "tier": 1, "owner": "data"}
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
