"""From the metrics around the onset to the suspected cause and the kind of trouble."""

from datetime import timedelta

import pytest

from incidents.analysis import classification, enrichment, pipeline, root_cause
from incidents.analysis.finding import NotEnoughData
from incidents.analysis.metrics_around import first_departure
from incidents.analysis.series_kind import kind_of, parties_of
from incidents.analysis.words import kinds_in, plain, speaks_of_down
from incidents.models import Incident, KnownFix
from telemetry.models import Dependency
from tests.incidents.analysis_world import (
    add_alert,
    add_calm_metrics,
    add_points,
    add_series,
    build_shop,
    hang_checkout,
    open_incident,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return build_shop()


def analyse(incident):
    """Everything up to the classification; the incident as it is then."""
    pipeline.begin(incident.number)
    for _ in range(3):
        pipeline.run_next(incident.number)
    return Incident.objects.get(number=incident.number)


def candidates(incident):
    result = incident.analysis_steps.get(name="root_cause").result
    return {one["service"]: one["confidence"] for one in result["candidates"]}


def fade(service, incident, name, **fields):
    """A series that leaves its band at the onset."""
    series = add_series(service, name, **fields)
    add_points(series, incident, then=2.0)
    return series


def test_metrics_that_left_their_band_are_told_with_what_was_expected(shop):
    incident = open_incident(shop["checkout"])
    add_calm_metrics([shop["store"]], incident)
    slow = fade(shop["checkout"], incident, "http.server.request.duration.p95")

    finding = enrichment.look(incident)

    (departure,) = finding.result["departures"]
    assert departure["offset_seconds"] == 0
    assert departure["text"] == (
        "checkout http.server.request.duration.p95 2 s, expected 10–50 ms"  # noqa: RUF001
    )
    assert finding.result["signals"][0] == slow.pk
    assert len(finding.result["signals"]) == 4
    assert finding.summary.startswith("1 of 4 series left their expected band")


def test_what_another_incident_left_behind_before_the_onset_is_not_told(shop):
    incident = open_incident(shop["checkout"])
    fade(shop["checkout"], incident, "http.server.request.duration.p95")
    stale = add_series(shop["checkout"], "shop.queue.depth")
    add_points(stale, incident)
    onset_ms = int(incident.onset_at.timestamp() * 1000)
    stale.points.filter(at_ms__lt=onset_ms - 60_000).update(score=9, value=5)
    alone = enrichment.look(incident).result["departures"]
    other = open_incident(shop["checkout"], seconds_ago=200)
    ended_at = incident.onset_at - timedelta(seconds=50)
    Incident.objects.filter(pk=other.pk).update(status="resolved", resolved_at=ended_at)

    departures = enrichment.look(incident).result["departures"]

    assert len(alone) == 2
    assert [d["name"] for d in departures] == ["http.server.request.duration.p95"]


def test_of_a_histogram_only_the_95th_percentile_is_told(shop):
    incident = open_incident(shop["checkout"])
    for quantile in ("p50", "p95", "p99", "mean"):
        fade(shop["checkout"], incident, f"http.server.request.duration.{quantile}")

    finding = enrichment.look(incident)

    assert [d["name"] for d in finding.result["departures"]] == ["http.server.request.duration.p95"]


def test_a_hung_service_is_noticed_because_it_stops_reporting(shop):
    incident = hang_checkout(shop)

    finding = enrichment.look(incident)

    (quiet,) = finding.result["silent"]
    assert quiet["service"] == "checkout"
    assert quiet["offset_seconds"] == 0
    assert finding.summary.startswith("checkout stopped reporting.")


def test_no_metrics_are_not_enough_data(shop):
    incident = open_incident(shop["store"])

    with pytest.raises(NotEnoughData, match="No metrics from catalog, checkout"):
        enrichment.look(incident)


def test_without_any_service_there_is_nothing_to_look_at():
    with pytest.raises(NotEnoughData, match="No alert names a service"):
        enrichment.look(open_incident(None))


def test_while_it_is_learning_the_rise_of_errors_is_still_told(shop):
    incident = open_incident(shop["checkout"])
    series = add_series(shop["checkout"], "shop.errors.rate", unit="{request}/s")
    add_points(series, incident, usual=0.1, then=9.0)
    series.points.update(score=None, lower=None, upper=None)

    finding = enrichment.look(incident)

    (rise,) = finding.result["error_rises"]
    assert rise["text"] == "checkout shop.errors.rate 9 /s, before 0.1 /s"
    assert "still being learnt" in finding.summary


def test_a_lone_odd_point_is_noise():
    calm = [(second, 0.1) for second in range(10)]
    lone = [*calm[:4], (4, 5.0), *calm[5:]]
    left = [*calm[:4], (4, 5.0), (5, 0.2), (6, 3.0), (7, 3.0), (8, None)]

    assert first_departure(lone) is None
    assert first_departure(left) == 4


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("http.server.request.duration.p95", "latency"),
        ("http.server.request.duration.rate", "traffic"),
        ("shop.requests.rate", "traffic"),
        ("shop.errors.rate", "errors"),
        ("process.memory.usage", "resource"),
        ("process_cpu_seconds_total", "resource"),
        ("http.server.active_requests", "saturation"),
        ("temperature", "other"),
    ],
)
def test_a_metric_is_known_by_its_name(name, kind):
    assert kind_of(name) == kind


def test_who_measured_is_told_from_whom_it_is_about():
    assert parties_of("checkout", {"caller": "gateway"}) == ("checkout", "gateway")
    assert parties_of("gateway", {"peer.service": "checkout"}) == ("checkout", "gateway")
    assert parties_of("gateway", {"http.route": "/buy"}) == ("gateway", "")


def test_a_service_that_is_down_outranks_those_that_depend_on_it(shop):
    incident = open_incident(shop["gateway"])
    add_alert(incident, "HighLatency", shop["gateway"], severity="high")
    add_alert(incident, "ServiceDown", shop["checkout"], after=5)

    incident = analyse(incident)

    ranked = candidates(incident)
    assert list(ranked) == ["checkout", "gateway"]
    assert incident.service == shop["checkout"]
    assert incident.cause == "checkout is down"


def test_the_deepest_service_in_trouble_is_suspected_though_it_has_no_alert(shop):
    incident = open_incident(shop["gateway"])
    add_alert(incident, "HighLatency", shop["gateway"])
    add_calm_metrics([shop["catalog"], shop["payments"]], incident)
    for slug in ("gateway", "checkout", "store"):
        fade(shop[slug], incident, "http.server.request.duration.p95")
    fade(shop["store"], incident, "http.client.request.duration.p95", caller="checkout")

    incident = analyse(incident)

    assert next(iter(candidates(incident))) == "store"
    assert incident.cause == "store is slow"
    assert incident.service == shop["store"]
    assert incident.classification == "dependency"


def test_a_silent_callee_of_an_alerting_service_is_down(shop):
    incident = open_incident(shop["gateway"])
    add_alert(incident, "HighErrorRate", shop["gateway"], summary="checkout answers 503")
    add_calm_metrics([s for slug, s in shop.items() if slug != "checkout"], incident)
    add_points(add_series(shop["checkout"], "process.memory.usage"), incident, until=1)

    incident = analyse(incident)

    assert incident.cause == "checkout stopped reporting"
    assert incident.classification == "service_down"


def test_a_summary_about_another_service_does_not_say_this_one_is_down():
    assert speaks_of_down("ServiceDown", "")
    assert speaks_of_down("Alarm 7", "checkout does not answer")
    assert not speaks_of_down("HighErrorRate", "requests fail since checkout is down")


def test_callees_that_get_less_to_do_are_no_suspects(shop):
    incident = hang_checkout(shop)
    idle = add_series(shop["payments"], "shop.requests.rate", unit="{request}/s")
    add_points(idle, incident, usual=9.0, then=0.0)

    incident = analyse(incident)

    assert list(candidates(incident)) == ["checkout"]


def test_a_callee_that_is_well_by_its_own_account_is_not_blamed_for_its_caller(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "HighErrorRate", shop["checkout"], summary="checkout cannot reach payments")
    add_calm_metrics(shop.values(), incident)
    fade(shop["payments"], incident, "shop.client.errors.rate", caller="checkout")

    incident = analyse(incident)

    assert incident.service == shop["checkout"]


def test_what_speaks_against_the_cause_is_listed_too(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "HighErrorRate", shop["checkout"])
    add_calm_metrics([shop["checkout"]], incident)

    analyse(incident)

    (step,) = incident.analysis_steps.filter(name="root_cause")
    against = [evidence["text"] for evidence in step.evidence if evidence["against"]]
    assert against == ["All 3 metrics of checkout are as expected"]
    assert step.confidence == pytest.approx(0.40)


def test_an_unlikely_cause_does_not_change_the_service_of_the_incident(shop):
    incident = open_incident(shop["gateway"])
    add_calm_metrics(shop.values(), incident)
    fade(shop["store"], incident, "http.client.request.duration.p95", caller="checkout")
    add_alert(incident, "Strange", shop["gateway"], after=-30)

    finding = root_cause.look(incident)

    assert finding.confidence is not None
    assert finding.confidence < 0.70
    assert "service" not in finding.incident_fields or finding.confidence >= 0.40


def test_two_services_down_at_once_leave_doubt(shop):
    incident = open_incident(shop["payments"])
    add_alert(incident, "ServiceDown", shop["payments"])
    add_alert(incident, "ServiceDown", shop["catalog"])

    analyse(incident)

    alone, other = candidates(incident).values()
    assert alone == other == pytest.approx(0.60)


def test_candidates_are_ranked_by_their_confidence_also_when_there_is_doubt(shop):
    incident = open_incident(shop["payments"])
    for slug, name in (("payments", "ServiceDown"), ("catalog", "ServiceDown"), ("store", "Odd")):
        add_alert(incident, name, shop[slug])
    fade(shop["store"], incident, "process.memory.usage")

    analyse(incident)

    confidences = list(candidates(incident).values())
    assert len(confidences) == 3
    assert confidences == sorted(confidences, reverse=True)


def test_services_that_call_each_other_in_a_circle_do_not_explain_each_other(shop):
    Dependency.objects.create(caller=shop["store"], callee=shop["checkout"])
    incident = open_incident(shop["checkout"])
    add_alert(incident, "ServiceDown", shop["checkout"])
    add_alert(incident, "HighLatency", shop["store"], after=20)

    analyse(incident)

    assert next(iter(candidates(incident))) == "checkout"


def test_alerts_without_a_service_are_not_enough_for_a_cause():
    incident = open_incident(None)
    add_alert(incident, "Oops")

    with pytest.raises(NotEnoughData):
        root_cause.look(incident)


@pytest.mark.parametrize(
    ("name", "summary", "kind"),
    [
        ("ServiceDown", "checkout does not answer", "service_down"),
        ("HighMemoryUsage", "memory 95 %", "resource_exhaustion"),
        ("LatencyP95High", "p95 over 1 s", "latency"),
        ("HighErrorRate", "30 % of requests fail", "errors"),
        ("QueueBacklog", "queue is full", "saturation"),
        ("DependencyDown", "upstream payments is unreachable", "dependency"),
        ("CertificateExpiresSoon", "", "configuration"),
        ("Gremlins", "somewhere", "unknown"),
    ],
)
def test_the_words_of_an_alert_tell_the_kind_of_trouble(shop, name, summary, kind):
    incident = open_incident(shop["checkout"])
    add_alert(incident, name, shop["checkout"], summary=summary)

    finding = classification.look(incident)

    assert finding.result["classification"] == kind
    assert finding.incident_fields == {"classification": kind}


def test_unknown_trouble_has_no_confidence():
    incident = open_incident(None)
    add_alert(incident, "Gremlins")

    finding = classification.look(incident)

    assert finding.result["classification"] == "unknown"
    assert finding.confidence is None


def test_words_and_metrics_that_agree_are_surer_than_words_alone(shop):
    words = open_incident(shop["checkout"])
    add_alert(words, "ServiceDown", shop["checkout"])
    both = hang_checkout(shop)

    alone = classification.look(words)
    analyse(both)

    assert alone.confidence == pytest.approx(0.75)
    assert both.analysis_steps.get(name="classification").confidence > 0.85


def test_a_known_fix_makes_unknown_trouble_a_known_issue(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "Gremlins", shop["checkout"])
    fix = KnownFix.objects.create(
        classification="unknown",
        service=shop["checkout"],
        alert_name="Gremlins",
        runbook="restart-service",
        successes=1,
    )

    once = classification.look(incident)
    fix.successes = 2
    fix.save()
    twice = classification.look(incident)

    assert once.result["classification"] == "unknown"
    assert twice.result["classification"] == "known_issue"
    assert "restart-service healed Gremlins" in twice.evidence[0].text


def test_a_known_fix_does_not_hide_what_is_seen(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "ServiceDown", shop["checkout"])
    KnownFix.objects.create(
        classification="service_down",
        service=shop["checkout"],
        alert_name="ServiceDown",
        runbook="restart-service",
        successes=9,
    )

    assert classification.look(incident).result["classification"] == "service_down"


def test_an_alert_that_comes_and_goes_while_all_metrics_are_calm_is_a_false_alarm(shop):
    incident = open_incident(shop["checkout"])
    alert = add_alert(incident, "HighLatency", shop["checkout"], status="resolved")
    alert.ends_at = alert.starts_at + timedelta(seconds=4)
    alert.fold = {"episode_count": 4}
    alert.save()
    add_calm_metrics([shop["checkout"]], incident)

    incident = analyse(incident)

    assert incident.classification == "false_positive"


def test_text_is_read_as_plain_words():
    assert plain("HTTPRequestLatency_high{job=x}") == "http request latency high job x"
    assert kinds_in("CPUThrottlingHigh").keys() == {"resource_exhaustion", "saturation"}
