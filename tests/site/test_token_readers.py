"""Who may ask by PromQL: every row of `routes.QUERIES`, over ASGI and through the front door."""

from typing import Any

import httpx
import pytest
from asgiref.sync import sync_to_async

from aiops_site import token_readers
from aiops_site.front_door import QUERIES, FrontDoor
from aiops_site.models import ApiToken
from telemetry.api.prometheus import PREFIX
from tests.site import routes, world

pytestmark = pytest.mark.django_db(transaction=True)
QUERY = f"{PREFIX}/query?query=1"


@pytest.fixture(autouse=True)
def nobody_is_remembered() -> None:
    token_readers._known.clear()


async def ask(path: str, method: str = "GET", **facts: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=FrontDoor(None))
    async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
        return await client.request(method, path.format(name="job"), **facts)


async def bearer(role: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {await sync_to_async(world.token)(role)}"}


def test_every_question_is_in_the_table():
    known = {(route.path, method) for route in QUERIES.routes for method in route.methods}

    assert {each for each in known if each[1] != "HEAD"} == routes.QUERIES


@pytest.mark.parametrize("role", routes.ROLES)
async def test_a_token_of_any_role_may_ask(role: str):
    headers = await bearer(role)

    statuses = {
        (await ask(path, method, headers=headers)).status_code for path, method in routes.QUERIES
    }

    assert statuses == {200, 400}


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic !!", "Digest x"])
async def test_a_stranger_may_not(header: str):
    answers = [
        await ask(path, method, headers={"Authorization": header})
        for path, method in routes.QUERIES
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["errorType"] for answer in answers} == {"unauthorized"}
    assert {answer.headers["www-authenticate"].split()[0] for answer in answers} == {"Basic"}


async def test_a_session_is_not_enough():
    client = await sync_to_async(world.browser)("admin")

    cookie = f"sessionid={client.cookies['sessionid'].value}"
    response = await ask(QUERY, headers={"Cookie": cookie})

    assert response.status_code == 401


async def test_the_token_may_be_a_basic_auth_password():
    token = await sync_to_async(world.token)("viewer")

    response = await ask(QUERY, auth=("anybody", token))

    assert response.status_code == 200


async def test_without_a_role_one_is_told_what_is_missing():
    headers = await bearer("viewer")
    person = await sync_to_async(world.person)("viewer")
    await sync_to_async(person.groups.clear)()

    response = await ask(QUERY, headers=headers)

    assert response.status_code == 403
    assert "telemetry.view_series" in response.json()["error"]


async def test_a_revoked_token_stops_when_it_is_no_longer_remembered(monkeypatch: Any):
    headers = await bearer("viewer")
    before = await ask(QUERY, headers=headers)
    await sync_to_async(ApiToken.objects.all().delete)()
    monkeypatch.setattr(token_readers, "REMEMBERED_SECONDS", -1.0)

    after = await ask(QUERY, headers=headers)

    assert (before.status_code, after.status_code) == (200, 401)


async def test_that_a_token_was_used_is_noted():
    headers = await bearer("viewer")

    await ask(QUERY, headers=headers)

    assert await ApiToken.objects.filter(last_used_at__isnull=False).acount() == 1


async def test_the_security_headers_are_there_too():
    response = await ask(QUERY, headers=await bearer("viewer"))

    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-content-type-options"] == "nosniff"
