import pytest

from incidents.providers import provider_for
from incidents.providers.base import UnreadablePayload
from tests.incidents.recorded import recorded

pagerduty = provider_for("pagerduty")


def test_a_trigger_fires():
    (event,) = pagerduty.parse(recorded("pagerduty/trigger")).events

    assert (event.name, event.status) == ("Disk of db1 is almost full", "firing")
    assert (event.severity, event.key) == ("high", "db1/disk")
    assert event.labels["source"] == "db1.shop.example"
    assert event.labels["class"] == "disk"
    assert event.url == "https://nightwatch.example/alerts/81"
    assert not event.acknowledged


def test_custom_details_are_annotations_and_may_name_the_service():
    (event,) = pagerduty.parse(recorded("pagerduty/trigger")).events

    assert event.labels["service"] == "store"
    assert event.annotations["load"] == "0.75"


def test_the_component_is_the_service_when_nothing_names_one():
    payload = recorded("pagerduty/trigger")
    payload["payload"]["custom_details"] = "plain text"

    (event,) = pagerduty.parse(payload).events

    assert event.labels["service"] == "postgres"
    assert event.annotations["details"] == "plain text"


def test_the_time_of_the_event_is_not_taken_for_the_start_of_the_alert():
    (event,) = pagerduty.parse(recorded("pagerduty/trigger")).events

    assert event.starts_at is None
    assert event.annotations["timestamp"] == "2026-11-20T08:42:58.315+0000"


def test_an_acknowledgement_stays_firing():
    (event,) = pagerduty.parse(recorded("pagerduty/acknowledge")).events

    assert (event.status, event.acknowledged, event.key) == ("firing", True, "db1/disk")


def test_a_resolve_needs_no_more_than_the_key():
    (event,) = pagerduty.parse(recorded("pagerduty/resolve")).events

    assert (event.status, event.key, event.name) == ("resolved", "db1/disk", "db1/disk")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"event_action": "trigger", "payload": None}, "a trigger needs a payload"),
        ({"event_action": "resolve", "dedup_key": None}, "resolve needs a dedup_key"),
        ({"event_action": "explode"}, "event_action: Input should be"),
        ({"dedup_key": "k" * 256}, "dedup_key: String should have at most 255 characters"),
        ({"payload": {"summary": "a", "source": "b"}}, "payload.severity: Field required"),
        ({"payload": {"summary": "a", "source": "b", "severity": "bad"}}, "payload.severity"),
    ],
)
def test_what_pagerduty_would_refuse_is_refused(changes: dict[str, object], reason: str):
    payload = recorded("pagerduty/trigger") | changes

    with pytest.raises(UnreadablePayload, match=reason):
        pagerduty.parse(payload)
