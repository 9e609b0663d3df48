"""What a topic is called, and what a page may still send when its socket was closed."""

from typing import Any

import pytest

from aiops_site import topics
from aiops_site.live import LiveConsumer
from tests.site import world


@pytest.mark.django_db
@pytest.mark.parametrize("alias", ["0{}", "000{}", "\N{ARABIC-INDIC DIGIT ONE}"])
def test_an_incident_has_one_topic_only(alias: str) -> None:
    incident = world.incident()
    type(incident).objects.filter(pk=incident.pk).update(number=1)
    session = world.browser("viewer").session
    plain, other = topics.parse("incident:1"), topics.parse(f"incident:{alias.format(1)}")

    assert plain is not None
    assert topics.may_see(session, plain)
    assert other is None or not topics.may_see(session, other)


async def test_frames_after_the_close_are_not_answered() -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    consumer = LiveConsumer()
    consumer.base_send = send

    for _ in range(3):
        await consumer.receive(text_data="no json")
    await consumer.send_json({"topic": "incidents"})

    assert [message["type"] for message in sent] == ["websocket.close"]
