"""The OpenAPI document, its page, and the roles as they are kept."""

import re
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command

from aiops_site.roles import ROLES, sync_roles
from aiops_site.schema import Generator
from tests.site import world


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    made: dict[str, Any] = Generator().get_schema(public=True)
    return made


def test_the_document_is_valid_and_made_without_a_warning() -> None:
    out = StringIO()

    call_command("spectacular", "--fail-on-warn", "--validate", stdout=out)

    assert "openapi: 3" in out.getvalue()


def test_every_operation_says_who_may_call_it_and_how_it_fails(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["security"], (path, method)
            assert {"400", "401"} & set(operation["responses"]), (path, method)


def test_the_intake_is_in_the_document(document: dict[str, Any]) -> None:
    assert {
        "/api/v1/webhooks/{provider}/",
        "/api/v1/webhooks/{provider}/{token}/",
        "/v2/enqueue",
        "/v2/change/enqueue",
        "/v1/metrics",
        "/v1/logs",
        "/v1/traces",
        "/prometheus/api/v1/write",
    } <= set(document["paths"])


def test_tokens_and_sessions_are_ways_in(document: dict[str, Any]) -> None:
    assert set(document["components"]["securitySchemes"]) == {"bearer", "basic", "session"}


def test_bodies_say_that_they_take_nothing_unknown(document: dict[str, Any]) -> None:
    shape = document["components"]["schemas"]["TransitionRequest"]

    assert shape["additionalProperties"] is False
    assert shape["required"] == ["to"]


@pytest.mark.django_db
def test_the_document_is_given_to_anybody_as_json() -> None:
    client = world.browser("viewer")
    client.logout()

    answer = client.get("/api/v1/schema/")

    assert answer.status_code == 200
    assert answer.json()["openapi"].startswith("3.")


@pytest.mark.django_db
def test_the_pages_show_every_path_and_what_it_takes_and_gives(document: dict[str, Any]) -> None:
    viewer = world.browser("viewer")
    groups = {o["tags"][0] for item in document["paths"].values() for o in item.values()}

    pages = [viewer.get("/api/v1/docs/", {"group": each}).content.decode() for each in groups]

    assert all(any(path in page for page in pages) for path in document["paths"])
    for page in pages:
        wanted = set(re.findall(r'href="#(shape-[^"]+)"', page))
        assert wanted <= set(re.findall(r'id="(shape-[^"]+)"', page))
    assert viewer.get("/api/v1/docs/", {"group": "none"}).status_code == 404


@pytest.mark.django_db
def test_the_page_of_the_api_runs_no_foreign_script() -> None:
    page = world.browser("viewer").get("/api/v1/docs/")
    text = page.content.decode()

    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert "//cdn" not in text
    assert " style=" not in text


@pytest.mark.django_db
def test_roles_are_kept_as_groups_and_mended() -> None:
    sync_roles()
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(Permission.objects.get(codename="add_user"))
    viewer.permissions.remove(Permission.objects.get(codename="view_incident"))

    sync_roles()

    kept = {f"{p.content_type.app_label}.{p.codename}" for p in viewer.permissions.all()}
    assert kept == ROLES["viewer"]
    assert set(Group.objects.values_list("name", flat=True)) >= set(ROLES)


@pytest.mark.django_db
@pytest.mark.parametrize("role", [name for name, held in ROLES.items() if held is not None])
def test_every_permission_a_role_names_exists(role: str) -> None:
    sync_roles()

    held = Group.objects.get(name=role).permissions.values_list(
        "content_type__app_label", "codename"
    )

    assert {f"{app}.{codename}" for app, codename in held} == ROLES[role]
