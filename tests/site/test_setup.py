import json
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client

from aiops_site import setting_up
from aiops_site.models import ApiToken, SetupLink
from aiops_site.roles import ROLES
from automation.models import Runbook
from automation.published import publish, write_version
from incidents.models import CorrelationRule, Integration
from telemetry.credentials import hash_token

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


class TestFirstRun:
    def test_every_starter_is_published_with_its_description(self):
        setting_up.seed_runbooks()

        names = {file.stem for file in setting_up.STARTERS.glob("*.yaml")}
        assert "restart-service" in names
        assert set(Runbook.objects.filter(published__number=1).values_list("name", flat=True)) == (
            names
        )
        assert all(Runbook.objects.values_list("description", flat=True))

    def test_a_starter_that_people_changed_is_left_to_them(self):
        setting_up.seed_runbooks()
        theirs = Runbook.objects.get(name="restart-service")
        text = theirs.published.text.replace("does not answer", "sulks")
        publish(write_version(text, author=None, reason="ours"))

        setting_up.seed_runbooks()

        theirs.refresh_from_db()
        assert (theirs.published.number, theirs.versions.count()) == (2, 2)

    def test_one_rule_to_begin_with_and_no_second(self):
        setting_up.seed_rules()
        CorrelationRule.objects.update(name="Ours")

        setting_up.seed_rules()

        assert CorrelationRule.objects.get().name == "Ours"

    def test_until_there_is_an_administrator_a_link_for_the_first_one_is_offered(
        self, settings: Any
    ):
        told = setting_up.offer_sign_in()

        token = told.rstrip("/").rpartition("/")[2]
        assert f"{settings.PUBLIC_URL}/setup/" in told
        assert SetupLink.objects.get().token_hash == hash_token(token)

    def test_afterwards_only_where_to_sign_in(self, settings: Any):
        setting_up.offer_sign_in()
        User.objects.create_superuser("root")

        told = setting_up.offer_sign_in()

        assert told == f"Sign in at {settings.PUBLIC_URL}/login/"
        assert not SetupLink.objects.exists()


class TestCreateAdmin:
    def test_the_administrator_can_sign_in_and_holds_all_roles(self, monkeypatch: Any):
        monkeypatch.setenv("FIRST_PASSWORD", PASSWORD)

        told = run("create_admin", "--username", "root", "--password-env", "FIRST_PASSWORD")

        root = User.objects.get()
        assert PASSWORD not in told
        assert Client().login(username="root", password=PASSWORD)
        assert root.is_superuser
        assert set(root.groups.values_list("name", flat=True)) == set(ROLES)
        assert Group.objects.count() == len(ROLES)

    @pytest.mark.parametrize(
        ("password", "words"), [("", "is not set"), ("12345678", "too common"), ("root", "short")]
    )
    def test_without_a_good_password_there_is_none(
        self, monkeypatch: Any, password: str, words: str
    ):
        monkeypatch.setenv("FIRST_PASSWORD", password)

        with pytest.raises(CommandError, match=words):
            run("create_admin", "--username", "root", "--password-env", "FIRST_PASSWORD")

        assert not User.objects.exists()

    def test_a_name_that_is_taken_is_refused_and_keeps_its_password(self, monkeypatch: Any):
        User.objects.create_user("root", password="another good password")
        monkeypatch.setenv("FIRST_PASSWORD", PASSWORD)

        with pytest.raises(CommandError, match="root already"):
            run("create_admin", "--username", "root", "--password-env", "FIRST_PASSWORD")

        assert not Client().login(username="root", password=PASSWORD)


class TestCreateIntegration:
    def test_json_is_one_line_with_the_token_that_works(self, settings: Any):
        told = run("create_integration", "grafana", "--name", "Grafana", "--json")

        made = json.loads(told)
        assert told.count("\n") == 1
        assert set(made) == {"token", "url"}
        assert made["url"] == f"{settings.PUBLIC_URL}/api/v1/webhooks/grafana/"
        assert Integration.objects.get().token_hash == hash_token(made["token"])

    def test_for_people_it_says_that_the_token_is_shown_once(self):
        told = run("create_integration", "otlp", "--name", "Meters")

        assert "/v1/metrics" in told
        assert "not shown again" in told

    @pytest.mark.parametrize(
        ("provider", "name", "words"),
        [("myspace", "New", "no provider myspace"), ("grafana", "Old", "Old already")],
    )
    def test_what_cannot_be_connected_is_an_error_in_words(
        self, provider: str, name: str, words: str
    ):
        run("create_integration", "grafana", "--name", "Old")

        with pytest.raises(CommandError, match=words):
            run("create_integration", provider, "--name", name, "--json")

        assert Integration.objects.count() == 1


class TestCreateToken:
    def test_json_is_one_line_with_a_token_that_acts_for_its_owner(self, settings: Any):
        root = User.objects.create_superuser("root")

        told = run("create_token", "--user", "root", "--name", "ci", "--json")

        made = json.loads(told)
        headers = {"Authorization": f"Bearer {made['token']}"}
        assert told.count("\n") == 1
        assert made["url"] == f"{settings.PUBLIC_URL}/api/v1/"
        assert ApiToken.objects.get().owner == root
        assert Client().get("/api/v1/incidents/", headers=headers).status_code == 200

    def test_a_token_nobody_issued_is_nobody(self):
        headers = {"Authorization": "Bearer nonsense"}

        assert Client().get("/api/v1/incidents/", headers=headers).status_code == 401

    def test_a_token_ends_with_its_owners_account(self):
        root = User.objects.create_superuser("root")
        made = json.loads(run("create_token", "--user", "root", "--name", "ci", "--json"))
        root.is_active = False
        root.save()
        headers = {"Authorization": f"Bearer {made['token']}"}

        assert Client().get("/api/v1/incidents/", headers=headers).status_code == 401

    @pytest.mark.parametrize(
        ("user", "name", "words"),
        [("nobody", "ci", "no user nobody"), ("root", "old", "old already")],
    )
    def test_what_cannot_be_made_is_an_error_in_words(self, user: str, name: str, words: str):
        User.objects.create_superuser("root")
        told = run("create_token", "--user", "root", "--name", "old")

        with pytest.raises(CommandError, match=words):
            run("create_token", "--user", user, "--name", name)

        assert "not shown again" in told
        assert ApiToken.objects.count() == 1
