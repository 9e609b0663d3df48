"""An incident opened by hand over the API."""

from typing import Any

import pytest

from incidents.models import Incident
from tests.site import world

pytestmark = pytest.mark.django_db
URL = "/api/v1/incidents/"
GIVEN = {"title": "Customers cannot pay", "severity": "high"}


def test_a_responder_declares_an_incident() -> None:
    world.service("checkout")
    body = {**GIVEN, "service": "checkout", "summary": "Support has calls."}

    answer = world.browser("responder").post(URL, body)

    told = answer.json()
    assert answer.status_code == 201
    assert (told["title"], told["severity"], told["status"]) == (GIVEN["title"], "high", "open")
    assert (told["service"], told["services"], told["alert_count"]) == ("checkout", ["checkout"], 0)
    (entry,) = Incident.objects.get(number=told["number"]).timeline.all()
    assert (entry.actor, entry.text) == ("responder", "Declared: Support has calls.")


def test_a_token_of_a_responder_may_too() -> None:
    assert world.program("responder").post(URL, GIVEN).status_code == 201


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"severity": "high"}, "title"),
        ({**GIVEN, "title": ""}, "title"),
        ({**GIVEN, "title": "x" * 301}, "title"),
        ({**GIVEN, "severity": "worst"}, "severity"),
        ({**GIVEN, "service": 7}, "service"),
        ({**GIVEN, "summary": None}, "summary"),
        ({**GIVEN, "status": "closed"}, "status"),
    ],
)
def test_a_mistake_is_said_at_its_field(body: dict[str, Any], field: str) -> None:
    answer = world.browser("responder").post(URL, body)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]
    assert not Incident.objects.exists()


def test_a_service_that_is_not_there_is_named_and_nothing_is_opened() -> None:
    answer = world.browser("responder").post(URL, {**GIVEN, "service": "nowhere"})

    assert answer.status_code in (400, 409)
    assert "nowhere" in answer.json()["errors"]["service"][0]
    assert not Incident.objects.exists()


def test_no_service_is_an_answer() -> None:
    answer = world.browser("responder").post(URL, {**GIVEN, "service": None})

    assert answer.json()["service"] is None


@pytest.mark.parametrize("role", ["viewer", "approver", "editor"])
def test_others_may_not(role: str) -> None:
    assert world.browser(role).post(URL, GIVEN).status_code == 403
