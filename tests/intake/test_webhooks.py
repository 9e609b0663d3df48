import contextlib
import threading
import time

import pytest
from django.db import OperationalError, connection, transaction

from incidents import rotating
from incidents.api.webhooks import MAX_BODY
from incidents.models import Integration, Message
from tests.intake.conftest import alert, basic, group

PATH = "/api/v1/webhooks/alertmanager/"


def test_a_delivery_is_accepted_with_the_id_of_its_row(door, connect):
    sender = connect("alertmanager")

    answer = door.post(PATH, group(alert()), token=sender.token)

    assert answer.status_code == 202
    assert answer.json() == {"message": str(Message.objects.get().pk), "duplicate": False}


def test_a_delivery_id_seen_before_is_a_duplicate(door, connect):
    sender = connect("alertmanager")
    headers = {"webhook-id": "msg_1"}
    first = door.post(PATH, group(alert()), token=sender.token, headers=headers)

    second = door.post(PATH, group(alert()), token=sender.token, headers=headers)

    assert second.status_code == 202
    assert second.json() == {"message": first.json()["message"], "duplicate": True}


def test_identical_bodies_without_a_delivery_id_are_separate_messages(door, connect):
    sender = connect("alertmanager")

    answers = [door.post(PATH, group(alert()), token=sender.token) for _ in range(2)]

    assert [answer.json()["duplicate"] for answer in answers] == [False, False]
    assert Message.objects.count() == 2


def test_a_delivery_id_belongs_to_its_sender(door, connect):
    senders = [connect("alertmanager"), connect("alertmanager")]
    headers = {"webhook-id": "msg_1"}

    answers = [door.post(PATH, group(alert()), token=s.token, headers=headers) for s in senders]

    assert [answer.json()["duplicate"] for answer in answers] == [False, False]


def test_a_delivery_sent_by_sixteen_connections_at_once_is_kept_once(door, connect):
    sender = connect("alertmanager")
    post = (PATH, group(alert()), sender.token, {"webhook-id": "msg_1"}, None)

    answers = door.post_all([post] * 16)

    assert {answer.status_code for answer in answers} == {202}
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False] + [True] * 15
    assert Message.objects.count() == 1


@pytest.mark.parametrize("path", [PATH, PATH.rstrip("/")])
def test_the_token_is_taken_from_bearer_basic_or_path(door, connect, path):
    token = connect("alertmanager").token
    headers = {"authorization": basic(token)}

    answers = [
        door.post(path, group(alert()), token=token),
        door.post(path, group(alert()), headers=headers),
        door.post(f"{PATH}{token}/", group(alert())),
        door.post(f"{PATH}{token}", group(alert())),
    ]

    assert [answer.status_code for answer in answers] == [202] * 4


def test_no_token_a_wrong_one_and_one_of_another_product_look_alike(door, connect):
    disabled = connect("alertmanager")
    disabled.integration.is_enabled = False
    disabled.integration.save()
    other = connect("grafana").token
    credentials = ["", "x" * 43, other, disabled.token, "é", "a b"]

    answers = [
        door.post(PATH, group(alert()), headers={"authorization": f"Bearer {t}".encode()})
        for t in credentials
    ]
    answers += [
        door.post(PATH, group(alert())),
        door.post(PATH, group(alert()), headers={"authorization": "Basic %%%"}),
        door.post(PATH, group(alert()), headers={"authorization": basic("x")}),
        door.post(f"{PATH}{other}/", group(alert())),
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"] == "Bearer"
    assert not Message.objects.exists()


def test_a_rotated_token_stops_working_within_two_seconds(door, connect):
    sender = connect("alertmanager")
    assert door.post(PATH, group(alert()), token=sender.token).status_code == 202
    new = rotating.rotate(sender.integration)

    ends_at = time.monotonic() + 2.5
    while door.post(PATH, group(alert()), token=sender.token).status_code == 202:
        assert time.monotonic() < ends_at
        time.sleep(0.1)

    assert door.post(PATH, group(alert()), token=sender.token).status_code == 401
    assert door.post(PATH, group(alert()), token=new.token).status_code == 202


def test_a_product_nobody_reads_is_not_found(door, connect):
    answer = door.post("/api/v1/webhooks/fax/", group(alert()), token=connect("generic").token)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("body", [b"{", b"alert=1", b'{"a":"\xff"}', b"[" * 50])
def test_what_cannot_be_read_is_refused_but_kept_with_its_reason(door, connect, body):
    sender = connect("alertmanager")

    answer = door.post(PATH, body, token=sender.token)

    message = Message.objects.get()
    assert answer.status_code == 400
    assert message.state == Message.State.DEAD
    assert bytes(message.body) == body
    assert message.reason == answer.json()["detail"]


def test_json_that_is_no_message_of_the_product_is_kept_with_its_reason(send):
    answer = send("alertmanager", {"hello": "world"})

    message = Message.objects.get()
    assert answer.status_code == 202
    assert message.state == Message.State.DEAD
    assert "This is not a message of Alertmanager" in message.reason


def test_an_empty_body_is_refused(door, connect):
    answer = door.post(PATH, b"", token=connect("alertmanager").token)

    assert answer.status_code == 400
    assert not Message.objects.exists()


def test_a_body_over_the_limit_is_refused(door, connect):
    answer = door.post(PATH, b" " * (MAX_BODY + 1), token=connect("alertmanager").token)

    assert answer.status_code == 413
    assert not Message.objects.exists()


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "application/xml"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-encoding": "gzip"},
    ],
)
def test_a_form_of_body_nobody_reads_is_refused(door, connect, headers):
    sender = connect("alertmanager")

    answer = door.post(PATH, group(alert()), token=sender.token, headers=headers)

    assert answer.status_code == 415
    assert not Message.objects.exists()


def test_secrets_in_headers_are_not_kept(door, connect):
    sender = connect("alertmanager")
    headers = {"cookie": "a=secret", "x-api-key": "secret", "user-agent": "Alertmanager/0.27"}

    door.post(PATH, group(alert()), token=sender.token, headers=headers)

    kept = Message.objects.get().headers
    assert kept == {"user-agent": "Alertmanager/0.27", "content-type": "application/json"}


@contextlib.contextmanager
def locked_inbox():
    """Somebody holds the database (SQLite) or the inbox (PostgreSQL) for themselves."""
    is_held, may_go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("LOCK TABLE incidents_message IN ACCESS EXCLUSIVE MODE")
            is_held.set()
            may_go.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert is_held.wait(5)
    try:
        yield
    finally:
        may_go.set()
        holder.join()


def test_what_cannot_be_kept_in_time_is_to_be_sent_again(door, connect):
    sender = connect("alertmanager")

    with locked_inbox():
        started_at = time.monotonic()
        answers = door.post_all([(PATH, group(alert()), sender.token, None, None)] * 8)
        took = time.monotonic() - started_at

    assert took < 2.5
    assert {answer.status_code for answer in answers} == {503}
    assert {answer.headers["retry-after"] for answer in answers} == {"5"}
    assert door.post(PATH, group(alert()), token=sender.token).status_code == 202


def test_a_database_that_does_not_answer_is_no_fault_of_the_sender(door, connect, monkeypatch):
    sender = connect("alertmanager")

    def refuse(*_):
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr(Integration.objects, "opened_by", refuse)
    answer = door.post(PATH, group(alert()), token=sender.token)

    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
