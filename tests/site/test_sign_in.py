import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from aiops_site.models import SetupLink, SignInFailure
from aiops_site.setting_up import offer_sign_in
from telemetry.credentials import hash_token, issue_token

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
ROOT = Path(__file__).resolve().parents[2]
REFUSED = "Sign-in failed. Check the user name and the password."


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada", password=PASSWORD)


def sign_in(client: Client, username: str = "ada", password: str = PASSWORD, **extra: Any) -> Any:
    return client.post("/login/", {"username": username, "password": password, **extra})


class TestSigningIn:
    def test_the_right_password_leads_to_the_incidents(self, client: Client, ada: User):
        response = sign_in(client)

        assert (response.status_code, response["Location"]) == (302, "/incidents/")
        assert client.session["_auth_user_id"] == str(ada.pk)

    @pytest.mark.parametrize("username", ["ada", "nobody", ""])
    def test_an_unknown_name_and_a_wrong_password_are_told_alike(
        self, client: Client, ada: User, username: str
    ):
        response = sign_in(client, username or "x", "wrong")

        assert response.status_code == 200
        assert REFUSED in response.text
        assert "_auth_user_id" not in client.session

    def test_a_person_who_left_is_told_the_same(self, client: Client, ada: User):
        User.objects.update(is_active=False)

        assert REFUSED in sign_in(client).text

    def test_the_session_is_a_new_one(self, client: Client, ada: User):
        client.session["visited"] = True
        client.session.save()
        before = client.session.session_key

        sign_in(client)

        assert client.session.session_key != before

    def test_the_cookie_is_not_for_scripts_nor_for_other_sites(self, client: Client, ada: User):
        cookie = sign_in(client).cookies["sessionid"]

        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["max-age"] == 12 * 3600
        assert not cookie["secure"]

    def test_without_the_csrf_token_nobody_is_signed_in(self, ada: User):
        client = Client(enforce_csrf_checks=True)

        response = sign_in(client)

        assert response.status_code == 403
        assert "_auth_user_id" not in client.session

    def test_signing_out_ends_the_session(self, client: Client, ada: User):
        sign_in(client)

        response = client.post("/logout/")

        assert response["Location"] == "/login/"
        assert "_auth_user_id" not in client.session


class TestNext:
    @pytest.mark.parametrize("page", ["/approvals/", "/incidents/?q=severity%3Dcritical"])
    def test_one_goes_on_to_the_page_one_asked_for(self, client: Client, ada: User, page: str):
        assert sign_in(client, next=page)["Location"] == page

    @pytest.mark.parametrize(
        "page",
        [
            "https://evil.example/",
            "//evil.example/",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "http:evil.example",
            "javascript:alert(1)",
            "https://testserver@evil.example/",
            "https://testserver.evil.example/",
            "\t//evil.example",
            "/\t/evil.example",
            "data:text/html,x",
        ],
    )
    def test_and_never_to_another_site(self, client: Client, ada: User, page: str):
        for send in (
            lambda: sign_in(client, next=page),
            lambda: client.get("/login/", {"next": page}),
        ):
            assert send()["Location"] == "/incidents/"


class TestThrottle:
    def fail(self, client: Client, times: int, username: str = "ada") -> Any:
        for _ in range(times):
            response = sign_in(client, username, "wrong")
        return response

    def test_after_five_failures_even_the_right_password_has_to_wait(
        self, client: Client, ada: User
    ):
        self.fail(client, 5)

        response = sign_in(client)

        assert "Too many failures. Try again in 15 min." in response.text
        assert "_auth_user_id" not in client.session

    def test_an_unknown_name_is_closed_the_same_way(self, client: Client):
        assert "Too many failures" in self.fail(client, 6, "nobody").text

    def test_who_waits_makes_it_no_longer_by_trying(self, client: Client, ada: User):
        self.fail(client, 9)

        assert SignInFailure.objects.filter(key="account:ada").count() == 5

    def test_a_success_forgives_the_account(self, client: Client, ada: User):
        self.fail(client, 4)
        sign_in(client)
        client.post("/logout/")
        self.fail(client, 4)

        assert sign_in(client).status_code == 302

    def test_an_empty_password_forgives_nothing(self, client: Client, ada: User):
        self.fail(client, 4)

        sign_in(client, password="")

        self.fail(client, 1)
        assert "Too many failures" in sign_in(client).text

    @pytest.mark.parametrize("spelling", [" ada", "ada  ", "\uff41\uff44\uff41", "ADA"])
    def test_another_spelling_of_the_name_is_the_same_account(
        self, client: Client, ada: User, spelling: str
    ):
        self.fail(client, 5, spelling)

        assert "Too many failures" in sign_in(client).text

    def test_a_name_no_database_can_hold_is_refused_before_it_is_looked_for(self, client: Client):
        response = sign_in(client, "a\x00b", "wrong")

        assert response.status_code == 400
        assert not SignInFailure.objects.exists()


class TestSetupLink:
    @pytest.fixture
    def link(self) -> str:
        return offer_sign_in().partition("http://127.0.0.1:8000")[2]

    def make(self, client: Client, link: str, **changed: str) -> Any:
        form = {"username": "root", "password1": PASSWORD, "password2": PASSWORD}
        return client.post(link, form | changed)

    def test_it_makes_the_administrator_once_and_signs_them_in(self, client: Client, link: str):
        page = client.get(link)
        response = self.make(client, link)

        root = User.objects.get()
        assert page.status_code == 200
        assert response.status_code == 302
        assert root.is_superuser
        assert root.groups.count() == 5
        assert client.session["_auth_user_id"] == str(root.pk)
        assert not SetupLink.objects.exists()

    def test_it_is_gone_afterwards(self, client: Client, link: str):
        self.make(client, link)

        again = self.make(Client(), link, username="mallory")

        assert again.status_code == 404
        assert User.objects.count() == 1

    def test_it_is_gone_as_soon_as_there_is_an_administrator(self, client: Client, link: str):
        User.objects.create_superuser("root")

        assert client.get(link).status_code == 404

    def test_a_weak_password_does_not_use_it_up(self, client: Client, link: str):
        response = self.make(client, link, password1="12345678", password2="12345678")

        assert response.status_code == 200
        assert SetupLink.objects.exists()
        assert not User.objects.exists()

    def test_a_guessed_link_is_nothing(self, client: Client, link: str):
        guessed = reverse("setup", args=[issue_token().plain])

        assert client.get(guessed).status_code == 404

    def test_only_the_newest_link_works_and_it_is_kept_as_a_hash(self, client: Client, link: str):
        newer = offer_sign_in().partition("http://127.0.0.1:8000")[2]

        assert client.get(link).status_code == 404
        assert client.get(newer).status_code == 200
        assert SetupLink.objects.get().token_hash == hash_token(newer.split("/")[2])


HTTPS_CONSOLE = """
import json, django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
call_command("migrate", verbosity=0)
User.objects.create_user("ada", password="correct horse battery staple")
client = Client(headers={"host": "console.example.org"})
plain = client.get("/login/")
page = client.get("/login/", secure=True)
form = {"username": "ada", "password": "correct horse battery staple"}
signed_in = client.post("/login/", form, secure=True)
cookies = {**page.cookies, **signed_in.cookies}
print(json.dumps({
    "redirect": [plain.status_code, plain["Location"]],
    "health": client.get("/healthz").status_code,
    "hsts": page["Strict-Transport-Security"],
    "csp": page["Content-Security-Policy"],
    "cookies": {name: dict(morsel) for name, morsel in cookies.items()},
}))
"""


def in_https(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {
        "AIOPS_DATA_DIR": str(folder),
        "AIOPS_PUBLIC_URL": "https://console.example.org",
        "DJANGO_SETTINGS_MODULE": "aiops_site.settings",
    }
    return subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


class TestHttps:
    def test_the_deployment_check_has_nothing_to_say(self, tmp_path: Path):
        checked = in_https(tmp_path, "manage.py", "check", "--deploy", "--fail-level", "WARNING")

        assert checked.returncode == 0, checked.stderr
        assert "no issues" in checked.stdout

    def test_cookies_and_headers_are_those_of_a_secure_site(self, tmp_path: Path):
        done = in_https(tmp_path, "-c", HTTPS_CONSOLE)

        assert done.returncode == 0, done.stderr
        seen = json.loads(done.stdout.splitlines()[-1])
        assert seen["redirect"] == [301, "https://console.example.org/login/"]
        assert seen["health"] == 200
        assert "max-age=31536000" in seen["hsts"]
        assert "wss://console.example.org" in seen["csp"]
        assert set(seen["cookies"]) == {"__Host-sessionid", "__Host-csrftoken"}
        for cookie in seen["cookies"].values():
            assert cookie["secure"]
            assert cookie["path"] == "/"
            assert cookie["domain"] == ""
