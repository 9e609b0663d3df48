"""Every route, page, topic and way in is in the table of `routes`, and lets in whom it says."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async
from django.http import HttpResponseBase
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, get_resolver, reverse
from django.views.generic import RedirectView
from rest_framework.test import APIClient

from aiops_site import topics
from aiops_site.front_door import INTAKE as INTAKE_APP
from tests.site import routes, world

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")


def routed(patterns: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Name and view of every route; of the admin, which is Django's own, the front page.

    A route without a name only sends on to one that has.
    """
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.name is None:
            assert pattern.callback.view_class is RedirectView
        elif isinstance(pattern, URLPattern):
            yield f"{prefix}{pattern.name}", pattern.callback
        elif getattr(pattern, "app_name", None) == "admin":
            own = [each for each in pattern.url_patterns if getattr(each, "name", "") == "index"]
            yield from routed(own, "admin:")
        else:
            inner = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from routed(pattern.url_patterns, prefix + inner)


def methods_of(view: Any) -> set[str]:
    """What a view says it takes; nothing for plain functions, which do not say."""
    if actions := getattr(view, "actions", None):
        return {method.upper() for method in actions} - {"HEAD"}
    kind = getattr(view, "cls", None) or getattr(view, "view_class", None)
    return {method for method in ("GET", *UNSAFE) if hasattr(kind, method.lower())}


def address(name: str) -> str:
    for arguments in _combinations():
        try:
            return reverse(name, kwargs=arguments)
        except NoReverseMatch:
            continue
    raise AssertionError(f"{name}: tests/site/routes.py has no ARGUMENTS for it")


def _combinations() -> Iterator[dict[str, Any]]:
    names = list(routes.ARGUMENTS)
    yield {}
    for first in names:
        yield {first: routes.ARGUMENTS[first]}
    for first in names:
        for second in names:
            if first != second:
                yield {each: routes.ARGUMENTS[each] for each in (first, second)}


def client_of(caller: str) -> Client:
    if caller == routes.STRANGER:
        return APIClient()
    return world.program("viewer") if caller == routes.TOKEN else world.browser(caller)


def is_let_in(response: HttpResponseBase) -> bool:
    to = response.headers.get("Location", "")
    is_sent_away = response.status_code == 302 and "/login/" in to and "next=" in to
    return response.status_code not in (401, 403) and not is_sent_away


def test_every_route_is_in_the_table() -> None:
    known = {name for name, _ in routes.ROUTES}

    missing = sorted({name for name, _ in routed(get_resolver().url_patterns)} - known)

    assert missing == []


def test_every_line_of_the_table_is_a_route() -> None:
    names = {name for name, _ in routed(get_resolver().url_patterns)}

    assert sorted({name for name, _ in routes.ROUTES} - names) == []


def test_every_method_of_the_api_is_in_the_table() -> None:
    missing = [
        (name, method)
        for name, view in routed(get_resolver().url_patterns)
        if name.startswith("api:")
        for method in methods_of(view)
        if (name, method) not in routes.ROUTES
    ]

    assert missing == []


@pytest.mark.django_db
@pytest.mark.parametrize("caller", routes.CALLERS)
def test_a_route_lets_in_whom_the_table_says(caller: str) -> None:
    client, surprises = client_of(caller), {}

    for (name, method), allowed in routes.ROUTES.items():
        response = client.generic(method, address(name), "{}", content_type="application/json")
        if is_let_in(response) != (caller in allowed):
            surprises[name, method] = response.status_code
        if name == "logout":
            client = client_of(caller)

    assert surprises == {}


@pytest.mark.django_db
def test_an_unsafe_request_of_a_session_needs_the_csrf_token() -> None:
    client = world.browser("admin", checks_csrf=True)
    unguarded = {}

    for name, method in routes.ROUTES:
        if method in UNSAFE and name not in routes.WITHOUT_CSRF:
            response = client.generic(method, address(name), "{}", content_type="application/json")
            if response.status_code != 403:
                unguarded[name, method] = response.status_code

    assert unguarded == {}


@pytest.mark.django_db
@pytest.mark.parametrize("role", routes.ROLES)
def test_a_topic_may_be_heard_by_whom_the_table_says(role: str) -> None:
    person = world.person(role)

    heard = {name for name, kind in topics.KINDS.items() if person.has_perm(kind.permission)}

    assert set(topics.KINDS) == set(routes.TOPICS)
    assert heard == {name for name, allowed in routes.TOPICS.items() if role in allowed}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("caller", [routes.STRANGER, "admin", "program"])
async def test_the_intake_opens_to_an_integration_s_token_only(caller: str) -> None:
    headers = await _credentials(caller)
    transport = httpx.ASGITransport(app=INTAKE_APP)

    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        answers = {
            (path, method): (
                await client.request(
                    method,
                    path.format(provider="generic", token="none"),
                    json={"title": "x"},
                    headers=headers,
                )
            ).status_code
            for path, method in routes.INTAKE
        }

    known = {(route.path, method) for route in INTAKE_APP.routes for method in route.methods}
    assert answers == routes.INTAKE
    assert {each for each in known if each[1] in UNSAFE} == set(routes.INTAKE)


async def _credentials(caller: str) -> dict[str, str]:
    """Of a stranger; of an admin's session; of an admin's API token."""
    if caller == "admin":
        client = await sync_to_async(world.browser)("admin")
        return {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}
    if caller == "program":
        return {"Authorization": f"Bearer {await sync_to_async(world.token)('admin')}"}
    return {}
