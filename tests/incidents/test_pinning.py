import re

import pytest
from django.urls import reverse

from incidents import lifecycle, pinning
from incidents.lifecycle import InvalidTransition
from incidents.models import TimelineEntry
from incidents.views import incident as incident_page
from tests.incidents.pages_world import alert, make_integration, make_person, newest, receive

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}


@pytest.fixture
def incident():
    receive(make_integration(), alert("Down", service="checkout"))
    return newest()


@pytest.fixture
def note(incident, dana):
    return lifecycle.comment(incident.number, text="The disk is full.", by=dana)


def show(page, incident):
    return page.get(reverse("incident", args=[incident.number])).content.decode()


def act(page, incident, **form):
    return page.post(reverse("incident-act", args=[incident.number, "pin"]), form, headers=HX)


def entry(body, seq):
    return re.search(rf'<li id="entry-{seq}".*?</li>', body, re.DOTALL)[0]


def test_a_pin_is_an_entry_that_names_the_one_it_is_for(page, incident, note):
    act(page, incident, pin=note.seq)

    last = incident.timeline.last()
    assert (last.kind, last.actor, last.payload) == ("pinned", "dana", {"seq": note.seq})
    assert last.text == "Pinned “The disk is full.”"
    assert pinning.pins_of(incident) == {note.seq}


def test_the_page_shows_what_is_pinned_and_offers_to_take_it_back(page, incident, note):
    before = entry(show(page, incident), note.seq)
    act(page, incident, pin=note.seq)

    after = entry(show(page, incident), note.seq)

    assert "data-pinned" not in before
    assert 'name="pin"' in before
    assert 'data-pinned=""' in after
    assert 'name="unpin"' in after
    assert 'aria-pressed="true"' in after


def test_taking_a_pin_back_and_pinning_again(page, incident, note):
    for form in ({"pin": note.seq}, {"unpin": note.seq}, {"pin": note.seq}):
        act(page, incident, **form)

    assert pinning.pins_of(incident) == {note.seq}


def test_repeating_is_harmless(incident, note, dana):
    for _ in range(3):
        pinning.pin(incident.number, seq=note.seq, is_pinned=True, by=dana)

    assert TimelineEntry.objects.filter(kind="pinned").count() == 1


def test_an_old_entry_that_is_pinned_is_shown_before_the_newest(
    page, incident, note, dana, monkeypatch
):
    monkeypatch.setattr(incident_page, "MOST_ENTRIES", 5)
    pinning.pin(incident.number, seq=note.seq, is_pinned=True, by=dana)
    for number in range(10):
        lifecycle.comment(incident.number, text=f"Note {number}", by=dana)
    incident.refresh_from_db()

    body = show(page, incident)

    assert "The disk is full." in entry(body, note.seq)
    assert f"{incident.last_seq - 6} earlier entries" in body


@pytest.mark.parametrize("seq", ["", "x", "0", "999", "9" * 17, "9" * 40])
def test_what_cannot_be_pinned_is_refused_in_words(page, incident, seq):
    response = act(page, incident, pin=seq)

    assert response.status_code == 409
    assert 'role="alert"' in response.content.decode()


def test_a_pin_itself_cannot_be_pinned(incident, note, dana):
    pinning.pin(incident.number, seq=note.seq, is_pinned=True, by=dana)

    with pytest.raises(InvalidTransition, match="could be pinned"):
        pinning.pin(incident.number, seq=note.seq + 1, is_pinned=True, by=dana)


def test_an_entry_of_another_incident_is_not_taken_for_this_ones(page, incident, note, dana):
    receive(make_integration("second"), alert("Other", host="h"))
    other = newest()

    pinning.pin(other.number, seq=1, is_pinned=True, by=dana)

    assert pinning.pins_of(incident) == set()


def test_a_viewer_sees_pins_and_may_not_change_them(client, page, incident, note):
    act(page, incident, pin=note.seq)
    client.force_login(make_person("vera", "viewer"))

    shown = entry(show(client, incident), note.seq)

    assert "data-pinned" in shown
    assert "<button" not in shown
    assert act(client, incident, unpin=note.seq).status_code == 403


def test_a_long_timeline_has_a_way_to_its_end(page, incident, dana):
    before = show(page, incident)
    for number in range(20):
        lifecycle.comment(incident.number, text=f"Note {number}", by=dana)

    assert 'href="#now"' not in before
    assert 'href="#now"' in show(page, incident)
