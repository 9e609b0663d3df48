"""How grave it is, whom it reaches, what it is like, and what is known to help."""

from datetime import timedelta

import pytest
from django.utils import timezone

from incidents import knowledge
from incidents.analysis import impact, pipeline, recommendation, severity, similarity
from incidents.analysis.finding import NotEnoughData
from incidents.analysis.proportion import wilson
from incidents.models import Incident, KnowledgeArticle, KnownFix
from tests.incidents.analysis_world import (
    add_alert,
    add_points,
    add_series,
    build_shop,
    open_incident,
    resolve,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return build_shop()


def past_incident(service, *, name="ServiceDown", title="checkout does not answer", fixed_by=""):
    incident = open_incident(service, title=title)
    add_alert(incident, name, service)
    if fixed_by:
        reference = f"execution:{incident.number}"
        knowledge.record_fix(incident.number, runbook=fixed_by, verified=True, reference=reference)
    resolve(incident)
    return incident


def test_the_severity_score_is_the_sum_of_its_terms(shop):
    incident = open_incident(shop["checkout"], severity="high")
    add_alert(incident, "ServiceDown", shop["checkout"], severity="critical")
    add_alert(incident, "HighLatency", shop["gateway"], severity="high", status="resolved")

    finding = severity.look(incident)

    terms = {term["name"]: term["points"] for term in finding.result["terms"]}
    assert terms == {"tier": 25, "severity": 35, "spread": 10, "firing": 5, "anomaly": 0}
    assert finding.result["score"] == sum(terms.values()) == 75
    assert finding.result["suggested"] == "critical"
    assert finding.summary == "75 of 100, which suggests critical; it is high."


def test_the_severity_is_only_suggested(shop):
    incident = open_incident(shop["checkout"], severity="info")
    add_alert(incident, "ServiceDown", shop["checkout"])
    pipeline.begin(incident.number)

    while pipeline.run_next(incident.number):
        pass

    incident.refresh_from_db()
    assert incident.severity == "info"


def test_the_severity_of_an_incident_without_anything_is_still_scored():
    finding = severity.look(open_incident(None, severity="info"))

    assert finding.result["score"] == 12


def test_the_impact_names_who_depends_on_the_cause_hop_by_hop(shop):
    incident = open_incident(shop["store"])

    finding = impact.look(incident)

    assert finding.result["rings"] == [["catalog", "checkout", "payments"], ["gateway"]]
    assert "gateway" in finding.result["customer_facing"]
    assert finding.summary.startswith(
        "catalog, checkout, payments depend on store, and 1 more through them."
    )
    assert finding.summary.endswith("What share of requests fails is unknown.")
    assert finding.result["failing"] is None


def test_the_share_of_failing_requests_comes_with_its_interval(shop):
    incident = open_incident(shop["gateway"])
    for name, value in (("shop.errors.rate", 4.0), ("shop.requests.rate", 10.0)):
        series = add_series(shop["gateway"], name, unit="{request}/s")
        add_points(series, incident, then=value)

    share = impact.failing_share(shop["gateway"], incident)

    assert share.share == pytest.approx(0.4)
    assert 0.3 < share.lower < 0.4 < share.upper < 0.5
    assert share.words.startswith("40 % of gateway's requests fail (3")


def test_nobody_depends_on_a_service_nobody_calls(shop):
    finding = impact.look(open_incident(shop["gateway"]))

    assert finding.summary.startswith("Nothing known depends on gateway.")


def test_without_a_suspected_service_the_impact_cannot_be_told():
    with pytest.raises(NotEnoughData):
        impact.look(open_incident(None))


def test_the_second_time_the_similar_incident_and_its_fix_are_shown(shop):
    first = past_incident(shop["checkout"], fixed_by="restart-service")
    past_incident(shop["catalog"], name="DiskFull", title="disk of catalog is full")
    again = open_incident(shop["checkout"], title="checkout does not answer")
    add_alert(again, "ServiceDown", shop["checkout"])

    finding = similarity.look(again)

    (similar,) = finding.result["similar"]
    assert similar["number"] == first.number
    assert similar["score"] > 0.9
    assert similar["fix"] == "restart-service"
    assert similar["verified"] is True
    assert similar["fix_seconds"] >= 0
    assert similar["matched"].startswith("same service checkout; same alert ServiceDown; words ")
    assert "restart-service fixed it" in finding.summary


def test_an_incident_like_no_other_is_said_to_be(shop):
    past_incident(shop["catalog"], name="DiskFull", title="disk is full")
    strange = open_incident(shop["payments"], title="clocks disagree")
    add_alert(strange, "ClockSkew", shop["payments"])

    finding = similarity.look(strange)

    assert finding.summary == "None of 1 resolved incidents is like this one."


def test_active_and_merged_incidents_are_not_compared(shop):
    merged = past_incident(shop["checkout"])
    active = open_incident(shop["checkout"])
    Incident.objects.filter(pk=merged.pk).update(merged_into=active)

    with pytest.raises(NotEnoughData):
        similarity.look(open_incident(shop["checkout"]))


def test_an_incident_without_a_word_is_like_nothing(shop):
    past_incident(shop["checkout"])
    mute = open_incident(None, title="?")

    assert similarity.look(mute).result["similar"] == []


def test_the_surest_fix_is_recommended_first(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "ServiceDown", shop["checkout"])
    for runbook, successes, failures in (("once", 1, 0), ("often", 7, 1), ("never", 0, 5)):
        KnownFix.objects.create(
            classification="service_down",
            service=shop["checkout"],
            alert_name="ServiceDown",
            runbook=runbook,
            successes=successes,
            failures=failures,
        )

    finding = recommendation.look(incident)

    assert [fix["runbook"] for fix in finding.result["fixes"]] == ["often", "once"]
    assert finding.summary == "often worked 7 of 8 times."
    assert finding.confidence == pytest.approx(0.53)


def test_a_fix_that_is_known_under_two_kinds_is_counted_together(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "ServiceDown", shop["checkout"])
    for kind in ("unknown", "service_down"):
        KnownFix.objects.create(
            classification=kind,
            service=shop["checkout"],
            alert_name="ServiceDown",
            runbook="restart-service",
            successes=2,
        )

    (fix,) = recommendation.look(incident).result["fixes"]

    assert fix["worked"] == "worked 4 of 4"


def test_a_fix_of_another_service_is_not_recommended(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "ServiceDown", shop["checkout"])
    KnownFix.objects.create(
        classification="service_down",
        service=shop["store"],
        alert_name="ServiceDown",
        runbook="restart-service",
        successes=2,
    )

    with pytest.raises(NotEnoughData):
        recommendation.look(incident)


def test_articles_about_the_same_trouble_are_recommended(shop):
    incident = open_incident(shop["checkout"])
    incident.classification = "latency"
    for title, kind in (("Slow checkout", "latency"), ("Full disk", "resource_exhaustion")):
        KnowledgeArticle.objects.create(
            title=title, body="Read.", service=shop["checkout"], classification=kind
        )

    finding = recommendation.look(incident)

    assert [article["title"] for article in finding.result["articles"]] == ["Slow checkout"]
    assert finding.confidence is None


def test_few_tries_leave_a_wide_interval():
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(1, 1)[0] < wilson(7, 8)[0] < wilson(70, 80)[0]
    assert wilson(7, 8) == pytest.approx((0.529, 0.978), abs=0.001)


def test_the_newest_incidents_are_compared_within_the_limit_of_the_step(shop):
    Incident.objects.bulk_create(
        Incident(
            title=f"Trouble {i % 40} with shard {i % 97}",
            status="resolved",
            correlation_key=f"old:{i}",
            onset_at=timezone.now() - timedelta(days=1),
            opened_at=timezone.now() - timedelta(days=1),
            resolved_at=timezone.now(),
            last_activity_at=timezone.now(),
        )
        for i in range(2500)
    )
    incident = open_incident(None, title="Trouble 7 with shard 33")

    finding = similarity.look(incident)

    assert finding.result["compared"] == 2000
    assert len(finding.result["similar"]) == 5
