import re

import pytest
from django.urls import reverse

from tests.incidents.pages_world import alert, make_integration, newest, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident():
    receive(make_integration(), alert("Down", service="checkout"))
    return newest()


def folded(html):
    return re.findall(r'<section class="section" id="(\w+)"[^>]* data-shut', html)


def test_every_section_is_open_at_first(page, incident):
    shown = page.get(reverse("incident", args=[incident.number])).content.decode()

    assert folded(shown) == []


def test_what_the_reader_folded_away_stays_so(page, incident):
    page.cookies["folded"] = "alerts.timeline.nonsense"

    shown = page.get(reverse("incident", args=[incident.number])).content.decode()

    assert folded(shown) == ["alerts", "timeline"]
    assert "nonsense" not in shown


def test_a_section_that_is_drawn_anew_stays_folded_and_counts_as_unchanged(page, incident):
    shown = page.get(reverse("incident", args=[incident.number]))
    digest = shown.context["parts"]["alerts"].digest
    page.cookies["folded"] = "alerts"
    changes = reverse("incident-changes", args=[incident.number])

    same = page.get(changes, {"seen-alerts": digest})
    drawn = page.get(changes, {"seen-alerts": "other"}).content.decode()

    assert same.status_code == 204
    assert folded(drawn) == ["alerts"]
