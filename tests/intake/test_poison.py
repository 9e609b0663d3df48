"""P-14: nothing a sender can say stops intake."""

import time

import pytest

from incidents.models import Alert, Message
from tests.intake.conftest import alert, drain, group
from tests.payloads import poison

ALLOWED = {202, 400, 413, 415, 422}
PATH = "/api/v1/webhooks/{}/"
MOST_SECONDS = 0.3


@pytest.mark.usefixtures("untraced")
@pytest.mark.parametrize("bad", poison.POISONS, ids=lambda bad: bad.name)
def test_a_poisonous_body_is_answered_at_once_and_stops_nobody(door, connect, bad):
    sender, generic = connect("alertmanager"), connect("generic")
    body, headers = bad.body, {"content-type": bad.content_type}
    started_at = time.process_time()

    answers = [
        door.post(PATH.format("alertmanager"), body, token=sender.token, headers=headers),
        door.post(PATH.format("generic"), body, token=generic.token, headers=headers),
    ]

    assert (time.process_time() - started_at) / 2 < MOST_SECONDS
    assert {answer.status_code for answer in answers} <= ALLOWED
    drain()
    valid = door.post(PATH.format("alertmanager"), group(alert("Next")), token=sender.token)
    assert valid.status_code == 202
    drain()
    assert Alert.objects.filter(name="Next", status="firing").exists()
    assert not Message.objects.filter(state=Message.State.PENDING).exists()


@pytest.mark.parametrize(
    "body", [pytest.param(body, id=name) for name, body in poison.batches_with_one_bad_item()]
)
def test_one_bad_item_does_not_spoil_its_batch(send, body):
    answer = send("alertmanager", body)

    message = Message.objects.get()
    assert answer.status_code == 202
    assert Alert.objects.get().name == "Poisoned"
    assert (message.state, message.event_count, message.rejected_count) == ("processed", 1, 1)
    assert message.reason.startswith("item 1: ")
