from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from aiops_site.doctor import examine
from incidents import knowledge, lifecycle
from incidents.analysis import pipeline
from incidents.models import AnalysisStep, Incident
from telemetry.models import Service
from tests.incidents.pages_world import alert, make_integration, make_person, newest, receive

pytestmark = pytest.mark.django_db
URL = "/incidents/declare/"
GIVEN = {"title": " Customers  cannot pay ", "severity": "high", "summary": "Support has calls."}


@pytest.fixture
def checkout():
    return Service.objects.create(slug="checkout")


def declare(page, **given):
    page.post(URL, {**GIVEN, **given})
    return newest()


def test_a_person_opens_an_incident_without_an_alert(page, checkout):
    response = page.post(URL, {**GIVEN, "service": "checkout"})

    incident = newest()
    (entry,) = incident.timeline.all()
    assert response.url == reverse("incident", args=[incident.number])
    assert (incident.title, incident.severity) == ("Customers cannot pay", "high")
    assert (incident.severity_rank, incident.status) == (1, "open")
    assert (incident.service, list(incident.services.all())) == (checkout, [checkout])
    assert (entry.actor, entry.text) == ("dana", "Declared: Support has calls.")


def test_service_and_summary_may_be_left_out(page):
    incident = declare(page, summary="")

    assert incident.service is None
    assert incident.timeline.get().text == "Declared"


def test_its_page_does_not_count_alerts_that_did_not_come(page):
    incident = declare(page)

    body = page.get(reverse("incident", args=[incident.number])).content.decode()

    assert "no alert came in, and the cause is not known yet." in body


def test_the_list_leads_to_the_form_in_a_dialog(page):
    assert f'hx-get="{URL}"' in page.get("/incidents/").content.decode()

    alone = page.get(URL, headers={"HX-Request": "true"}).content.decode()

    assert "<html" not in alone
    assert 'data-opens="declare"' in alone
    assert "<html" in page.get(URL).content.decode()


def test_the_dialog_goes_on_to_the_incident(page):
    response = page.post(URL, GIVEN, headers={"HX-Request": "true"})

    assert response.headers["HX-Redirect"] == reverse("incident", args=[newest().number])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"title": " "}, "This field is required."),
        ({"title": "x" * 301}, "at most 300 characters"),
        ({"severity": "worst"}, "Select a valid choice"),
        ({"service": "nowhere"}, "Select a valid choice"),
    ],
)
def test_a_mistake_is_said_at_its_field_and_opens_nothing(page, given, said):
    response = page.post(URL, {**GIVEN, **given})

    assert response.status_code == 422
    assert said in response.content.decode()
    assert not Incident.objects.exists()


def test_a_viewer_sees_no_button_and_may_not(client):
    client.force_login(make_person("vera", "viewer"))

    assert URL not in client.get("/incidents/").content.decode()
    assert client.post(URL, GIVEN).status_code == 403
    assert not Incident.objects.exists()


def test_two_may_be_declared_for_one_service(page, checkout):
    first = declare(page, service="checkout")
    second = declare(page, service="checkout")

    assert {first.status, second.status} == {"open"}


def test_every_step_of_the_analysis_copes_with_no_alert(page, checkout):
    incident = declare(page, service="checkout")
    pipeline.begin(incident.number)

    while pipeline.run_next(incident.number):
        pass

    states = set(incident.analysis_steps.values_list("state", flat=True))
    assert states <= {AnalysisStep.State.DONE, AnalysisStep.State.NOT_ENOUGH_DATA}
    assert page.get(reverse("incident", args=[incident.number])).status_code == 200


def test_it_stays_open_and_is_not_reported_as_broken(page):
    incident = declare(page)
    long_ago = timezone.now() - timedelta(hours=3)
    Incident.objects.update(last_activity_at=long_ago, opened_at=long_ago)
    receive(make_integration(), {**alert("Other", host="x"), "status": "resolved"})

    incident.refresh_from_db()

    assert incident.status == "open"
    assert [verdict for verdict in examine() if not verdict.holds] == []


def test_an_alert_of_its_service_joins_it(page, checkout):
    incident = declare(page, service="checkout")

    receive(make_integration(), alert("Down", service="checkout"))

    incident.refresh_from_db()
    assert newest() == incident
    assert incident.alert_count == 1


def test_it_is_resolved_by_a_person_and_learnt_from(page, dana):
    incident = declare(page)
    lifecycle.transition(incident.number, to="resolved", actor="dana")

    assert knowledge.learn(incident.number)
    assert "No alert is linked to it." in incident.article.body


def test_with_the_last_of_its_alerts_it_resolves_like_any_other(page, checkout):
    incident = declare(page, service="checkout")
    sender, down = make_integration(), alert("Down", service="checkout")
    receive(sender, down)

    receive(sender, {**down, "status": "resolved", "endsAt": timezone.now().isoformat()})

    incident.refresh_from_db()
    assert incident.status == "resolved"
