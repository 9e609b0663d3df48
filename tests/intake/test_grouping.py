"""Which incident an alert goes to, and what people change about it."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F

from incidents import grouping, lifecycle
from incidents.models import Alert, AlertLink, CorrelationLabel, CorrelationRule, Incident
from telemetry.models import Dependency, Service
from tests.intake.conftest import alert, group

SECOND = "2026-11-20T12:00:00Z"


@pytest.fixture
def rule(transactional_db):
    return CorrelationRule.objects.create(
        name="One cluster", matchers=["env=prod"], group_by=["cluster"], window_seconds=600
    )


@pytest.fixture
def person(transactional_db):
    return User.objects.create_user("ada")


def age(incident, **by):
    Incident.objects.filter(pk=incident.pk).update(
        last_activity_at=F("last_activity_at") - timedelta(**by)
    )


def check_counts():
    for incident in Incident.objects.all():
        firing = incident.alerts.filter(status=Alert.Status.FIRING).count()
        assert incident.firing_count == firing
        assert incident.alert_count == incident.links.count()


def test_alerts_that_agree_under_a_rule_meet(send, rule):
    send("alertmanager", group(alert("A", service="x", env="prod", cluster="eu")))

    send("alertmanager", group(alert("B", service="y", env="prod", cluster="eu")))
    send("alertmanager", group(alert("C", service="z", env="prod", cluster="us")))
    send("alertmanager", group(alert("D", service="w", env="test", cluster="eu")))

    assert [i.alert_count for i in Incident.objects.order_by("number")] == [2, 1, 1]
    link = AlertLink.objects.get(alert__name="B")
    assert (link.method, link.text) == ("rule", "Rule One cluster: same cluster=eu.")
    assert link.evidence == {"rule": "One cluster", "labels": {"cluster": "eu"}}


def test_after_a_rules_window_another_incident_opens_and_the_old_one_stays(send, rule):
    send("alertmanager", group(alert("A", service="x", env="prod", cluster="eu")))
    age(Incident.objects.get(), seconds=601)

    send("alertmanager", group(alert("B", service="y", env="prod", cluster="eu")))
    send("alertmanager", group(alert("C", service="z", env="prod", cluster="eu")))

    old, new = Incident.objects.order_by("number")
    assert (old.status, old.alert_count, new.alert_count) == ("open", 1, 2)
    assert old.correlation_key != new.correlation_key
    assert "since its window passed" in AlertLink.objects.get(alert__name="B").text


def test_alerts_of_one_service_meet_while_its_incident_is_open(send):
    send("alertmanager", group(alert("A", service="x")))

    send("alertmanager", group(alert("B", service="x"), alert("C", service="y")))

    assert [i.alert_count for i in Incident.objects.order_by("number")] == [2, 1]
    link = AlertLink.objects.get(alert__name="B")
    assert (link.method, link.text) == (
        "service",
        "Same service, x, while the incident is open.",
    )


def test_an_alert_of_a_neighbour_joins_within_two_minutes(send):
    gateway, checkout = (Service.objects.create(slug=slug) for slug in ("gateway", "checkout"))
    Dependency.objects.create(caller=gateway, callee=checkout)
    send("alertmanager", group(alert("A", service="checkout")))

    send("alertmanager", group(alert("B", service="gateway")))

    link = AlertLink.objects.get(alert__name="B")
    assert Incident.objects.get().alert_count == 2
    assert link.method == "topology"
    assert link.text.startswith("gateway depends on checkout, and its alert came ")


def test_an_alert_of_a_neighbour_that_comes_late_opens_its_own(send):
    gateway, checkout = (Service.objects.create(slug=slug) for slug in ("gateway", "checkout"))
    Dependency.objects.create(caller=gateway, callee=checkout)
    send("alertmanager", group(alert("A", service="checkout")))
    age(Incident.objects.get(), seconds=121)

    send("alertmanager", group(alert("B", service="gateway")))

    assert Incident.objects.count() == 2


def test_a_resolved_incident_never_takes_an_alert_in(send, rule):
    gateway, checkout = (Service.objects.create(slug=slug) for slug in ("gateway", "checkout"))
    Dependency.objects.create(caller=gateway, callee=checkout)
    send("alertmanager", group(alert("A", service="checkout", env="prod", cluster="eu")))
    lifecycle.transition(Incident.objects.get().number, to="resolved", actor="ada")

    send("alertmanager", group(alert("B", service="checkout")))
    send("alertmanager", group(alert("C", service="gateway")))
    send("alertmanager", group(alert("D", service="other", env="prod", cluster="eu")))

    resolved = Incident.objects.get(status="resolved")
    assert list(resolved.alerts.values_list("name", flat=True)) == ["A"]
    check_counts()


def test_alerts_without_a_service_keep_to_themselves(send):
    send("alertmanager", group(alert("A"), alert("B")))

    assert Incident.objects.count() == 2


def test_merging_moves_every_alert_and_is_kept_to_learn_from(send, person):
    send("alertmanager", group(alert("A", service="x"), alert("B", service="y")))
    source, target = Incident.objects.order_by("number")

    grouping.merge(source.number, into=target.number, by=person)

    source.refresh_from_db()
    target.refresh_from_db()
    assert (source.status, source.merged_into) == ("resolved", target)
    assert (target.alert_count, target.firing_count) == (2, 2)
    assert CorrelationLabel.objects.get().verb == "merge"
    check_counts()


def test_moving_and_splitting_keep_the_counts_and_are_kept_to_learn_from(send, person):
    send("alertmanager", group(*(alert(name, service="x") for name in "ABC")))
    send("alertmanager", group(alert("D", service="y"), alert("A", service="x", status="resolved")))
    one, other = Incident.objects.order_by("number")
    ids = dict(Alert.objects.values_list("name", "pk"))

    grouping.move([ids["A"]], source=one.number, into=other.number, by=person)
    check_counts()
    new = grouping.split([ids["B"]], source=one.number, by=person)
    check_counts()

    assert [i.alert_count for i in Incident.objects.order_by("number")] == [1, 2, 1]
    assert AlertLink.objects.get(alert=ids["B"]).incident == new
    labels = CorrelationLabel.objects.order_by("pk").values_list("verb", "alert")
    assert list(labels) == [("move", ids["A"]), ("split", ids["B"])]


def test_an_alert_moved_by_a_person_resolves_where_it_is_now(send, person):
    send("alertmanager", group(alert("A", service="x"), alert("B", service="x")))
    send("alertmanager", group(alert("C", service="y")))
    one, other = Incident.objects.order_by("number")
    moved = Alert.objects.get(name="A")
    grouping.move([moved.pk], source=one.number, into=other.number, by=person)

    send("alertmanager", group(alert("A", service="x", status="resolved")))
    send("alertmanager", group(alert("C", service="y", status="resolved")))

    other.refresh_from_db()
    assert (other.status, other.firing_count) == ("resolved", 0)
    check_counts()


def test_an_alert_moved_back_to_where_it_once_was_is_counted_once(send, person):
    send("alertmanager", group(alert("A", service="x"), alert("B", service="x")))
    first = Incident.objects.get()
    lifecycle.transition(first.number, to="resolved", actor="ada")
    send("alertmanager", group(alert("A", service="x", status="resolved")))
    send("alertmanager", group(alert("A", service="x", starts_at=SECOND), alert("C", service="x")))
    second = Incident.objects.latest("number")
    Incident.objects.filter(pk=first.pk).update(status="open", correlation_key="reopened")

    grouping.move(
        [Alert.objects.get(name="A").pk], source=second.number, into=first.number, by=person
    )

    check_counts()
