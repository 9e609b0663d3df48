import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from incidents import bulk, lifecycle
from incidents.models import BulkDeed, Incident
from tests.incidents.pages_world import alert, make_integration, make_person, receive

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}
TOMORROW = (timezone.now() + timedelta(days=1)).isoformat()


@pytest.fixture
def many():
    alerts = (alert(f"Alert{n}", severity="low", host=f"h{n}") for n in range(60))
    receive(make_integration(), *alerts)
    return list(Incident.objects.order_by("number"))


def offer(page, query="status:open"):
    return page.get(reverse("incident-matching"), {"q": query}, headers=HX)


def ask(page, verb="acknowledge", query="status:open", **form):
    newest = Incident.objects.order_by("-number")[0].number
    form = {"scope": "matching", "q": query, "newest": newest, "verb": verb, **form}
    return page.post(reverse("incident-bulk"), form, headers=HX)


def confirm(page, asked):
    """As a browser sends the question's form back."""
    html = asked.content.decode()
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', html)
    return page.post(reverse("incident-bulk"), dict(hidden), headers=HX)


def finish():
    deed = BulkDeed.objects.latest("pk")
    while bulk.carry_on(deed.pk):
        pass
    return BulkDeed.objects.get(pk=deed.pk)


def test_all_that_match_are_offered_with_their_number(page, many):
    body = offer(page).content.decode()

    assert "Select all 60 matching" in body
    assert f'name="newest" value="{many[-1].number}"' in body


def test_more_than_can_be_done_at_once_are_not_offered(page, many, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 50)

    assert "More than 50 match; narrow the search" in offer(page).content.decode()
    assert "More than 50 match" in ask(page).content.decode()
    assert not BulkDeed.objects.exists()


def test_a_search_that_cannot_be_read_is_said_as_text(page):
    response = offer(page, 'severity:["<img>"]')

    assert response.status_code == 400
    assert "Unknown value “&lt;img&gt;”." in response.content.decode()


def test_the_list_offers_it_only_where_there_are_more_pages(page, many):
    assert 'data-url="/incidents/matching/' in page.get("/incidents/").content.decode()

    few = page.get("/incidents/", {"q": "alertname:Alert1"}).content.decode()

    assert 'data-url="/incidents/matching/' not in few


def test_nothing_is_done_before_it_is_confirmed(page, many):
    asked = ask(page)

    body = asked.content.decode()
    assert asked.status_code == 200
    assert "Acknowledge all 60 incidents?" in body
    assert "It can be taken back for ten minutes." in body
    assert not BulkDeed.objects.exists()


def test_what_was_confirmed_is_a_row_and_a_bell_for_the_worker(
    page, many, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    monkeypatch.setattr("aiops_site.doorbell.ring", lambda *ring: rung.append(ring))

    with django_capture_on_commit_callbacks(execute=True):
        followed = confirm(page, ask(page))

    deed = BulkDeed.objects.get()
    assert (deed.by.username, deed.verb, len(deed.numbers)) == ("dana", "acknowledge", 60)
    assert rung == [("incidents.tasks.carry_out_bulk", (deed.pk,), {})]
    assert "Acknowledged 0 of 60 incidents" in followed.content.decode()
    assert not Incident.objects.exclude(acknowledged_at=None).exists()


@pytest.mark.parametrize(
    ("verb", "form", "where"),
    [
        ("assign:me", {}, {"assignee__username": "dana"}),
        ("assign", {"assignee": "marek"}, {"assignee__username": "marek"}),
        ("snooze:1800", {}, {"snoozed_until__isnull": False}),
        ("severity", {"severity": "info", "reason": "noise"}, {"severity": "info"}),
        pytest.param(
            f"snooze-until:{TOMORROW}", {}, {"snoozed_until": TOMORROW}, id="snooze until a time"
        ),
        pytest.param("snooze", {"until": TOMORROW}, {"snoozed_until": TOMORROW}, id="snooze"),
        ("resolve", {"reason": "A test."}, {"status": "resolved"}),
        ("comment", {"text": "Seen.\nBy us."}, {"timeline__text": "Seen.\nBy us."}),
    ],
)
def test_every_deed_of_the_bar_can_be_done_to_all(page, many, verb, form, where):
    make_person("marek", "responder")

    confirm(page, ask(page, verb, **form))

    assert len(finish().done) == 60
    assert Incident.objects.filter(**where).count() == 60


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("merge", {}),
        ("explode", {}),
        ("snooze:soon", {}),
        ("snooze-until:soon", {}),
        ("snooze-until:2020-01-01T09:00Z", {}),
        ("snooze", {"until": ""}),
        ("comment", {"text": " "}),
        ("severity:worst", {}),
        ("assign:nobody", {}),
        ("acknowledge", {"newest": ""}),
        ("acknowledge", {"newest": "x"}),
        ("acknowledge", {"q": "severity:hihg"}),
        ("acknowledge", {"q": "status:closed"}),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_asked(page, many, verb, form):
    refused = ask(page, verb, **form)

    assert refused.status_code == 409
    assert 'role="alert"' in refused.content.decode()
    assert not BulkDeed.objects.exists()


def test_what_opens_after_the_look_is_left_alone(page, many):
    asked = ask(page)
    receive(make_integration("late"), alert("Late", host="late"))

    confirm(page, asked)

    assert len(finish().done) == 60
    assert Incident.objects.get(acknowledged_at=None).title == "Late"


def test_the_progress_tells_what_was_skipped_and_why(page, many):
    confirm(page, ask(page, "snooze:1800"))
    lifecycle.transition(many[0].number, to="resolved", actor="test")
    deed = BulkDeed.objects.get()
    bulk.carry_on(deed.pk)

    body = page.get(reverse("incident-bulk-progress", args=[deed.pk])).content.decode()

    assert f"Snoozed {bulk.BATCH - 1} of 60 incidents" in body
    assert "1 skipped (A resolved incident cannot be snoozed.)" in body
    assert f"INC-{many[0].number}</a>" in body
    assert 'data-subscribe="incidents"' in body


def test_the_end_is_told_aloud_and_asks_no_more(page, many):
    confirm(page, ask(page))
    deed = finish()

    response = page.get(reverse("incident-bulk-progress", args=[deed.pk]), headers=HX)

    assert "Acknowledged 60 incidents." in response.headers["HX-Trigger"]
    assert "hx-get" not in response.content.decode()


def test_all_can_be_taken_back_from_the_list_after_a_reload(page, many):
    confirm(page, ask(page))
    deed = finish()
    undo = reverse("incident-bulk-undo", args=[deed.pk])
    assert f'hx-post="{undo}"' in page.get("/incidents/").content.decode()

    page.post(undo, headers=HX)
    finish()

    assert not Incident.objects.exclude(acknowledged_at=None).exists()
    assert not Incident.objects.exclude(assignee=None).exists()
    assert undo not in page.get("/incidents/").content.decode()


def test_taking_back_twice_is_refused_in_words(page, many):
    confirm(page, ask(page))
    undo = reverse("incident-bulk-undo", args=[finish().pk])
    page.post(undo, headers=HX)

    refused = page.post(undo, headers=HX)

    assert refused.status_code == 409
    assert "once, and for ten minutes only" in refused.content.decode()


def test_it_is_followed_and_taken_back_by_the_person_who_asked_only(client, page, many):
    confirm(page, ask(page))
    deed = finish()
    client.force_login(make_person("marek", "responder"))

    assert client.get(reverse("incident-bulk-progress", args=[deed.pk])).status_code == 404
    assert client.post(reverse("incident-bulk-undo", args=[deed.pk])).status_code == 409
    assert "Acknowledged 60" not in client.get("/incidents/").content.decode()


def test_a_viewer_may_not(client, many):
    client.force_login(make_person("vera", "viewer"))

    assert offer(client).status_code == 403
    assert ask(client, confirmed="yes").status_code == 403
    assert not BulkDeed.objects.exists()


def test_a_search_with_markup_is_text_in_the_question(page, many):
    body = ask(page, query='-title:"<img src=x>"').content.decode()

    assert "<img" not in body
    assert "Acknowledge all 60 incidents?" in body
