from datetime import UTC, datetime

import pytest
import time_machine
from django.urls import reverse

from incidents.models import TimelineEntry
from incidents.templatetags.moments import next_morning
from tests.incidents.pages_world import alert, make_integration, newest, receive

pytestmark = pytest.mark.django_db
EVENING = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _evening():
    with time_machine.travel(EVENING, tick=False):
        yield


@pytest.fixture
def incident():
    receive(make_integration(), alert("Down", service="checkout"))
    return newest()


def snooze(page, incident, **form):
    response = page.post(
        reverse("incident-act", args=[incident.number, "snooze"]),
        form,
        headers={"HX-Request": "true"},
    )
    incident.refresh_from_db()
    return response


def post(page, verb, incident, **form):
    page.post(reverse("incident-bulk"), {"verb": verb, "number": [incident.number], **form})
    incident.refresh_from_db()


@pytest.mark.parametrize(
    ("form", "until"),
    [
        ({"seconds": "7200"}, datetime(2026, 11, 23, 0, 0, tzinfo=UTC)),
        ({"until": "2026-11-23T09:00"}, datetime(2026, 11, 23, 9, 0, tzinfo=UTC)),
        ({"until": "2026-11-23T08:00:00.000Z"}, datetime(2026, 11, 23, 8, 0, tzinfo=UTC)),
        ({"until": "2026-11-23T09:00+02:00"}, datetime(2026, 11, 23, 7, 0, tzinfo=UTC)),
    ],
)
def test_an_incident_sleeps_for_a_while_or_until_a_moment(page, incident, form, until):
    snooze(page, incident, **form)

    assert incident.snoozed_until == until


def test_a_week_is_the_longest(page, incident):
    refused = snooze(page, incident, until="2026-11-29T22:01Z")

    assert "A snooze lasts 7 days at most." in refused.content.decode()
    assert incident.snoozed_until is None


def test_nine_in_the_morning_is_offered_on_both_pages(page, incident):
    shown = page.get(reverse("incident", args=[incident.number])).content.decode()
    listed = page.get("/incidents/").content.decode()

    assert 'name="until" value="2026-11-23T09:00:00Z"' in shown
    assert 'value="snooze-until:2026-11-23T09:00:00Z"' in listed


@pytest.mark.parametrize(
    ("hour", "morning"), [(8, "2026-11-22T09:00:00Z"), (9, "2026-11-23T09:00:00Z")]
)
def test_the_next_morning_is_still_to_come(hour, morning):
    with time_machine.travel(EVENING.replace(hour=hour), tick=False):
        assert next_morning() == morning


def test_selected_incidents_sleep_until_the_moment_that_was_chosen(page, incident):
    post(page, "snooze", incident, until="2026-11-24T06:30Z")

    assert incident.snoozed_until == datetime(2026, 11, 24, 6, 30, tzinfo=UTC)


def test_a_button_counts_more_than_what_is_left_in_the_field(page, incident):
    post(page, "snooze:1800", incident, until="2026-11-24T06:30Z")

    assert incident.snoozed_until == datetime(2026, 11, 22, 22, 30, tzinfo=UTC)


def test_a_note_is_added_to_the_selected_incidents(page, incident):
    post(page, "comment", incident, text="Vendor called.\nNothing yet.")

    note = TimelineEntry.objects.get(kind="comment")
    assert (note.actor, note.text) == ("dana", "Vendor called.\nNothing yet.")
