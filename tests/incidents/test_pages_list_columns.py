import re

import pytest

from tests.incidents.pages_world import alert, make_integration, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def _incident():
    receive(make_integration(), alert("Down", service="checkout"))


def hidden(page):
    body = page.get("/incidents/").content.decode()
    return re.search(r'data-hidden="([^"]*)"', body)[1].split()


def ticked(page):
    body = page.get("/incidents/").content.decode()
    return re.findall(r'value="(\w+)" data-column checked', body)


@pytest.mark.usefixtures("_incident")
def test_the_usual_columns_are_shown_at_first(page):
    assert hidden(page) == ["activity"]
    assert ticked(page) == ["owner", "alerts", "age", "cause"]


@pytest.mark.usefixtures("_incident")
def test_a_choice_is_remembered_by_the_browser(page):
    page.cookies["columns"] = "age.activity"

    assert ticked(page) == ["age", "activity"]
    assert hidden(page) == ["owner", "alerts", "cause"]


@pytest.mark.usefixtures("_incident")
def test_none_of_them_is_a_choice_too(page):
    page.cookies["columns"] = ""

    assert ticked(page) == []


@pytest.mark.usefixtures("_incident")
def test_a_cookie_that_makes_no_sense_hides_nothing_that_is_always_shown(page):
    page.cookies["columns"] = 'title.<img src="x">'

    assert hidden(page) == ["owner", "alerts", "age", "activity", "cause"]
    assert "<img" not in page.get("/incidents/").content.decode()
