from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from incidents import lifecycle
from incidents.models import Alert, KnowledgeArticle, KnownFix
from tests.incidents.pages_world import alert, make_integration, make_person, newest, receive

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _any_host(settings):
    settings.ALLOWED_HOSTS = ["testserver"]


@pytest.fixture
def page(client):
    client.force_login(make_person("dana", "responder"))
    return client


@pytest.fixture
def integration():
    return make_integration()


def test_a_label_adds_itself_to_the_search(page, integration):
    receive(integration, alert("Down", host="web 1"))

    row = page.get("/alerts/").context["rows"][0]

    (label,) = row.labels
    assert label.url == "/alerts/?q=is%3Afiring+label.host%3A%22web+1%22"
    assert page.get(label.url).context["rows"][0].alert == row.alert


def test_a_label_that_the_language_cannot_name_is_no_link(page, integration):
    receive(integration, alert("Down", **{"a b": "c"}))

    assert page.get("/alerts/").context["rows"][0].labels[0].url == ""


def test_an_unreadable_search_names_the_mistake(page):
    response = page.get("/alerts/?q=is:burning")

    assert response.status_code == 400
    assert "Unknown value" in response.content.decode()


def test_nothing_firing_proves_that_the_pipe_is_alive(page, integration):
    receive(integration, alert("Down"))
    Alert.objects.update(status="resolved")

    body = page.get("/alerts/").content.decode()

    assert "Nothing is firing" in body
    assert "from alertmanager-prod" in body


def test_an_alert_shows_what_its_sender_said_as_text(page, integration):
    receive(integration, alert("Down", summary="<b>bad</b>", host='"><svg onload=x>'))

    body = page.get(reverse("alert", args=[Alert.objects.get().pk])).content.decode()

    assert "&lt;b&gt;bad&lt;/b&gt;" in body
    assert "<svg onload" not in body
    assert "http://prometheus.example/graph" in body
    assert f"INC-{newest().number}" in body


def test_a_link_that_is_not_of_the_web_is_left_out(page, integration):
    receive(integration, alert("Down"))
    Alert.objects.update(url="javascript:alert(1)")

    assert (
        'href="javascript:'
        not in page.get(reverse("alert", args=[Alert.objects.get().pk])).content.decode()
    )


def test_a_clock_that_runs_ahead_is_told(page, integration):
    receive(integration, alert("Down"))
    Alert.objects.update(starts_at=timezone.now() + timedelta(hours=3))

    body = page.get(reverse("alert", args=[Alert.objects.get().pk])).content.decode()

    assert "sender clock +" in body


def test_knowledge_is_listed_searched_and_read(page):
    article = KnowledgeArticle.objects.create(
        title="Payments hangs", body="**Restart** it <script>x</script>"
    )
    KnowledgeArticle.objects.create(title="Something else", body="no")

    everything = page.get("/knowledge/").content.decode()
    found = page.get("/knowledge/?q=payments").context["articles"]
    read = page.get(reverse("article", args=[article.pk])).content.decode()

    assert "Payments hangs" in everything
    assert "Something else" in everything
    assert found == [article]
    assert "<strong>Restart</strong>" in read
    assert "<script>x" not in read


def test_knowledge_is_found_from_an_incident(page, integration):
    KnowledgeArticle.objects.create(title="Payments hangs", body="restart")
    receive(integration, alert("Down"))
    url = reverse("incident-knowledge", args=[newest().number])

    body = page.get(f"{url}?q=payments", headers={"HX-Request": "true"}).content.decode()

    assert "Payments hangs" in body
    assert "<html" not in body
    assert page.get(f"{url}?q=payments").url == "/knowledge/?q=payments"


def test_a_known_fix_is_told_with_how_often_it_was_tried(page):
    KnownFix.objects.create(
        classification="latency", alert_name="Slow", runbook="restart-service",
        successes=2, failures=1,
    )  # fmt: skip

    assert "2 of 3" in page.get("/knowledge/").content.decode()


def test_an_empty_knowledge_base_says_where_it_comes_from(page):
    assert "Nothing has been learnt yet" in page.get("/knowledge/").content.decode()


def test_an_alert_leaves_its_incident_from_its_own_page(page, integration):
    receive(integration, alert("Down", service="checkout"), alert("Slow", service="checkout"))
    receive(integration, alert("Other", host="elsewhere"))
    other, down = newest(), Alert.objects.get(name="Down")
    shown = page.get(reverse("alert", args=[down.pk])).content.decode()
    separate = reverse("incident-act", args=[down.incident_id, "separate"])

    page.post(separate, {"alert": down.pk, "into": f"INC-{other.number}"})

    assert shown.count(f'action="{separate}"') == 2
    down.refresh_from_db()
    assert down.incident == other


def test_a_viewer_and_an_incident_that_is_over_offer_no_way_out(client, page, integration):
    receive(integration, alert("Down"))
    down = Alert.objects.get()
    url = reverse("alert", args=[down.pk])
    lifecycle.transition(down.incident_id, to="resolved", actor="test")
    over = page.get(url).content.decode()
    lifecycle.transition(down.incident_id, to="open", actor="test")
    client.force_login(make_person("vera", "viewer"))

    assert "move-alert" not in over
    assert "move-alert" not in client.get(url).content.decode()
