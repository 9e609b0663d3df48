"""Incidents of the past and their stored alerts, under a policy that was not there."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from automation import matching as looking
from automation import policies
from automation.backtest import backtest
from automation.matching import matching
from automation.models import Execution, HealingPolicy, Runbook
from automation.published import publish, write_version
from incidents.models import Alert, Incident
from telemetry.models import Dependency, Service
from tests.automation.pages_world import a_plan, connect_supervisor, publish_runbook
from tests.incidents.analysis_world import add_alert, open_incident

pytestmark = pytest.mark.django_db
MONTH = timedelta(days=30)
BY_ALERT = """\
name: by-alert
risk: low
parameters:
  pod: {type: string, pattern: "^[a-z0-9-]+$", from: alert.labels.pod}
steps:
  - {action: restart, executor: supervisor, target: "${pod}"}
"""
BY_DEPENDENCY = """\
name: by-dependency
risk: low
parameters:
  url: {type: string, pattern: "^https?://[a-z.:0-9/]+$", from: service.dependency_url}
steps:
  - {action: http_request, executor: http, target: "${url}"}
"""


def happened(slug="checkout", *, days_ago=1.0, minutes=10, severity="critical", **labels):
    """An incident with one alert, long over unless `minutes` is None."""
    service, _ = Service.objects.get_or_create(slug=slug)
    incident = open_incident(service, severity=severity)
    add_alert(incident, "ServiceDown", service, labels={"service": slug, **labels})
    opened_at = timezone.now() - timedelta(days=days_ago)
    over = {"status": "resolved", "resolved_at": opened_at + timedelta(minutes=minutes or 0)}
    Incident.objects.filter(pk=incident.pk).update(
        opened_at=opened_at, **(over if minutes is not None else {})
    )
    return Incident.objects.get(pk=incident.pk)


def a_policy(*matchers, runbook="restart", **fields):
    if not Runbook.objects.filter(name=runbook).exists():
        connect_supervisor()
        publish_runbook(runbook)
    return HealingPolicy(
        matchers=list(matchers), runbook=Runbook.objects.get(name=runbook), **fields
    )


def found(*matchers, days=30):
    return matching(matchers, timezone.now() - timedelta(days=days)).numbers


def replayed(policy):
    now = timezone.now()
    return backtest(policy, since=now - MONTH, now=now)


@pytest.mark.parametrize(
    "matcher",
    [
        "service=checkout",
        "service!=store",
        "service=~check.*",
        "severity=critical",
        "severity=~critical|high",
        "severity!=low",
        "alertname=ServiceDown",
        "alertname=~Service.*",
        "classification=service_down",
        "env=prod",
        "env=~p.*",
        "env!=staging",
        "region=",
        "region!~eu-.*",
    ],
)
def test_the_past_is_matched_as_the_present_is(matcher):
    wanted = happened(env="prod")
    other = happened("store", severity="low", env="staging", region="eu-1")
    Incident.objects.filter(pk=wanted.pk).update(classification="service_down")
    Alert.objects.filter(incident=other).update(name="Slow")

    now = {
        incident.pk
        for incident in Incident.objects.all()
        if policies.matches(HealingPolicy(matchers=[matcher]), incident)
    }

    assert set(found(matcher)) == now == {wanted.pk}


def test_an_alert_that_went_on_to_another_incident_still_speaks_for_the_first():
    first = happened()
    again = happened()
    Alert.objects.filter(incident=first).update(incident=again)

    assert found("alertname=ServiceDown") == [again.pk, first.pk]


def test_what_is_older_is_left_alone():
    happened(days_ago=31)

    assert found("service=checkout") == []


def test_when_there_is_too_much_it_says_how_far_back_it_looked(monkeypatch):
    monkeypatch.setattr(looking, "MOST_ALERTS", 2)
    happened(days_ago=3)
    second, third = happened(days_ago=2), happened(days_ago=1)

    result = matching(["service=checkout"], timezone.now() - MONTH)

    assert result.numbers == [third.pk, second.pk]
    assert result.back_to == second.opened_at


def test_it_finds_no_more_incidents_than_it_can_replay(monkeypatch):
    monkeypatch.setattr(looking, "MOST_INCIDENTS", 1)
    happened(days_ago=2)
    newest = happened(days_ago=1)

    result = matching(["service=checkout"], timezone.now() - MONTH)

    assert (result.numbers, result.back_to) == ([newest.pk], newest.opened_at)


def test_the_runbooks_guardrails_hold_and_the_policys_replace_them():
    first, second = happened(days_ago=2), happened(days_ago=2 - 1 / 1440)

    by_runbook = replayed(a_policy("service=checkout"))
    by_policy = replayed(a_policy("service=checkout", guardrails={"cooldown_seconds": 30}))

    assert [outcome.run_at for outcome in by_runbook.outcomes] == [
        first.opened_at,
        first.opened_at + timedelta(minutes=5),
    ]
    assert [outcome.run_at for outcome in by_policy.outcomes] == [
        first.opened_at,
        second.opened_at,
    ]


def test_an_incident_that_is_still_open_is_looked_at_until_now():
    first = happened(days_ago=4 / 1440)
    still_open = happened(days_ago=2 / 1440, minutes=None)

    result = replayed(a_policy("service=checkout"))

    assert [outcome.chance.number for outcome in result.outcomes] == [first.pk, still_open.pk]
    assert result.outcomes[1].run_at is None
    assert "cools down" in result.outcomes[1].against[0].reason


def test_runs_of_other_people_count_and_its_own_do_not():
    plan = a_plan(incident=happened(days_ago=1))
    begun = happened(days_ago=0.5).opened_at - timedelta(minutes=1)
    Execution.objects.create(remediation=plan, created_at=begun, started_at=begun)
    policy = a_policy("service=checkout", runbook=plan.runbook.name)
    policy.name = "heal"
    policy.save()

    by_others = replayed(policy).outcomes[1]
    plan.policy = policy
    plan.save()
    its_own = replayed(policy).outcomes[1]

    assert by_others.against[0].name == "cooldown_seconds"
    assert not its_own.against


def test_without_a_plan_it_says_why():
    named = happened(pod="web-1")
    nameless = happened("store")
    connect_supervisor()
    publish(write_version(BY_ALERT, author=None, reason=""))

    result = replayed(a_policy("alertname=ServiceDown", runbook="by-alert"))

    assert [outcome.chance.number for outcome in result.outcomes] == [named.pk]
    assert result.outcomes[0].chance.targets == ("web-1",)
    assert result.refusals == {nameless.pk: "pod: needs a value, and alert.labels.pod is not known"}


def test_the_most_needed_service_is_asked():
    happened()
    store = Service.objects.create(slug="store", tier=1, health_url="http://store.test/up")
    Dependency.objects.create(caller=Service.objects.get(slug="checkout"), callee=store)
    publish(write_version(BY_DEPENDENCY, author=None, reason=""))

    [outcome] = replayed(a_policy("service=checkout", runbook="by-dependency")).outcomes

    assert outcome.chance.targets == ("http://store.test/up",)


def test_a_few_queries_do_whatever_there_is(django_assert_max_num_queries):
    for number in range(12):
        happened(f"service{number}", pod="web-1")
    connect_supervisor()
    publish(write_version(BY_ALERT, author=None, reason=""))
    policy = a_policy("alertname=ServiceDown", runbook="by-alert")

    with django_assert_max_num_queries(8):
        assert len(replayed(policy).outcomes) == 12


def test_a_runbook_that_is_not_published_cannot_be_tested():
    policy = a_policy("service=checkout")
    policy.runbook.published = None

    with pytest.raises(ValidationError, match="restart is not published"):
        replayed(policy)


def test_nothing_is_proposed_by_looking_back():
    happened()

    result = replayed(a_policy("service=checkout"))

    assert len(result.outcomes) == 1
    assert not result.incidents[result.outcomes[0].chance.number].remediations.exists()
