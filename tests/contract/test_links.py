"""Along the document's links: what is made can be read, worked on and deleted, as documented."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
import schemathesis
from django.utils import timezone
from schemathesis.specs.openapi import checks

from aiops_site.schema import Generator
from tests.site import world

Body = dict[str, Any]
ORDER = ("get", "post", "put", "patch", "delete")
CHECKS = [
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
RULE = {"name": "One cluster", "group_by": ["cluster"], "matchers": ["env=prod"]}
VIEW = {"name": "Mine", "query": "is:open"}
ARTICLE = {"title": "Checkout hangs", "body": "Restart it.", "service": "checkout"}
BOARD = {"title": "Shop", "panels": [{"type": "markdown", "text": "Ask the shop's team."}]}
SOURCE = {"name": "prom", "kind": "prometheus", "url": "http://192.0.2.1:9090"}
SERVICE = {"slug": "shop", "name": "Shop", "tier": 2}
TEXT = world.RUNBOOK.format(name="made", risk="low")
POLICY = {
    "name": "heal",
    "when": {"matchers": ["service=checkout"]},
    "then": {"runbook": "mend-medium", "parameters": {}},
    "guardrails": {"window": "always"},
}
MADE: dict[str, Body] = {
    "changes_create": {"title": "Deployed", "service": "checkout", "key": "ci-1"},
    "correlation_rules_create": RULE,
    "dashboards_create": {"document": BOARD},
    "dependencies_create": {"caller": "checkout", "callee": "payments"},
    "incidents_create": {"title": "Checkout is slow", "severity": "high", "service": "checkout"},
    "integrations_create": {"provider": "generic", "name": "made"},
    "knowledge_create": ARTICLE,
    "policies_create": POLICY,
    "remediations_create": {"incident": 1, "runbook": "mend-low"},
    "runbooks_create": {"text": TEXT},
    "saved_views_create": VIEW,
    "services_create": SERVICE,
    "sources_create": SOURCE,
}
GIVEN: dict[str, Body] = {
    "correlation_rules_update": RULE | {"position": 5},
    "correlation_rules_partial_update": {"is_enabled": False},
    "dashboards_update": {"document": BOARD | {"title": "The shop"}, "version": 1},
    "dashboards_partial_update": {"is_shared": True},
    "executions_settle_create": {"step": 2, "verdict": "done"},
    "incidents_assign_create": {"to": "admin"},
    "incidents_comment_create": {"text": "Looking."},
    "incidents_judge_create": {"service": "checkout", "verdict": "confirmed"},
    "incidents_merge_create": {"into": 1},
    "incidents_move_create": {"alerts": [2], "into": 1},
    "incidents_pin_create": {"seq": 1},
    "incidents_severity_create": {"to": "low"},
    "incidents_snooze_create": {"until": (timezone.now() + timedelta(hours=1)).isoformat()},
    "incidents_split_create": {"alerts": [2]},
    "incidents_title_create": {"title": "Checkout hangs"},
    "incidents_transition_create": {"to": "identified"},
    "integrations_update": {"name": "renamed", "mapping": {"name": "title"}},
    "integrations_partial_update": {"is_enabled": False},
    "integrations_revoke_create": {"token_prefix": "not-one"},
    "knowledge_update": ARTICLE | {"classification": "latency"},
    "knowledge_partial_update": {"body": "Wait."},
    "policies_update": POLICY | {"mode": "suggest"},
    "policies_partial_update": {"is_enabled": False},
    "remediations_approve_create": {"plan_hash": "0" * 64},
    "remediations_reject_create": {"plan_hash": "0" * 64, "reason": "Not now."},
    "runbooks_update": {"tags": ["checkout"]},
    "runbooks_partial_update": {"is_enabled": True},
    "runbooks_preview_create": {"parameters": {"service": "checkout"}},
    "runbooks_versions_create": {"text": TEXT},
    "saved_views_update": VIEW | {"is_shared": True},
    "saved_views_partial_update": {"name": "Ours"},
    "services_update": SERVICE | {"owner": "web"},
    "services_partial_update": {"tier": 1},
    "sources_update": SOURCE | {"name": "prom-2"},
    "sources_partial_update": {"is_enabled": False},
}
LISTED = ("alerts_list", "executions_list", "incidents_list", "messages_list", "remediations_list")
KEPT = (
    "changes_create",
    "incidents_create",
    "integrations_create",
    "remediations_create",
    "runbooks_create",
)
LAST = ("incidents_merge_create",)  # it resolves what the others work on
REFUSED = {
    ("executions_list", "executions_settle_create"): 409,  # its outcome is known
    ("incidents_create", "incidents_judge_create"): 409,  # nobody has looked for causes yet
    ("incidents_create", "incidents_move_create"): 409,  # it has no alerts
    ("incidents_create", "incidents_split_create"): 409,
    ("incidents_list", "incidents_judge_create"): 409,
    ("incidents_list", "incidents_split_create"): 409,  # its only alert has moved
    ("integrations_create", "integrations_revoke_create"): 409,  # it has no such token
    ("remediations_create", "remediations_approve_create"): 403,  # only people approve
    ("remediations_list", "remediations_approve_create"): 403,
    ("remediations_list", "remediations_reject_create"): 409,  # the plan is another one
}


class Walk:
    """Calls operations by their id, and checks every answer against the document."""

    def __init__(self, address: str, token: str) -> None:
        self.document: Body = httpx.get(f"{address}/api/v1/schema/", timeout=60).json()
        self._schema = schemathesis.openapi.from_dict(self.document)
        self._address, self._headers = address, {"Authorization": f"Bearer {token}"}

    def call(self, name: str, path: Body | None = None, body: Any = None) -> Any:
        operation = self._schema.find_operation_by_id(name)
        given = {"body": body, "media_type": "application/json"} if operation.body else {}
        case = operation.Case(path_parameters=path or {}, **given)
        answer = case.call(base_url=self._address, headers=self._headers)
        case.validate_response(answer, checks=CHECKS)
        return answer

    def follow(self, name: str, answer: Any) -> Iterator[tuple[str, Any]]:
        """What becomes of each link of that answer: reading first, deleting last."""
        links = self._links(name, answer.status_code)
        for deed in sorted(links, key=self._turn):
            given = links[deed].get("requestBody", {})
            body = {key: at(answer, place) for key, place in given.items()}
            path = {key: at(answer, place) for key, place in links[deed]["parameters"].items()}
            yield deed, self.call(deed, path, GIVEN.get(deed, {}) | body)

    def _turn(self, deed: str) -> tuple[int, bool]:
        method = self._schema.find_operation_by_id(deed).method
        return ORDER.index(method), deed in LAST

    def _links(self, name: str, code: int) -> Body:
        answers = self._schema.find_operation_by_id(name).definition.raw["responses"]
        links: Body = answers[str(code)]["links"]
        return links


def at(answer: Any, expression: str) -> Any:
    """What `$response.body#/...` leads to."""
    place = answer.json()
    for part in expression.removeprefix("$response.body#/").split("/"):
        place = place[int(part)] if isinstance(place, list) else place[part]
    return place


@pytest.fixture
def walk(populated: str) -> Walk:
    return Walk(populated, world.token("admin"))


def linked(method: str) -> set[str]:
    """The operations of that method that lead somewhere."""
    document: Body = Generator().get_schema(public=True)
    return {
        item[method]["operationId"]
        for item in document["paths"].values()
        if method in item and any("links" in each for each in item[method]["responses"].values())
    }


def test_everything_that_can_be_made_is_walked() -> None:
    assert linked("post") - {"tokens_create"} == set(MADE)  # only people make tokens


def test_what_is_listed_or_made_can_be_read_worked_on_and_deleted(walk: Walk) -> None:
    started, refused = {}, {}

    for name in (*LISTED, *MADE):
        start = walk.call(name, body=MADE.get(name))
        started[name] = start.status_code
        for deed, answer in walk.follow(name, start):
            if answer.status_code >= 400:
                refused[name, deed] = answer.status_code

    assert started == dict.fromkeys(LISTED, 200) | dict.fromkeys(MADE, 201)
    assert refused == REFUSED


def test_what_was_deleted_is_gone(walk: Walk) -> None:
    deleted, again = [], set()

    for name in (name for name in MADE if name not in KEPT):
        start = walk.call(name, body=MADE[name])
        deleted += [deed for deed, _ in walk.follow(name, start)][-1:]
        again |= {answer.status_code for _, answer in walk.follow(name, start)}

    wanted = [name.replace("_create", "_destroy") for name in MADE if name not in KEPT]
    assert deleted == wanted
    assert again == {404}
