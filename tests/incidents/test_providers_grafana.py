from datetime import UTC, datetime

import pytest

from incidents.providers import provider_for
from incidents.providers.base import UnreadablePayload
from tests.incidents.recorded import recorded

grafana = provider_for("grafana")


def test_a_unified_alert_is_translated():
    (event,) = grafana.parse(recorded("grafana/unified")).events

    assert (event.name, event.status, event.severity) == ("Queue too long", "firing", "high")
    assert event.key == "5f0c1d2e3b4a6978"
    assert event.starts_at == datetime(2026, 11, 20, 7, 51, 3, 157076, tzinfo=UTC)
    assert event.annotations["value"] == "[ var='B' value=12000 ]"


def test_a_relative_generator_address_gives_way_to_the_panels():
    (event,) = grafana.parse(recorded("grafana/unified")).events

    assert event.url == "https://grafana.example/d/abc?viewPanel=2"


def test_legacy_alerting_is_translated():
    (event,) = grafana.parse(recorded("grafana/legacy_alerting")).events

    assert (event.name, event.status, event.severity) == ("CPU of the shop", "firing", "critical")
    assert event.labels == {
        "alertname": "CPU of the shop",
        "service": "gateway",
        "severity": "critical",
    }
    assert event.annotations["value"] == "cpu=97.5"
    assert event.summary == "CPU has been over 95 % for 5 minutes"


def test_legacy_ok_resolves_the_same_alert():
    (fired,) = grafana.parse(recorded("grafana/legacy_alerting")).events

    (event,) = grafana.parse(recorded("grafana/legacy_ok")).events

    assert (event.status, event.key) == ("resolved", fired.key)


@pytest.mark.parametrize("payload", [None, {}, {"ruleId": 1, "state": "dreaming"}, {"alerts": []}])
def test_a_body_of_another_shape_is_refused(payload: object):
    with pytest.raises(UnreadablePayload, match="This is not a message of Grafana"):
        grafana.parse(payload)
