"""What people say of probable causes, over the API."""

from typing import Any

import pytest

from incidents.models import AnalysisStep, Incident
from tests.site import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident() -> Incident:
    """Payments and checkout are suspected; checkout is the incident's service so far."""
    incident = world.incident()
    world.service("payments")
    incident.analysis_steps.all().delete()
    incident.analysis_steps.create(
        name="root_cause",
        position=1,
        state=AnalysisStep.State.DONE,
        time_limit_seconds=10,
        result={"candidates": [_candidate("payments", 0.6), _candidate("checkout", 0.3)]},
    )
    return incident


def _candidate(service: str, confidence: float) -> dict[str, Any]:
    title = f"{service} is down"
    return {"service": service, "title": title, "confidence": confidence, "evidence": []}


def judge(incident: Incident, role: str = "responder", **body: Any) -> Any:
    url = f"/api/v1/incidents/{incident.number}/judge/"
    return world.browser(role).post(url, body, format="json")


def test_a_confirmed_cause_is_the_incidents_service(incident: Incident) -> None:
    told = judge(incident, service="payments", verdict="confirmed", reason="seen it").json()

    assert told["service"] == "payments"
    assert (told["analysis"]["cause"], told["analysis"]["confidence"]) == ("payments is down", 1.0)


def test_the_analysis_tells_who_said_what(incident: Incident) -> None:
    judge(incident, service="payments", verdict="rejected", reason="seen it")

    told = world.browser("viewer").get(f"/api/v1/incidents/{incident.number}/analysis/").json()

    (said,) = told["judgements"]
    assert said.pop("at").endswith("Z")
    assert said == {
        "service": "payments",
        "verdict": "rejected",
        "reason": "seen it",
        "by": "responder",
    }


def test_null_takes_it_back(incident: Incident) -> None:
    judge(incident, service="payments", verdict="confirmed")

    told = judge(incident, service="payments", verdict=None).json()

    assert told["analysis"]["confidence"] == 0.6
    assert not incident.cause_labels.standing().exists()


def test_what_cannot_be_judged_is_refused(incident: Incident) -> None:
    assert judge(incident, service="nobody", verdict="confirmed").status_code == 409
    assert judge(incident, service="payments", verdict="maybe").status_code == 400
    assert judge(incident, service="payments").status_code == 400
    assert judge(incident, "viewer", service="payments", verdict=None).status_code == 403
