"""Incidents and alerts over the API, as the contract says."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents import lifecycle
from incidents.models import AnalysisStep, Incident, Severity
from tests.site import world

pytestmark = pytest.mark.django_db
INCIDENTS = "/api/v1/incidents/"


def post(incident: Incident, verb: str, body: Any = None, role: str = "responder") -> Any:
    url = f"{INCIDENTS}{incident.number}/{verb}/"
    return world.browser(role).post(url, {} if body is None else body)


def test_an_incident_is_told_as_the_contract_says() -> None:
    incident = world.incident()
    alert = world.alert(incident)
    lifecycle.assign(incident.number, to=world.person("editor"), by=world.person("responder"))

    told = world.browser("viewer").get(f"{INCIDENTS}{incident.number}/").json()

    assert told["number"] == incident.number
    assert (told["service"], told["services"], told["assignee"]) == ("checkout", [], "editor")
    assert (told["severity"], told["status"], told["alert_count"]) == ("high", "open", 1)
    assert told["opened_at"].endswith("Z")
    assert told["acknowledged_at"] is told["resolved_at"] is None
    assert told["correlation"]["text"] == "First alert."
    assert [link["alert"] for link in told["correlation"]["links"]] == [alert.pk]
    assert told["analysis"] == {
        "classification": "",
        "cause": "",
        "confidence": None,
        "state": told["analysis"]["state"],
    }


def test_an_alert_is_told_as_the_contract_says() -> None:
    alert = world.alert(world.incident())

    told = world.browser("viewer").get(f"/api/v1/alerts/{alert.pk}/").json()

    assert told["labels"] == {"env": "prod"}
    assert told["incident"] == alert.incident_id
    assert told["service"] == "checkout"
    assert told["integration"] is told["suppressed_by"] is told["ends_at"] is None
    assert {"fingerprint", "annotations", "event_count", "last_received_at"} <= set(told)


def test_every_state_is_listed_unless_one_is_asked_for() -> None:
    open_one, resolved = world.incident("a"), world.incident("b")
    lifecycle.transition(resolved.number, to="resolved", actor="test")
    client = world.browser("viewer")

    every = client.get(INCIDENTS).json()["results"]
    some = client.get(f"{INCIDENTS}?status=resolved").json()["results"]

    assert [row["number"] for row in every] == [resolved.number, open_one.number]
    assert [row["number"] for row in some] == [resolved.number]
    assert client.get(f"{INCIDENTS}?status=asleep").status_code == 400


def test_a_search_that_cannot_be_read_is_a_400_with_its_place() -> None:
    answer = world.browser("viewer").get(INCIDENTS, {"q": "severity:hihg"})

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.json()["position"], answer.json()["suggestion"]) == (9, "high")


def test_a_transition_is_made_and_one_that_is_not_allowed_is_a_409() -> None:
    incident = world.incident()

    made = post(incident, "transition", {"to": "investigating", "reason": "looking"})
    refused = post(incident, "transition", {"to": "closed"})
    unknown = post(incident, "transition", {"to": "asleep"})

    assert (made.status_code, made.json()["status"]) == (200, "investigating")
    assert refused.status_code == 409
    assert "investigating" in refused.json()["detail"]
    assert unknown.status_code == 400
    assert list(unknown.json()["errors"]) == ["to"]


def test_acknowledging_names_the_person() -> None:
    told = post(world.incident(), "acknowledge").json()

    assert (told["status"], told["assignee"]) == ("investigating", "responder")
    assert told["acknowledged_at"] is not None


def test_an_incident_is_assigned_and_given_back() -> None:
    incident = world.incident()
    world.person("editor")

    given = post(incident, "assign", {"to": "editor"}).json()
    freed = post(incident, "assign", {"to": None}).json()

    assert (given["assignee"], freed["assignee"]) == ("editor", None)
    assert post(incident, "assign", {"to": "nobody"}).status_code == 409


def test_title_severity_and_snooze_are_changed() -> None:
    incident = world.incident()
    later = timezone.now() + timedelta(hours=1)

    assert post(incident, "title", {"title": "Better"}).json()["title"] == "Better"
    severe = post(incident, "severity", {"to": "critical", "reason": "it spreads"})
    assert severe.json()["severity"] == "critical"
    assert post(incident, "snooze", {"until": later.isoformat()}).json()["snoozed_until"]
    assert post(incident, "snooze", {"until": None}).json()["snoozed_until"] is None
    assert post(incident, "snooze", {"until": "2020-01-01T00:00:00Z"}).status_code == 400


def test_an_entry_of_the_timeline_is_pinned_and_let_go() -> None:
    incident = world.incident()
    note = lifecycle.comment(incident.number, text="Look here.", by=world.person("responder"))

    pinned = post(incident, "pin", {"seq": note.seq})
    again = post(incident, "pin", {"seq": note.seq})
    gone = post(incident, "pin", {"seq": note.seq, "is_pinned": False})

    assert [each.status_code for each in (pinned, again, gone)] == [200] * 3
    told = incident.timeline.filter(seq__gt=note.seq).values_list("kind", "payload")
    assert list(told) == [("pinned", {"seq": note.seq}), ("unpinned", {"seq": note.seq})]


@pytest.mark.parametrize(
    ("body", "code"),
    [({"seq": 999}, 409), ({"seq": 2**63 - 1}, 409), ({"seq": 0}, 400), ({}, 400)],
)
def test_an_entry_that_is_not_there_cannot_be_pinned(body: Any, code: int) -> None:
    assert post(world.incident(), "pin", body).status_code == code


def test_merging_answers_the_incident_that_stays() -> None:
    source, into = world.incident("a"), world.incident("b")
    world.alert(source)

    told = post(source, "merge", {"into": into.number}).json()

    assert (told.get("number"), told.get("alert_count")) == (into.number, 1), told
    source.refresh_from_db()
    assert source.merged_into_id == into.number
    assert post(into, "merge", {"into": into.number}).status_code == 409
    assert post(into, "merge", {"into": 999_999}).status_code == 404


def test_some_alerts_are_split_off_and_moved_back() -> None:
    incident = world.incident()
    alerts = [world.alert(incident) for _ in range(3)]

    split = post(incident, "split", {"alerts": [alerts[0].pk]})
    assert split.status_code == 201, split.json()
    number = split.json()["number"]
    moved = post(
        Incident.objects.get(number=number),
        "move",
        {"alerts": [alerts[0].pk], "into": incident.number},
    )

    assert (split.status_code, split.json()["alert_count"]) == (201, 1)
    assert (moved.status_code, moved.json()["alert_count"]) == (200, 3)
    assert post(incident, "split", {"alerts": []}).status_code == 400
    assert post(incident, "split", {"alerts": [999_999]}).status_code == 409


def test_the_timeline_is_in_order_and_goes_on_after_a_seq() -> None:
    incident = world.incident()
    for number in range(5):
        assert post(incident, "comment", {"text": f"note {number}"}).status_code == 201
    client = world.browser("viewer")
    url = f"{INCIDENTS}{incident.number}/timeline/"

    first = client.get(f"{url}?limit=4").json()
    second = client.get(first["next"]).json()
    after = client.get(f"{url}?after=4").json()

    seqs = [entry["seq"] for entry in first["results"] + second["results"]]
    assert seqs == [1, 2, 3, 4, 5, 6]
    assert second["next"] is None
    assert after["results"] == second["results"]
    assert set(after["results"][0]) == {"seq", "at", "kind", "actor", "text", "payload"}


def test_the_analysis_shows_each_step_with_its_evidence() -> None:
    incident = world.incident()
    incident.analysis_steps.all().delete()
    evidence = [{"kind": "metric", "text": "latency rose", "against": False}]
    AnalysisStep.objects.create(
        incident=incident,
        name="classification",
        position=1,
        state="done",
        time_limit_seconds=5,
        summary="latency",
        evidence=evidence,
        confidence=0.8,
    )

    told = world.browser("viewer").get(f"{INCIDENTS}{incident.number}/analysis/").json()

    assert told["summary"]["state"] == "done"
    assert [(s["name"], s["state"], s["evidence"]) for s in told["steps"]] == [
        ("classification", "done", evidence)
    ]


def test_a_field_that_is_not_known_is_refused_and_changes_nothing() -> None:
    incident = world.incident()

    answer = post(incident, "title", {"title": "New", "status": "closed"})

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"status": ["There is no such field."]}
    incident.refresh_from_db()
    assert (incident.title, incident.status) == ("checkout is slow", "open")


def test_an_incident_itself_cannot_be_written() -> None:
    incident = world.incident()
    url = f"{INCIDENTS}{incident.number}/"

    for method in ("put", "patch", "delete"):
        answer = getattr(world.browser("admin"), method)(url, {"status": "closed"})
        assert answer.status_code == 405
        assert answer.json()["title"] == "Method Not Allowed"


@pytest.mark.parametrize("path", ["incidents/999999/", "incidents/x/", "nothing/", "incidents"])
def test_what_is_not_there_is_a_404_with_problem_details(path: str) -> None:
    answer = world.browser("viewer").get(f"/api/v1/{path}")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_stranger_is_told_how_to_sign_in() -> None:
    client = world.browser("viewer")
    client.logout()

    answer = client.get(INCIDENTS)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_worst_come_first_when_sorted_so() -> None:
    made = [world.incident(str(n), severity=s) for n, s in enumerate(Severity)]

    found = world.browser("viewer").get(INCIDENTS, {"q": "sort:-severity,-opened", "limit": 3})
    more = world.browser("viewer").get(found.json()["next"])

    rows = found.json()["results"] + more.json()["results"]
    assert [row["number"] for row in rows] == [each.number for each in made]
