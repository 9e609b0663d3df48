import pytest
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse

from aiops_site import env
from automation import switch
from tests.automation.pages_world import a_person


@pytest.fixture
def admin(db):
    return a_person("ada", "admin")


def shown(browser, page):
    return browser.get(reverse(page)).content.decode()


@pytest.mark.parametrize("page", ["approvals", "admin:index"])
def test_the_environment_is_named_on_every_page(admin, settings, page):
    settings.ENVIRONMENT = "Production"

    html = shown(admin[1], page)

    assert 'data-env="production"' in html
    assert "Production" in html


@pytest.mark.parametrize("page", ["approvals", "admin:index"])
def test_without_a_name_nothing_is_shown(admin, settings, page):
    settings.ENVIRONMENT = ""

    assert "data-env" not in shown(admin[1], page)


def test_a_pause_is_told_in_the_admin_too(admin):
    person, browser = admin
    switch.pause(by=person, reason="<b>Move</b>")

    assert "Automation is paused: &lt;b&gt;Move&lt;/b&gt;" in shown(browser, "admin:index")


def test_the_admin_leads_back_to_the_console(admin):
    html = shown(admin[1], "admin:index")

    assert f'<a href="{reverse("incidents")}">Back to the console</a>' in html
    assert "View site" not in html


@pytest.mark.parametrize("name", ["", "production", "eu-west.1", "Staging_2"])
def test_a_short_name_is_taken(monkeypatch, name):
    monkeypatch.setenv("AIOPS_ENVIRONMENT", name)

    assert env.label("AIOPS_ENVIRONMENT") == name


@pytest.mark.parametrize("name", ["two words", "x" * 31, "<b>", "a\nb"])
def test_what_is_no_name_is_refused_with_the_way_out(monkeypatch, name):
    monkeypatch.setenv("AIOPS_ENVIRONMENT", name)

    with pytest.raises(ImproperlyConfigured, match=r"AIOPS_ENVIRONMENT is .* at most 30 letters"):
        env.label("AIOPS_ENVIRONMENT")
