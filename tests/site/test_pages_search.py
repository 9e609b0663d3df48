"""Searching the whole console: by the command palette, and as a page."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from aiops_site.search import MOST_HITS
from automation.models import Runbook
from incidents.models import Incident
from telemetry.models import Service
from tests.site.pages import browser

pytestmark = pytest.mark.django_db

FRAGMENT = {"HX-Request": "true"}


@pytest.fixture
def viewer():
    return browser("vera", "viewer")


@pytest.fixture
def ask(viewer):
    """What the palette is answered, as {heading: [titles]}."""

    def ask(query, by=viewer):
        answer = by.get(reverse("search"), {"q": query}, headers=FRAGMENT)
        found = answer.context["found"]
        return {kind.heading: [hit.title for hit in kind.hits] for kind in found}

    return ask


def incident(title, **fields):
    now = timezone.now()
    fields = {"onset_at": now, "opened_at": now, "last_activity_at": now, **fields}
    return Incident.objects.create(title=title, correlation_key=title, **fields)


def test_one_word_finds_incidents_services_and_runbooks(ask):
    found = incident("payments does not answer")
    Service.objects.create(slug="payments")
    Runbook.objects.create(name="restart-payments")

    assert ask("PAYMENTS") == {
        "Incidents": [f"{found} payments does not answer"],
        "Services": ["payments"],
        "Runbooks": ["restart-payments"],
    }


@pytest.mark.parametrize("spelt", ["INC-{}", "inc-{}", "#{}", "{}"])
def test_an_incident_is_found_by_its_number(ask, spelt):
    wanted = incident("queue grows")
    incident("disk full")

    found = ask(spelt.format(wanted.number))

    assert found == {"Incidents": [f"{wanted} queue grows"]}


def test_every_word_must_occur(ask):
    incident("payments is slow")
    incident("payments is down")

    [title] = ask("down payments")["Incidents"]

    assert title.endswith("payments is down")


def test_what_is_worked_on_comes_before_what_is_over(ask):
    active = incident("first outage")
    over = incident("second outage", status=Incident.Status.RESOLVED)

    assert ask("outage")["Incidents"] == [f"{active} first outage", f"{over} second outage"]


def test_of_each_kind_no_more_is_shown_than_fits(ask):
    for number in range(MOST_HITS + 3):
        incident(f"outage {number}")
        Service.objects.create(slug=f"outage-{number}")

    assert [len(titles) for titles in ask("outage").values()] == [MOST_HITS, MOST_HITS]


def test_signs_of_a_pattern_are_only_signs(ask):
    incident("disk at 100%")
    incident("disk at 100 of 100")

    [title] = ask("100%")["Incidents"]

    assert title.endswith("100%")


def test_who_may_not_see_a_kind_does_not_find_it(ask):
    incident("payments is down")
    Service.objects.create(slug="payments")

    assert ask("payments", by=browser("nora")) == {}


@pytest.mark.parametrize("query", ["", "   ", "no such thing", "9" * 15, "x" * 5000])
def test_nothing_is_found_for_nothing(ask, query):
    incident("payments is down")

    assert ask(query) == {}


def test_a_title_from_outside_stays_text(viewer):
    incident("<img src=x onerror=alert(1)>")

    answer = viewer.get(reverse("search"), {"q": "img"}, headers=FRAGMENT).content.decode()

    assert "<img" not in answer
    assert "&lt;img" in answer


def test_without_scripts_the_same_is_a_page(viewer):
    incident("payments is down")

    page = viewer.get(reverse("search"), {"q": "payments"}).content.decode()

    assert "payments is down" in page
    assert "/incidents/?q=payments" in page


def test_a_number_typed_into_the_header_opens_the_incident(viewer):
    wanted = incident("payments is down")

    answer = viewer.get(reverse("search"), {"q": f"INC-{wanted.number}"})

    assert answer["Location"] == reverse("incident", args=[wanted.number])
    assert viewer.get(reverse("search"), {"q": "INC-999"}).status_code == 200


def test_the_language_of_the_list_is_answered_by_the_list(viewer):
    answer = viewer.get(reverse("search"), {"q": "is:open severity:high"})

    assert answer["Location"] == f"{reverse('incidents')}?q=is%3Aopen+severity%3Ahigh"


def test_nothing_found_says_what_was_searched(viewer):
    page = viewer.get(reverse("search"), {"q": "nothing-like-it"}).content.decode()

    assert "Nothing found" in page


def test_strangers_are_asked_to_sign_in():
    assert Client().get(reverse("search"), {"q": "x"}).status_code == 302


def test_it_costs_few_queries_however_much_there_is(viewer, django_assert_max_num_queries):
    for number in range(30):
        incident(f"outage {number}")

    with django_assert_max_num_queries(12):
        viewer.get(reverse("search"), {"q": "outage"}, headers=FRAGMENT)
