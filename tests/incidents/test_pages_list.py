from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse
from django.utils import timezone

from incidents import lifecycle
from incidents.models import Incident, SavedView
from incidents.views import tabs
from telemetry.models import Service
from tests.incidents.pages_world import alert, make_integration, make_person, newest, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident():
    Service.objects.create(slug="checkout", tier=1)
    receive(make_integration(), alert("Down", service="checkout", summary="checkout is down"))
    return newest()


def post(page, verb, *incidents, **form):
    numbers = [incident.number for incident in incidents]
    return page.post(reverse("incident-bulk"), {"verb": verb, "number": numbers, **form})


def make_many(count):
    integration = make_integration("many")
    receive(integration, *(alert(f"Alert{n}", severity="low", host=f"h{n}") for n in range(count)))


def test_the_list_shows_title_service_status_and_alert_count(page, incident):
    body = page.get("/incidents/").content.decode()

    assert "checkout is down" in body
    assert f"INC-{incident.number}" in body
    assert '<span class="chip">checkout</span>' in body
    assert "Not acked" in body


def test_fifty_rows_take_as_many_queries_as_one(page, incident, django_assert_max_num_queries):
    make_many(60)
    page.get("/incidents/")

    with django_assert_max_num_queries(30):
        body = page.get("/incidents/").content.decode()

    assert body.count('<tr role="row" data-row=') == 50


def test_a_storm_is_told_with_how_few_incidents_it_makes(page):
    names = [f"Host{n}Down" for n in range(51)]
    receive(make_integration("rack"), *(alert(name, service="checkout") for name in names))

    stormy = page.get(reverse("incident-head")).content.decode()
    with time_machine.travel(timezone.now() + timedelta(minutes=2)):
        calm = page.get(reverse("incident-head")).content.decode()

    assert "51 new alerts in a minute</b>, grouped into 1 incident." in stormy
    assert "in a minute" not in calm


def test_fifty_alerts_in_a_minute_are_no_storm(page):
    make_many(50)

    assert "in a minute" not in page.get(reverse("incident-head")).content.decode()


def test_the_next_page_goes_on_where_the_first_one_ended(page):
    make_many(60)
    first = page.get("/incidents/")

    second = page.get(first.context["page"].next_url)

    shown = [row.incident.number for row in (*first.context["rows"], *second.context["rows"])]
    assert len(set(shown)) == len(shown) == 60
    assert (
        page.get(second.context["page"].previous_url).context["rows"][0].incident.number == shown[0]
    )


def test_a_cursor_of_another_list_is_not_found(page, incident):
    assert page.get("/incidents/?cursor=x").status_code == 404


def test_labels_with_markup_are_inert(page):
    receive(make_integration(), alert("<script>x</script>", summary='<img src=x onerror="y">'))

    for path in ("/incidents/", "/alerts/", f"/incidents/INC-{newest().number}/"):
        body = page.get(path).content.decode()
        assert "<script>x" not in body
        assert "<img" not in body


def test_an_unreadable_search_names_the_mistake_and_keeps_the_text(page, incident):
    response = page.get("/incidents/?q=severity:hihg", headers={"HX-Request": "true"})

    body = response.content.decode()
    assert response.status_code == 400
    assert response.headers["HX-Retarget"] == "#query-error"
    assert "Did you mean high?" in body
    assert "At character 10." in body


def test_without_a_script_an_unreadable_search_still_shows_the_list(page, incident):
    response = page.get("/incidents/?q=severity:hihg")

    assert response.status_code == 400
    assert 'value="severity:hihg"' in response.content.decode()
    assert response.context["rows"][0].incident == incident


def test_ticking_filters_becomes_a_search(page, incident):
    asked = {"filters": "1", "rest": "slow", "order": "sort:-opened"}
    terms = ["status:open", "status:closed", "owner:none", "nonsense:x"]

    response = page.get("/incidents/", {**asked, "f": terms})

    assert response.url == tabs.url_of("slow status:[open,closed] owner:none sort:-opened")


def test_filters_count_what_each_choice_would_show(page, incident):
    lifecycle.transition(incident.number, to="resolved", actor="test")
    make_many(2)

    facets = {facet.field: facet for facet in page.get("/incidents/").context["facets"]}

    statuses = {
        choice.value: (choice.count, choice.is_chosen) for choice in facets["status"].choices
    }
    assert statuses["open"] == (2, True)
    assert statuses["resolved"] == (1, False)
    assert [(c.value, c.count) for c in facets["owner"].choices] == [("none", 2)]


def test_the_source_can_be_searched_for(page, incident):
    make_many(2)

    found = page.get("/incidents/", {"q": "source:alertmanager-prod"}).context["rows"]
    others = page.get("/incidents/", {"q": "-source:alertmanager-prod"}).context["rows"]

    assert [row.incident for row in found] == [incident]
    assert len(others) == 2


def test_the_views_count_and_mark_the_one_that_is_shown(page, incident, dana):
    lifecycle.assign(incident.number, to=dana, by=dana)

    shown = {tab.key: tab for tab in page.get("/incidents/").context["tabs"]}

    assert shown["needs-action"].is_current
    assert (shown["mine"].count, shown["unassigned"].count) == (1, 0)


def test_acknowledging_can_be_taken_back_as_it_was(page, incident):
    response = post(page, "acknowledge", incident)
    incident.refresh_from_db()
    assert (incident.status, incident.assignee.username) == ("investigating", "dana")

    page.post(reverse("incident-undo", args=[response.context["outcome"].undo]))

    incident.refresh_from_db()
    assert (incident.status, incident.acknowledged_at, incident.assignee) == ("open", None, None)


def test_an_undo_leaves_alone_what_somebody_else_did_since(page, incident):
    marek = make_person("marek", "responder")
    token = post(page, "assign", incident).context["outcome"].undo
    lifecycle.assign(incident.number, to=marek, by=marek)

    outcome = page.post(reverse("incident-undo", args=[token])).context["outcome"]

    incident.refresh_from_db()
    assert outcome.refused == [(incident.number, "It has moved on since it was assigned.")]
    assert incident.assignee == marek


def test_an_undo_belongs_to_the_person_who_did_it(client, page, incident):
    token = post(page, "acknowledge", incident).context["outcome"].undo
    client.force_login(make_person("marek", "responder"))

    response = client.post(reverse("incident-undo", args=[token]))

    incident.refresh_from_db()
    assert response.status_code == 409
    assert incident.acknowledged_at is not None


def test_an_undo_is_over_after_ten_minutes(page, incident):
    token = post(page, "acknowledge", incident).context["outcome"].undo

    with time_machine.travel(timezone.now() + timedelta(minutes=11), tick=False):
        response = page.post(reverse("incident-undo", args=[token]))

    incident.refresh_from_db()
    assert response.status_code == 409
    assert incident.acknowledged_at is not None


def test_each_incident_has_its_own_outcome(page, incident):
    make_many(1)
    other = newest()
    lifecycle.transition(other.number, to="resolved", actor="test")

    result = post(page, "snooze:1800", incident, other).context["outcome"]

    incident.refresh_from_db()
    assert result.done == [incident.number]
    assert [number for number, _ in result.refused] == [other.number]
    assert incident.snoozed_until is not None


def test_selected_incidents_merge_into_the_oldest(page, incident):
    make_many(2)
    others = list(Incident.objects.exclude(pk=incident.pk))

    post(page, "merge", incident, *others)

    assert set(Incident.objects.filter(merged_into=incident)) == set(others)
    assert incident.alerts.count() == 3


@pytest.mark.parametrize("verb", ["", "explode", "snooze:soon", "severity:worst", "assign:nobody"])
def test_a_deed_that_makes_no_sense_is_refused_in_words(page, incident, verb):
    response = post(page, verb, incident)

    assert response.status_code == 409
    assert 'role="alert"' in response.content.decode()


def test_a_viewer_sees_the_list_and_may_change_nothing(client, incident):
    client.force_login(make_person("vera", "viewer"))

    assert 'id="bulk"' not in client.get("/incidents/").content.decode()
    assert post(client, "acknowledge", incident).status_code == 403


def test_a_row_comes_alone_for_a_list_on_the_screen(page, incident):
    body = page.get(reverse("incident-row", args=[incident.number])).content.decode()

    assert f'data-row="{incident.number}"' in body
    assert "<html" not in body


def test_a_view_is_saved_replaced_and_deleted_by_its_owner_only(client, page, dana, incident):
    save = reverse("incident-save-view")
    page.post(save, {"name": "Shop", "query": "service:shop", "is_shared": "on"})
    page.post(save, {"name": "Shop", "query": "service:checkout", "is_shared": "on"})
    view = SavedView.objects.get()
    client.force_login(make_person("marek", "responder"))

    assert view.query == "service:checkout"
    assert "Shop" in client.get("/incidents/").content.decode()
    assert client.post(reverse("incident-delete-view", args=[view.pk])).status_code == 404
    client.force_login(dana)
    client.post(reverse("incident-delete-view", args=[view.pk]))
    assert not SavedView.objects.exists()


def test_a_view_that_cannot_be_read_is_not_saved(page):
    page.post(reverse("incident-save-view"), {"name": "Bad", "query": "severity:hihg"})

    assert not SavedView.objects.exists()


def test_an_empty_list_proves_that_the_pipe_is_alive(page, incident):
    lifecycle.transition(incident.number, to="resolved", actor="test")

    body = page.get("/incidents/").content.decode()

    assert "No incidents need action" in body
    assert "from alertmanager-prod" in body


def test_a_console_without_senders_leads_to_the_first_one(page):
    assert "No alerts yet" in page.get("/incidents/").content.decode()


def test_a_search_that_finds_nothing_says_how_many_there_are_without_it(page, incident):
    body = page.get("/incidents/", {"q": "severity:info"}).content.decode()

    assert "No incident matches" in body
    assert "1 without this filter." in body
