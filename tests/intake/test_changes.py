"""Changes on their way in: from a delivery to one row that says how far it is."""

import hmac
import json

import pytest

from incidents.models import Alert, Message
from telemetry.models import Change, Service
from tests.intake.conftest import drain, recorded

GITHUB = "/api/v1/webhooks/github/"


def body(name, **changes):
    return json.loads(recorded(name)) | changes


def test_a_deployment_told_twice_is_one_change_that_has_succeeded(send):
    send("github", body("github/deployment"))
    running = Change.objects.get().status

    send("github", body("github/deployment_status"))
    send("github", body("github/deployment_status"))

    change = Change.objects.get()
    assert (running, change.status) == ("running", "succeeded")
    assert (change.service.slug, change.version) == ("checkout", "v2.31")
    assert (change.ended_at - change.began_at).total_seconds() == 210
    assert change.told_by.startswith("sender ")


def test_a_beginning_that_comes_after_the_end_does_not_undo_it(send):
    send("github", body("github/deployment_status"))

    send("github", body("github/deployment"))

    assert Change.objects.get().status == "succeeded"


def test_a_change_of_an_unknown_service_adds_it(send):
    send("argocd", body("argocd/running", app="支付"))

    assert Service.objects.get().name == "支付"


def test_a_change_is_neither_an_alert_nor_an_incident(send):
    send("generic", body("generic/change"))

    message = Message.objects.get()
    assert (message.state, message.event_count) == ("processed", 1)
    assert not Alert.objects.exists()
    assert Change.objects.get().url == "https://ci.example/42"


def test_what_is_no_change_is_read_and_leaves_nothing(send):
    send("github", body("github/ping"))

    message = Message.objects.get()
    assert (message.state, message.event_count, message.reason) == ("processed", 0, "")
    assert not Change.objects.exists()


def test_the_same_key_of_two_senders_is_two_changes(send):
    send("github", body("github/push"))
    send("generic", body("generic/change", key="shop/checkout/push/1"))

    assert Change.objects.count() == 2


def test_a_change_event_of_pagerduty_is_answered_as_pagerduty_does(door, connect):
    token = connect("pagerduty").token

    answer = door.post("/v2/change/enqueue", body("pagerduty/change_deploy", routing_key=token))
    drain()

    assert answer.status_code == 202
    assert answer.json() == {"status": "success", "message": "Change event processed"}
    assert Change.objects.get().service.slug == "checkout"
    assert token not in str(bytes(Message.objects.get().body))


def test_an_event_at_the_wrong_door_is_refused_with_the_right_one(door, connect):
    token = connect("pagerduty").token

    alert = door.post("/v2/change/enqueue", body("pagerduty/trigger", routing_key=token))
    change = door.post("/v2/enqueue", body("pagerduty/change", routing_key=token))

    assert (alert.status_code, change.status_code) == (400, 400)
    assert "/v2/enqueue" in alert.json()["errors"][0]
    assert "event_action" in change.json()["errors"][0]


@pytest.mark.parametrize("sent", [b"{", b"[]", b"", b'{"routing_key": "x"}'])
def test_what_is_no_change_event_is_refused(door, sent):
    assert door.post("/v2/change/enqueue", sent).status_code == 400


def test_a_delivery_of_github_that_is_sent_again_is_a_duplicate(door, connect):
    token = connect("github").token
    headers = {"x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958"}

    first, second = (
        door.post(f"{GITHUB}{token}/", body("github/push"), headers=headers) for _ in range(2)
    )

    assert not first.json()["duplicate"]
    assert second.json()["duplicate"]


def test_a_signature_is_checked_where_there_is_one(door, connect):
    token = connect("github").token
    sent = recorded("github/push")
    right = f"sha256={hmac.new(token.encode(), sent, 'sha256').hexdigest()}"

    signed, wrong, unsigned = (
        door.post(f"{GITHUB}{token}/", sent, headers=headers)
        for headers in (
            {"x-hub-signature-256": right},
            {"x-hub-signature-256": f"sha256={'0' * 64}"},
            {},
        )
    )

    assert (signed.status_code, wrong.status_code, unsigned.status_code) == (202, 401, 202)
    assert "webhook secret" in wrong.json()["detail"]
