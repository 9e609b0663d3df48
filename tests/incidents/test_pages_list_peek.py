import pytest
from django.urls import reverse

from incidents import lifecycle
from incidents.analysis import pipeline
from tests.incidents.analysis_world import build_shop
from tests.incidents.pages_world import alert, make_integration, make_person, newest, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident():
    build_shop()
    receive(make_integration(), alert("ServiceDown", service="payments", summary="payments down"))
    return newest()


def peek(page, incident):
    return page.get(reverse("incident-peek", args=[incident.number]))


def test_a_peek_shows_what_is_known_in_a_fragment(page, incident):
    pipeline.begin(incident.number)
    while pipeline.run_next(incident.number):
        pass

    body = peek(page, incident).content.decode()

    assert "<html" not in body
    assert "payments down" in body
    assert "Likely" in body
    assert "payments is down." in body
    assert f'href="/incidents/INC-{incident.number}/"' in body


def test_the_cause_is_said_to_be_unknown_before_the_analysis(page, incident):
    assert "Not known" in peek(page, incident).content.decode()


def test_the_last_five_entries_are_shown_in_order(page, incident, dana):
    for number in range(6):
        lifecycle.comment(incident.number, text=f"comment {number}", by=dana)

    entries = peek(page, incident).context["entries"]

    assert [entry.text for entry in entries] == [f"comment {number}" for number in range(1, 6)]


def test_what_is_offered_is_what_is_left_to_do(page, incident, dana):
    before = peek(page, incident).content.decode()
    lifecycle.acknowledge(incident.number, by=dana)

    after = peek(page, incident).content.decode()

    assert 'value="acknowledge"' in before
    assert 'value="acknowledge"' not in after
    assert 'value="assign:me"' not in after
    assert 'value="resolve"' in after


def test_a_resolved_incident_offers_only_to_be_opened(page, incident):
    lifecycle.transition(incident.number, to="resolved", actor="test")

    assert "<form" not in peek(page, incident).content.decode()


def test_a_viewer_may_peek_and_change_nothing(client, incident):
    client.force_login(make_person("vera", "viewer"))

    body = peek(client, incident).content.decode()

    assert "payments down" in body
    assert "<form" not in body


def test_what_is_not_there_cannot_be_peeked_at(page):
    assert page.get(reverse("incident-peek", args=[999_999])).status_code == 404


def test_texts_of_others_are_inert(page):
    receive(make_integration("other"), alert("<script>x</script>", summary="<img src=x>"))

    body = peek(page, newest()).content.decode()

    assert "<script>x" not in body
    assert "<img" not in body


def test_every_row_has_a_control_for_its_peek(page, incident):
    body = page.get("/incidents/").content.decode()

    assert f'aria-label="Peek at INC-{incident.number}"' in body
    assert f'data-peek-url="/incidents/{incident.number}/peek/"' in body
    assert 'data-key="Space" data-key-label="Peek"' in body


def test_of_a_declared_incident_it_says_that_no_alert_has_come(page):
    page.post("/incidents/declare/", {"title": "Customers cannot pay", "severity": "high"})

    assert "No alert belongs to it so far." in peek(page, newest()).content.decode()
