import csv
from io import StringIO

import pytest
from django.urls import reverse

from incidents import lifecycle
from incidents.models import Incident
from incidents.views import export
from tests.browser.markup import CORPUS
from tests.incidents.pages_world import alert, make_integration, make_person, newest, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def incidents():
    for name, severity in (("checkout", "critical"), ("payments", "low")):
        receive(make_integration(name), alert("Down", service=name, severity=severity))
    return list(Incident.objects.order_by("number"))


def read(page, **asked):
    response = page.get(reverse("incident-export"), asked)
    assert response.status_code == 200
    return list(csv.DictReader(StringIO(response.content.decode(), newline="")))


def test_all_that_match_are_exported_in_the_order_of_the_list(page, incidents):
    rows = read(page, q="status:open sort:-severity")

    assert [row["number"] for row in rows] == [f"INC-{each.number}" for each in incidents]
    assert rows[0]["title"] == "Down on checkout"
    assert rows[0]["services"] == "checkout"
    assert rows[0]["opened_at"].endswith("Z")
    assert rows[0]["resolved_at"] == ""


def test_a_search_narrows_the_export(page, incidents):
    assert len(read(page, q="severity:low")) == 1


def test_the_selected_ones_are_exported_whatever_the_search(page, incidents):
    rows = read(page, number=[incidents[1].number], q="severity:critical")

    assert [row["number"] for row in rows] == [f"INC-{incidents[1].number}"]


def test_it_comes_as_a_file(page, incidents):
    response = page.get(reverse("incident-export"), {"q": ""})

    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith('attachment; filename="incidents-')


@pytest.mark.parametrize(
    "title", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\uff1d1+1", "\uff20SUM(A1)"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_neutralised(title):
    assert export.neutral(title) == f"'{title}"


@pytest.mark.parametrize("title", ["", "a=1", "1-1", "'quoted", "checkout is down"])
def test_other_cells_are_left_as_they_are(title):
    assert export.neutral(title) == title


def test_no_text_from_outside_begins_a_formula(page, dana):
    receive(make_integration(), alert("Down", service="checkout"))
    number = newest().number
    for text in CORPUS:
        lifecycle.retitle(number, title=text, by=dana)

        (row,) = read(page, q="")

        assert not row["title"].startswith(export.FORMULAS)


def test_every_cell_is_quoted_so_that_no_separator_begins_another(page, dana):
    receive(make_integration(), alert("Down", service="checkout"))
    lifecycle.retitle(newest().number, title="Down;=1+1", by=dana)

    text = page.get(reverse("incident-export"), {"q": ""}).content.decode()

    assert '"Down;=1+1"' in text
    assert all(line[0] == line[-1] == '"' for line in text.splitlines())


def test_an_unreadable_search_is_refused_in_words(page):
    response = page.get(reverse("incident-export"), {"q": "severity:hihg"})

    assert response.status_code == 409
    assert "Did you mean high?" in response.content.decode()


def test_more_than_fit_are_refused_rather_than_cut(page, incidents, monkeypatch):
    monkeypatch.setattr(export, "MOST", 1)

    response = page.get(reverse("incident-export"), {"q": ""})

    assert response.status_code == 409
    assert "narrow the search" in response.content.decode()


def test_a_viewer_may_export(client, incidents):
    client.force_login(make_person("vera", "viewer"))

    assert len(read(client, q="")) == 2


def test_rows_cost_no_query_each(page, incidents, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        read(page, q="")
