"""Senders, deliveries, rules, saved searches, knowledge, services and tokens over the API."""

from typing import Any
from unittest.mock import patch

import pytest

from aiops_site.models import ApiToken
from incidents import knowledge
from incidents.models import CorrelationRule, Integration, KnowledgeArticle, Message
from telemetry.credentials import hash_token
from tests.site import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> Any:
    return world.browser("editor")


def test_the_token_of_a_sender_is_shown_once(editor: Any) -> None:
    made = editor.post("/api/v1/integrations/", {"provider": "generic", "name": "shop"})
    pk, plain = made.json()["integration"]["id"], made.json()["token"]
    shown = editor.get(f"/api/v1/integrations/{pk}/").json()

    assert made.status_code == 201
    assert made.json()["url"].endswith("/api/v1/webhooks/generic/")
    assert Integration.objects.get(pk=pk).token_hash == hash_token(plain)
    assert plain not in str(shown)
    assert "token_hash" not in shown


def test_rotating_gives_a_new_token_and_ends_the_old(editor: Any) -> None:
    made = editor.post("/api/v1/integrations/", {"provider": "pagerduty", "name": "p"}).json()
    pk = made["integration"]["id"]

    rotated = editor.post(f"/api/v1/integrations/{pk}/rotate/", {}).json()

    assert len(rotated["token"]) == 32
    assert rotated["token"] != made["token"]
    assert Integration.objects.get(pk=pk).token_hash == hash_token(rotated["token"])


def test_with_an_overlap_two_tokens_work_and_either_is_revoked(editor: Any) -> None:
    made = editor.post("/api/v1/integrations/", {"provider": "generic", "name": "shop"}).json()
    url = f"/api/v1/integrations/{made['integration']['id']}"
    rotated = editor.post(f"{url}/rotate/", {"overlap_seconds": 3600}).json()

    left = editor.post(f"{url}/revoke/", {"token_prefix": rotated["token"][:6]})
    only = editor.post(f"{url}/revoke/", {"token_prefix": made["token"][:6]})

    assert rotated["integration"]["old_token_prefix"] == made["token"][:6]
    assert rotated["integration"]["old_token_until"] is not None
    assert (left.status_code, left.json()["token_prefix"]) == (200, made["token"][:6])
    assert left.json()["old_token_prefix"] == ""
    assert only.status_code == 409


@pytest.mark.parametrize("overlap", [-1, 8 * 24 * 3600, "day", None, True])
def test_an_overlap_that_makes_no_sense_is_refused(editor: Any, overlap: Any) -> None:
    made = editor.post("/api/v1/integrations/", {"provider": "generic", "name": "shop"}).json()
    url = f"/api/v1/integrations/{made['integration']['id']}/rotate/"

    assert editor.post(url, {"overlap_seconds": overlap}).status_code == 400


def test_a_sender_is_disabled_and_its_provider_stays(editor: Any) -> None:
    made = editor.post("/api/v1/integrations/", {"provider": "generic", "name": "shop"}).json()
    url = f"/api/v1/integrations/{made['integration']['id']}/"

    told = editor.patch(url, {"is_enabled": False, "provider": "grafana"}).json()

    assert (told["is_enabled"], told["provider"]) == (False, "generic")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"provider": "carrier-pigeon"}, 400),
        ({"mapping": {"colour": "x"}}, 400),
        ({"name": "taken"}, 409),
        ({"name": "taken", "mapping": {"colour": "x"}}, 400),
    ],
)
def test_a_sender_that_cannot_be_is_refused(editor: Any, wrong: dict[str, Any], code: int) -> None:
    editor.post("/api/v1/integrations/", {"provider": "generic", "name": "taken"})

    body = {"provider": "generic", "name": "shop", **wrong}

    assert editor.post("/api/v1/integrations/", body).status_code == code


def test_a_delivery_is_shown_with_its_body_and_replayed(
    editor: Any, django_capture_on_commit_callbacks: Any
) -> None:
    message = world.message()
    rows = editor.get("/api/v1/messages/?state=dead").json()["results"]
    shown = editor.get(f"/api/v1/messages/{message.pk}/").json()

    with patch("incidents.tasks.drain_inbox.delay_on_commit") as ring:
        replayed = editor.post(f"/api/v1/messages/{message.pk}/replay/", {})

    assert [row["id"] for row in rows] == [message.pk]
    assert "body" not in rows[0]
    assert shown["body"] == '{"title": "�"}'
    assert (replayed.status_code, replayed.json()["state"]) == (202, "pending")
    assert Message.objects.get().reason == ""
    ring.assert_called_once_with()


def test_correlation_rules_are_kept_when_they_can_be_read(editor: Any) -> None:
    url = "/api/v1/correlation-rules/"
    rule = {"name": "cluster", "matchers": ["env=prod"], "group_by": ["cluster"]}

    made = editor.post(url, rule)
    wrong = editor.post(url, {"name": "x", "matchers": ["env"], "group_by": ["a"]})
    none = editor.post(url, {"name": "y", "group_by": []})
    gone = editor.delete(f"{url}{made.json()['id']}/")

    assert (made.status_code, gone.status_code) == (201, 204)
    assert list(wrong.json()["errors"]) == ["matchers"]
    assert list(none.json()["errors"]) == ["group_by"]
    assert not CorrelationRule.objects.filter(name="cluster").exists()


def test_a_saved_search_is_one_s_own_until_it_is_shared() -> None:
    mine, other = world.browser("viewer"), world.browser("responder")
    url = "/api/v1/saved-views/"
    made = mine.post(url, {"name": "bad", "query": "is:open sort:-severity"}).json()

    hidden = other.get(f"{url}{made['id']}/")
    mine.patch(f"{url}{made['id']}/", {"is_shared": True})
    shown = other.get(f"{url}{made['id']}/")
    taken = other.delete(f"{url}{made['id']}/")

    assert (hidden.status_code, shown.status_code, taken.status_code) == (404, 200, 404)
    assert made["owner"] == "viewer"
    assert mine.post(url, {"name": "bad", "query": ""}).status_code == 400
    assert mine.post(url, {"name": "worse", "query": "is:odd"}).json()["position"] == 3


def test_knowledge_is_written_searched_and_deleted(editor: Any) -> None:
    world.service("checkout")
    url = "/api/v1/knowledge/"
    article = {"title": "Checkout hangs", "body": "Restart **it**.", "service": "checkout"}

    made = editor.post(url, article).json()
    found = editor.get(f"{url}search/", {"q": "hangs"}).json()
    editor.patch(f"{url}{made['id']}/", {"body": "Wait."})

    assert [each["id"] for each in found] == [made["id"]]
    assert knowledge.search("hangs")[0].body == "Wait."
    assert editor.get(f"{url}search/").status_code == 400
    number = world.incident().number
    assert editor.patch(f"{url}{made['id']}/", {"incident": number}).status_code == 200
    assert editor.post(url, {**article, "incident": number}).status_code == 409
    assert editor.delete(f"{url}{made['id']}/").status_code == 204
    assert not KnowledgeArticle.objects.exists()


def test_services_and_who_calls_whom(editor: Any) -> None:
    for slug in ("shop", "store"):
        assert editor.post("/api/v1/services/", {"slug": slug, "tier": 1}).status_code == 201
    edge = {"caller": "shop", "callee": "store"}

    made = editor.post("/api/v1/dependencies/", edge)
    twice = editor.post("/api/v1/dependencies/", edge)
    oneself = editor.post("/api/v1/dependencies/", {"caller": "shop", "callee": "shop"})
    shop = editor.get("/api/v1/services/shop/").json()

    assert (made.status_code, twice.status_code, oneself.status_code) == (201, 409, 400)
    assert shop["calls"] == ["store"]
    assert editor.patch("/api/v1/services/shop/", {"tier": 9}).status_code == 400
    assert editor.delete("/api/v1/services/store/").status_code == 204
    assert editor.put(f"/api/v1/dependencies/{made.json()['id']}/", edge).status_code == 405


def test_a_token_is_made_used_listed_and_revoked() -> None:
    person = world.browser("viewer")

    made = person.post("/api/v1/tokens/", {"name": "ci"}).json()
    program = world.program("viewer")
    program.credentials(HTTP_AUTHORIZATION=f"Bearer {made['token']}")
    listed = program.get("/api/v1/tokens/").json()["results"]
    revoked = person.delete(f"/api/v1/tokens/{made['id']}/")

    assert "ci" in [each["name"] for each in listed]
    assert made["token"] not in str(listed)
    assert revoked.status_code == 204
    assert not ApiToken.objects.filter(token_hash=hash_token(made["token"])).exists()
    assert person.post("/api/v1/tokens/", {"name": "x" * 101}).status_code == 400


def test_a_token_makes_no_token_and_sees_nobody_else_s() -> None:
    world.browser("admin").post("/api/v1/tokens/", {"name": "root"})
    program = world.program("viewer")
    theirs = ApiToken.objects.get(name="root")

    made = program.post("/api/v1/tokens/", {"name": "more"})
    seen = world.browser("viewer").get(f"/api/v1/tokens/{theirs.pk}/")
    gone = world.browser("viewer").delete(f"/api/v1/tokens/{theirs.pk}/")

    assert (made.status_code, seen.status_code, gone.status_code) == (403, 404, 404)


def test_a_name_is_taken_once_by_a_person() -> None:
    person = world.browser("viewer")
    person.post("/api/v1/tokens/", {"name": "ci"})

    assert person.post("/api/v1/tokens/", {"name": "ci"}).status_code == 409
    assert world.browser("admin").post("/api/v1/tokens/", {"name": "ci"}).status_code == 201


@pytest.mark.parametrize(
    "body", [b"[1]", b'"x"', b"{", b'{"name": NaN}', b'{"name": "a\\u0000b"}', b"[" * 5000, b"\xff"]
)
def test_a_body_that_is_no_object_is_a_400(editor: Any, body: bytes) -> None:
    answer = editor.generic("POST", "/api/v1/services/", body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_form_is_not_read(editor: Any) -> None:
    answer = editor.post("/api/v1/services/", "slug=x", content_type="text/xml")

    assert answer.status_code == 415
