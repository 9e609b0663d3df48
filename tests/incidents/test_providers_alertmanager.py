from datetime import UTC, datetime

import pytest

from incidents.providers import UnknownProvider, provider_for
from incidents.providers.base import UnreadablePayload
from tests.incidents.recorded import recorded

alertmanager = provider_for("alertmanager")


def test_a_firing_alert_is_translated():
    result = alertmanager.parse(recorded("alertmanager/firing"))

    (event,) = result.events
    assert result.rejected == ()
    assert (event.name, event.status, event.severity) == ("ServiceDown", "firing", "critical")
    assert event.starts_at == datetime(2026, 11, 20, 10, 0, 0, 123456, tzinfo=UTC)
    assert event.ends_at is None
    assert event.labels["service"] == "checkout"
    assert event.key == "a1f04c2b9d7e6350"
    assert event.url.startswith("http://prometheus.shop.example:9090/graph")
    assert event.summary == "checkout does not answer"


def test_a_resolved_alert_keeps_its_identity_and_has_an_end():
    (fired,) = alertmanager.parse(recorded("alertmanager/firing")).events

    (event,) = alertmanager.parse(recorded("alertmanager/resolved")).events

    assert (event.status, event.key) == ("resolved", fired.key)
    assert event.starts_at == fired.starts_at
    assert event.ends_at == datetime(2026, 11, 20, 10, 12, 30, tzinfo=UTC)


def test_each_alert_of_a_group_has_its_own_status_and_a_bad_one_is_named():
    result = alertmanager.parse(recorded("alertmanager/mixed_group"))

    assert [event.status for event in result.events] == ["firing", "resolved"]
    assert [rejection.index for rejection in result.rejected] == [2]
    assert "labels: Input should be a valid dictionary" in result.rejected[0].reason


def test_an_address_that_is_not_of_the_web_is_left_out():
    event = alertmanager.parse(recorded("alertmanager/mixed_group")).events[0]

    assert event.url == ""


def test_version_3_without_fingerprints_is_identified_by_labels():
    (event,) = alertmanager.parse(recorded("alertmanager/version_3")).events

    assert event.key == ""
    assert (event.name, event.severity) == ("DiskFull", "critical")
    assert event.starts_at == datetime(2026, 11, 20, 9, 0, 0, 500000, tzinfo=UTC)
    assert event.summary == "/var is 98 % full"


def test_an_alert_without_a_status_takes_the_groups():
    group = {"status": "resolved", "alerts": [{"labels": {"alertname": "A"}}]}

    (event,) = alertmanager.parse(group).events

    assert event.status == "resolved"


def test_labels_that_are_no_texts_become_texts():
    labels = {"alertname": "A", "port": 80, "up": True, "none": None, "list": [1]}

    (event,) = alertmanager.parse({"alerts": [{"labels": labels}]}).events

    assert event.labels == {"alertname": "A", "port": "80", "up": "true", "list": "[1]"}


def test_an_alert_without_a_name_is_still_kept():
    (event,) = alertmanager.parse({"alerts": [{"labels": {}}]}).events

    assert event.name == "Unnamed alert"


@pytest.mark.parametrize("payload", [None, 5, [], {}, {"alerts": []}, {"alerts": "none"}])
def test_a_body_of_another_shape_is_refused_with_the_field(payload: object):
    with pytest.raises(UnreadablePayload, match="This is not a message of Alertmanager"):
        alertmanager.parse(payload)


def test_a_long_list_of_problems_is_shortened():
    alert = {"status": 1, "labels": 1, "annotations": 1, "generatorURL": 1, "fingerprint": 1}

    (rejection,) = alertmanager.parse({"alerts": [alert]}).rejected

    assert rejection.reason.endswith("; and 2 more")


def test_an_unknown_provider_names_those_there_are():
    with pytest.raises(
        UnknownProvider, match="alertmanager, argocd, generic, github, grafana, kubernetes"
    ):
        provider_for("alertmanagr")
