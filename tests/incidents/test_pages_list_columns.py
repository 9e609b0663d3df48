import re

import pytest
from django.urls import reverse

from tests.incidents.pages_world import alert, make_integration, newest, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def _incident():
    receive(make_integration(), alert("Down", service="checkout"))


def hidden(page):
    body = page.get("/incidents/").content.decode()
    return re.search(r'data-hidden="([^"]*)"', body)[1].split()


def order(page, url="/incidents/"):
    """Of the cells of a row."""
    row = page.get(url).content.decode().partition('<tr role="row" data-row')[2]
    return re.findall(r'<td role="cell" class="c-(\w+)', row)


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


@pytest.mark.usefixtures("_incident")
def test_the_order_is_the_readers_also_of_what_is_not_shown(page):
    page.cookies["columns"] = "cause.-age.owner"

    assert order(page)[4:] == ["cause", "age", "owner", "alerts", "activity"]
    assert ticked(page) == ["cause", "owner"]
    assert hidden(page) == ["age", "alerts", "activity"]


@pytest.mark.usefixtures("_incident")
def test_heads_and_a_row_that_comes_alone_keep_the_order(page):
    page.cookies["columns"] = "activity.cause.owner"
    body = page.get("/incidents/").content.decode()

    heads = re.findall(r'<th role="columnheader" scope="col" class="c-(\w+)', body)

    assert heads == order(page)
    assert order(page, reverse("incident-row", args=[newest().number])) == heads
