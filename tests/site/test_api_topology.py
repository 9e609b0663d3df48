from datetime import timedelta

import pytest
from django.utils import timezone

from telemetry.models import Dependency, Service, TopologyVersion
from tests.site import world

pytestmark = pytest.mark.django_db

CATALOG = """
services:
  - name: Checkout
    tier: 1
    owner: orders
    depends_on: [store, payments]
  - name: store
    kind: database
"""


@pytest.fixture
def editor():
    return world.program("editor")


def version(*rows, hours_ago=0):
    ended = timezone.now() - timedelta(hours=hours_ago)
    edges = [[a, "service", b, "service", calls, errors, 50.0, 0.9] for a, b, calls, errors in rows]
    return TopologyVersion.objects.create(
        began_at=ended - timedelta(minutes=5), ended_at=ended, edges=edges
    )


def call(caller, callee, **measured):
    return Dependency.objects.create(
        caller=world.service(caller), callee=world.service(callee), **measured
    )


def test_a_catalogue_is_told_first_and_done_when_asked(editor):
    Service.objects.create(slug="store", owner="data")
    call("checkout-old", "store", origin="observed")

    told = editor.post("/api/v1/topology/import/", {"text": CATALOG})
    before = Service.objects.filter(slug="checkout").exists()
    done = editor.post("/api/v1/topology/import/", {"text": CATALOG, "apply": True})
    again = editor.post("/api/v1/topology/import/", {"text": CATALOG})

    assert (told.status_code, before) == (200, False)
    assert told.json() | {"is_applied": True} == done.json()
    assert done.json()["added"] == ["checkout", "payments"]
    assert done.json()["changed"] == [{"service": "store", "what": ["kind: service → database"]}]
    assert {"caller": "checkout", "callee": "store"} in done.json()["calls"]
    assert [again.json()[name] for name in ("added", "changed", "calls")] == [[], [], []]
    store = Service.objects.get(slug="store")
    assert (store.kind, store.owner) == ("database", "data")
    assert Service.objects.get(slug="checkout").title == "Checkout"


def test_an_observed_call_that_a_catalogue_names_is_kept_and_a_persons_stays_a_persons(editor):
    observed = call("checkout", "store", origin="observed", calls_per_minute=5.0)
    said = call("checkout", "payments")

    answer = editor.post("/api/v1/topology/import/", {"text": CATALOG, "apply": True})

    observed.refresh_from_db()
    said.refresh_from_db()
    assert answer.json()["confirmed"] == [{"caller": "checkout", "callee": "store"}]
    assert (observed.origin, observed.calls_per_minute) == ("catalog", 5.0)
    assert said.origin == "person"


@pytest.mark.parametrize(
    "text", ["services: [", "- 1", "services:\n  - {name: a, tier: 9}", "&a b"]
)
def test_a_file_that_is_no_catalogue_is_refused_with_its_line(editor, text):
    answer = editor.post("/api/v1/topology/import/", {"text": text, "apply": True})

    assert answer.status_code == 400
    assert "line" in answer.json()["detail"].lower()
    assert not Service.objects.exists()


def test_versions_are_listed_newest_first_and_compared():
    viewer = world.program("viewer")
    before = version(("web", "shop", 100, 1), ("web", "old", 40, 0), hours_ago=2)
    after = version(("web", "shop", 300, 60))

    listed = viewer.get("/api/v1/topology-versions/").json()["results"]
    whole = viewer.get(f"/api/v1/topology-versions/{after.pk}/").json()
    found = viewer.get(
        f"/api/v1/topology-versions/{after.pk}/difference/", {"since": before.pk}
    ).json()
    wrong = viewer.get(f"/api/v1/topology-versions/{after.pk}/difference/")

    assert [each["id"] for each in listed] == [after.pk, before.pk]
    assert whole["calls"][0]["calls"] == 300
    assert [each["callee"] for each in found["removed"]] == ["old"]
    assert found["changed"][0]["what"] == ["traffic", "errors"]
    assert wrong.status_code == 400


def test_weak_points_are_told():
    for caller, callee in (("web", "shop"), ("api", "shop"), ("shop", "store"), ("store", "shop")):
        call(caller, callee)
    Service.objects.filter(slug__in=["web", "api"]).update(tier=1)

    found = world.program("viewer").get("/api/v1/topology/weak-points/").json()

    assert found["cycles"] == [["shop", "store"]]
    assert found["single_points"][0]["service"] == "shop"
    assert found["single_points"][0]["hurts"] == ["api", "web"]


def test_a_dependency_says_who_told_of_it_and_what_was_measured():
    call("web", "shop", origin="observed", calls_per_minute=12.0, error_share=0.1)
    call("web", "store")

    found = world.program("viewer").get("/api/v1/dependencies/", {"origin": "observed"}).json()

    assert [(each["callee"], each["calls_per_minute"]) for each in found["results"]] == [
        ("shop", 12.0)
    ]


def test_how_each_service_is_comes_with_the_reasons_and_the_numbers():
    now = timezone.now()
    call("web", "shop", seen_at=now, calls_per_minute=300.0, error_share=0.62, p95_ms=4100.0)
    incident = world.incident("web")

    found = world.program("viewer").get("/api/v1/service-health/", {"limit": 1}).json()
    rest = world.program("viewer").get(found["next"]).json()["results"]

    assert found["results"] == [
        {
            "service": "shop",
            "state": "down",
            "reasons": ["300 calls a minute, 62 % fail, p95 4.1 s"],
            "incidents": [],
            "calls_per_minute": 300.0,
            "error_share": 0.62,
            "p95_ms": 4100.0,
        }
    ]
    assert (rest[0]["state"], rest[0]["incidents"]) == ("degraded", [incident.number])
    assert rest[0]["reasons"][-1] == "calls shop, which is down"
    assert rest[0]["calls_per_minute"] is None
