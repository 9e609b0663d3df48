"""Changes over the API."""

import pytest

from tests.site import world

pytestmark = pytest.mark.django_db
PATH = "/api/v1/changes/"
SENT = {"title": "Deployed", "kind": "deploy", "service": "checkout", "key": "ci-1"}


@pytest.mark.parametrize("role", ["responder", "editor"])
def test_a_program_tells_of_a_change_and_how_it_went(role: str) -> None:
    client = world.program(role)

    begun = client.post(PATH, SENT | {"status": "running"})
    ended = client.post(PATH, SENT | {"status": "succeeded", "version": "4.2"})

    assert (begun.status_code, ended.status_code) == (201, 201)
    assert begun.json()["id"] == ended.json()["id"]
    told = client.get(f"{PATH}{ended.json()['id']}/").json()
    assert (told["service"], told["status"], told["told_by"]) == ("checkout", "succeeded", role)
    assert told["version"] == "4.2"


def test_a_viewer_may_read_and_not_tell() -> None:
    client = world.program("viewer")

    assert client.post(PATH, SENT).status_code == 403
    assert client.get(PATH).status_code == 200


def test_changes_are_filtered_by_service_kind_and_time() -> None:
    client = world.program("editor")
    for title, kind, service, at in (
        ("A", "deploy", "checkout", "2026-11-20T10:00:00Z"),
        ("B", "config", "checkout", "2026-11-20T11:00:00Z"),
        ("C", "deploy", "store", "2026-11-20T12:00:00Z"),
    ):
        sent = {"title": title, "kind": kind, "service": service, "began_at": at}
        assert client.post(PATH, sent).status_code == 201

    def titles(**asked: str) -> list[str]:
        return [row["title"] for row in client.get(PATH, asked).json()["results"]]

    assert titles() == ["C", "B", "A"]
    assert titles(service="checkout") == ["B", "A"]
    assert titles(kind="deploy") == ["C", "A"]
    assert titles(**{"from": "2026-11-20T10:30:00Z", "to": "2026-11-20T11:30:00Z"}) == ["B"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"kind": "lunch"},
        {"url": "javascript:alert(1)"},
        {"began_at": "yesterday"},
        {"title": "a\0b"},
        {"unknown": 1},
        {"version": 7},
    ],
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    assert world.program("editor").post(PATH, SENT | wrong).status_code == 400


@pytest.mark.parametrize("asked", [{"kind": "lunch"}, {"from": "x"}, {"service": "a b"}])
def test_a_filter_that_makes_no_sense_is_refused(asked: dict[str, str]) -> None:
    assert world.program("viewer").get(PATH, asked).status_code == 400
