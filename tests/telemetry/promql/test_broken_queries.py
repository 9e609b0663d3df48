"""What breaks in front of Django is answered as everything else is: in its form, with headers."""

import asyncio

import httpx
import pytest

from aiops_site import front_door
from aiops_site.middleware import HEADERS
from telemetry.api.prometheus import PREFIX


class Broken(Exception):
    pass


def posted(path: str, monkeypatch: pytest.MonkeyPatch, application: str) -> httpx.Response:
    """To the front door, while every route of an application breaks."""

    async def breaks(*facts: object) -> None:
        raise Broken

    for route in getattr(front_door, application).routes:
        monkeypatch.setattr(route, "app", breaks)
    transport = httpx.ASGITransport(front_door.FrontDoor(None), raise_app_exceptions=False)

    async def go() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url="http://console") as client:
            return await client.post(path)

    return asyncio.run(go())


def test_a_query_that_breaks_is_an_internal_error(monkeypatch: pytest.MonkeyPatch):
    response = posted(f"{PREFIX}/query", monkeypatch, "QUERIES")

    assert response.status_code == 500
    assert response.json() == {
        "status": "error",
        "errorType": "internal",
        "error": "this query could not be answered; the log says why",
    }
    assert HEADERS.items() <= {n.title(): v for n, v in response.headers.items()}.items()


def test_an_intake_that_breaks_has_the_security_headers(monkeypatch: pytest.MonkeyPatch):
    path = front_door.INTAKE_PREFIXES[-1]

    response = posted(path, monkeypatch, "INTAKE")

    assert response.status_code == 500
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
