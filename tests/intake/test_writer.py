import asyncio

import pytest
from django.db import connections
from django.utils import timezone

from incidents.api import writer
from incidents.models import Message

SIZE = 1000


@pytest.fixture
def commits(monkeypatch):
    """How many messages each commit held."""
    counts = []
    commit = writer.commit

    def counted(messages):
        counts.append(len(messages))
        return commit(messages)

    monkeypatch.setattr(writer, "commit", counted)
    return counts


@pytest.fixture
def keep(connect):
    integration = connect("generic").integration

    def keep(*sizes):
        messages = [
            Message(integration=integration, received_at=timezone.now(), body=b"x" * size)
            for size in sizes
        ]
        return asyncio.run(keep_all(messages))

    return keep


async def keep_all(messages):
    one = writer.Writer()
    try:
        return await asyncio.gather(*(one.keep(message) for message in messages))
    finally:
        one._thread.submit(connections.close_all).result()


def test_what_arrives_together_is_committed_together(keep, commits):
    receipts = keep(*[SIZE] * 20)

    assert commits == [20]
    assert [each.message_id for each in receipts] == sorted(
        Message.objects.values_list("pk", flat=True)
    )


def test_a_commit_holds_no_more_bytes_than_it_may(keep, commits, monkeypatch):
    monkeypatch.setattr(writer, "BATCH_BYTES", 5 * SIZE)

    keep(*[SIZE] * 12)

    assert commits == [5, 5, 2]
    assert Message.objects.count() == 12


def test_one_that_is_larger_than_a_batch_may_be_goes_alone(keep, commits, monkeypatch):
    monkeypatch.setattr(writer, "BATCH_BYTES", 5 * SIZE)

    keep(SIZE, 50 * SIZE, SIZE, SIZE)

    assert commits == [1, 1, 2]


def test_a_commit_holds_no_more_messages_than_it_may(keep, commits, monkeypatch):
    monkeypatch.setattr(writer, "BATCH", 4)

    keep(*[1] * 10)

    assert commits == [4, 4, 2]
