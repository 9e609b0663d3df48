import json

import pytest

from incidents.models import Alert, Message
from tests.intake.conftest import drain, recorded


def event(token, **changes):
    sent = json.loads(recorded("pagerduty/trigger"))
    return sent | {"routing_key": token} | changes


def test_an_event_is_accepted_with_its_dedup_key(door, connect):
    token = connect("pagerduty").token

    answer = door.post("/v2/enqueue", event(token, dedup_key="disk-1"))

    assert len(token) == 32
    assert answer.status_code == 202
    assert answer.json() == {
        "status": "success",
        "message": "Event processed",
        "dedup_key": "disk-1",
    }


@pytest.mark.parametrize("changes", [{"dedup_key": None}, {}])
def test_a_trigger_without_a_dedup_key_is_given_one(door, connect, changes):
    sent = event(connect("pagerduty").token)
    del sent["dedup_key"]

    answer = door.post("/v2/enqueue", sent | changes)

    assert answer.status_code == 202
    assert len(answer.json()["dedup_key"]) == 32


def test_the_routing_key_is_never_stored(door, connect):
    token = connect("pagerduty").token

    door.post("/v2/enqueue", event(token, event_action="explode"))
    door.post("/v2/enqueue", event(token))

    for message in Message.objects.all():
        assert token not in f"{bytes(message.body)} {message.headers} {message.reason}"
    assert Message.objects.count() == 2


def test_an_unknown_routing_key_is_an_invalid_event(door, connect):
    answer = door.post("/v2/enqueue", event("0" * 32))

    assert answer.status_code == 400
    assert answer.json()["status"] == "invalid event"
    assert answer.json()["errors"]
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"event_action": "explode"},
        {"payload": None},
        {"event_action": "resolve", "dedup_key": None},
        {"event_action": "acknowledge", "dedup_key": ""},
        {"dedup_key": "x" * 256},
    ],
)
def test_an_invalid_event_is_refused_but_kept_with_its_reason(door, connect, changes):
    answer = door.post("/v2/enqueue", event(connect("pagerduty").token, **changes))

    message = Message.objects.get()
    assert answer.status_code == 400
    assert answer.json()["errors"] == [message.reason]
    assert message.state == Message.State.DEAD


def test_what_was_accepted_can_be_read_whatever_its_content_type(door, connect):
    sent = event(connect("pagerduty").token)

    answer = door.post("/v2/enqueue", sent, headers={"content-type": "text/html"})
    drain()

    assert answer.status_code == 202
    assert Alert.objects.get().status == Alert.Status.FIRING


@pytest.mark.parametrize("body", [b"{", b"[]", b"5", b""])
def test_what_is_no_event_is_refused(door, connect, body):
    answer = door.post("/v2/enqueue", body)

    assert answer.status_code == 400
    assert answer.json()["status"] == "invalid event"
