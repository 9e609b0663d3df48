from collections.abc import Callable
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.db import Error, InterfaceError, OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import QuerySet
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from aiops_site.front_door import FrontDoor
from aiops_site.middleware import CSP, SecurityHeaders
from aiops_site.sessions import SessionStore
from tests.site import world

pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"


@pytest.fixture
def admin() -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("root"))
    return client


ANSWERS = {
    "a page": ("/login/", 200),
    "a redirect": ("/incidents/", 302),
    "not found": ("/no/such/page/", 404),
    "the admin's sign-in": ("/admin/login/", 200),
    "the API": ("/api/v1/incidents/", 401),
    "health": ("/healthz", 200),
}


@pytest.mark.parametrize(("path", "status"), ANSWERS.values(), ids=ANSWERS)
def test_every_answer_carries_the_security_headers(client: Client, path: str, status: int):
    response = client.get(path)

    assert response.status_code == status
    _assert_guarded(response)


def test_the_admin_does_too(admin: Client):
    _assert_guarded(admin.get("/admin/"))


def test_so_does_a_refusal(client: Client):
    response = Client(enforce_csrf_checks=True).post("/login/")

    assert response.status_code == 403
    _assert_guarded(response)


def test_so_does_an_answer_to_a_host_we_are_not(client: Client):
    browser = Client(raise_request_exception=False)

    response = browser.get("/login/", headers={"host": "evil.example"})

    assert response.status_code == 400
    _assert_guarded(response)


IN_FRONT_OF_DJANGO = {
    "a static file": ("GET", "/static/ui/base.css", 200),
    "a static file of the admin": ("GET", "/static/admin/css/base.css", 200),
    "no static file": ("GET", "/static/ui/none.css", 404),
    "no file outside": ("GET", "/static/..%2Faiops_site/settings.py", 404),
    "a refused webhook": ("POST", "/api/v1/webhooks/grafana/", 401),
    "a refused export": ("POST", "/v1/metrics", 415),
}


@pytest.mark.parametrize(
    ("method", "path", "status"), IN_FRONT_OF_DJANGO.values(), ids=IN_FRONT_OF_DJANGO
)
async def test_what_django_never_sees_is_guarded_as_well(method: str, path: str, status: int):
    transport = httpx.ASGITransport(app=FrontDoor(None))

    async with httpx.AsyncClient(transport=transport, base_url="http://console") as browser:
        response = await browser.request(method, path)

    assert response.status_code == status
    assert response.headers["Content-Security-Policy"] == CSP
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Access-Control-Allow-Origin" not in response.headers


def test_the_policy_lets_no_inline_script_and_no_foreign_origin_in():
    directives = dict(part.split(" ", 1) for part in CSP.split("; "))

    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == directives["style-src"] == "'self'"
    assert directives["frame-ancestors"] == directives["base-uri"] == "'none'"
    assert directives["connect-src"].startswith("'self' ws://")
    assert "unsafe-eval" not in CSP
    assert "*" not in CSP


def test_a_view_may_say_something_stricter_itself():
    strict = HttpResponse(headers={"Content-Security-Policy": "sandbox"})

    response = SecurityHeaders(lambda _: strict)(RequestFactory().get("/"))

    assert response["Content-Security-Policy"] == "sandbox"


class TestStart:
    def test_leads_to_the_incidents(self, admin: Client):
        assert admin.get("/")["Location"] == "/incidents/"

    def test_leads_a_stranger_to_sign_in(self, client: Client):
        assert client.get("/")["Location"] == "/login/?next=/"


class TestNul:
    @pytest.mark.parametrize("path", ["/search/?q=a%00", "/services/a%00/", "/incidents/?%00=a"])
    def test_is_refused_in_an_address(self, admin: Client, path: str):
        response = admin.get(path)

        assert response.status_code == 400
        assert "could not be read" in response.text
        _assert_guarded(response)

    @pytest.mark.parametrize(
        "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b"]
    )
    def test_is_refused_in_a_form(self, admin: Client, content_type: str):
        part = '--b\r\nContent-Disposition: form-data; name="text"\r\n\r\na\0\r\n--b--\r\n'
        body = "text=a%00" if "urlencoded" in content_type else part

        response = admin.generic("POST", "/incidents/1/comment/", body, content_type)

        assert response.status_code == 400

    def test_is_a_problem_for_a_program(self, client: Client):
        response = client.get("/api/v1/incidents/?q=%00")

        assert (response.status_code, response["Content-Type"]) == (400, PROBLEM)
        assert response.json()["detail"] == "The request contains a NUL character."

    def test_an_escaped_percent_sign_is_none(self, admin: Client):
        assert admin.get("/search/?q=%2500").status_code == 200


class TestOutage:
    @pytest.mark.parametrize("kind", [OperationalError, InterfaceError])
    def test_a_page_says_to_try_again(self, admin: Client, monkeypatch: Any, kind: type[Error]):
        monkeypatch.setattr(BaseDatabaseWrapper, "cursor", _raising(kind("10.0.0.5 is locked")))

        response = admin.get("/incidents/")

        assert (response.status_code, response["Retry-After"]) == (503, "5")
        assert "The database does not answer" in response.text
        assert "10.0.0.5" not in response.text
        _assert_guarded(response)

    async def test_it_says_so_under_asgi_too(self, monkeypatch: Any):
        locked = OperationalError("database is locked")
        monkeypatch.setattr(SessionStore, "load", _raising(locked))
        browser = AsyncClient(raise_request_exception=False)
        browser.cookies["sessionid"] = "a" * 32

        page = await browser.get("/incidents/")
        program = await browser.get("/api/v1/incidents/")

        assert (page.status_code, program.status_code) == (503, 503)
        assert program["Content-Type"] == PROBLEM

    def test_any_other_failure_is_still_one(self, admin: Client, monkeypatch: Any):
        monkeypatch.setattr(BaseDatabaseWrapper, "cursor", _raising(RuntimeError("broken")))

        assert admin.get("/incidents/").status_code == 500

    def test_a_token_is_let_in_though_its_use_cannot_be_noted(self, monkeypatch: Any):
        program = world.program("viewer")
        locked = OperationalError("database is locked")
        monkeypatch.setattr(QuerySet, "update", _raising(locked))

        assert program.get("/api/v1/incidents/").status_code == 200


def _raising(error: Exception) -> Callable[..., None]:
    def refuse(*_: Any, **__: Any) -> None:
        raise error

    return refuse


class TestSignInRequired:
    def test_a_page_sends_to_sign_in_and_back(self, client: Client):
        response = client.get("/incidents/?q=checkout")

        assert response.status_code == 302
        assert response["Location"] == "/login/?next=/incidents/%3Fq%3Dcheckout"

    def test_a_fragment_has_the_whole_page_sent_there(self, client: Client):
        response = client.get("/incidents/", headers={"HX-Request": "true"})

        assert (response.status_code, response.content) == (401, b"")
        assert response["HX-Redirect"] == "/login/?next=/incidents/"
        _assert_guarded(response)

    @pytest.mark.parametrize(
        ("page", "expected"),
        [
            ("http://testserver/incidents/?q=a", "/login/?next=/incidents/%3Fq%3Da"),
            ("https://evil.example/x", "/login/?next=/x"),
            ("javascript:alert(1)", "/login/?next=/incidents/head/"),
            ("http://[broken", "/login/?next=/incidents/head/"),
        ],
    )
    def test_and_back_to_the_page_not_to_the_fragment(
        self, client: Client, page: str, expected: str
    ):
        headers = {"HX-Request": "true", "HX-Current-URL": page}

        response = client.get("/incidents/head/", headers=headers)

        assert response["HX-Redirect"] == expected

    @pytest.mark.parametrize("path", ["/login/", "/healthz", "/readyz", "/metrics"])
    def test_what_has_to_be_open_is_open(self, client: Client, path: str):
        assert client.get(path).status_code == 200

    @pytest.mark.parametrize("path", ["/approvals/", "/services/", "/runbooks/", "/welcome/"])
    def test_pages_are_not(self, client: Client, path: str):
        assert client.get(path)["Location"] == f"/login/?next={path}"


def _assert_guarded(response: Any) -> None:
    assert response["Content-Security-Policy"] == CSP
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "geolocation=()" in response["Permissions-Policy"]
    assert "Access-Control-Allow-Origin" not in response
