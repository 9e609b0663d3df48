import json

import pytest
from django.urls import reverse

from incidents.models import Alert
from tests.incidents.pages_world import alert, make_integration, newest, receive

pytestmark = pytest.mark.django_db
MARKUP = "</pre><script>window.__xss=1</script>"


@pytest.fixture
def one():
    receive(make_integration(), alert("Down", service="checkout", note=MARKUP, summary="支付"))
    return Alert.objects.get()


def raw(page, one, **headers):
    return page.get(reverse("alert-raw", args=[one.pk]), headers=headers)


def test_without_a_script_it_is_the_json_itself(page, one):
    response = raw(page, one)

    facts = response.json()
    assert response.headers["Content-Type"] == "application/json"
    assert facts["labels"] == {
        "alertname": "Down",
        "severity": "critical",
        "service": "checkout",
        "note": MARKUP,
    }
    assert facts["service"] == "checkout"
    assert facts["integration"] == "alertmanager-prod"
    assert facts["incident"] == newest().number
    assert facts["ends_at"] is None


def test_in_the_dialog_it_is_text_to_copy(page, one):
    body = raw(page, one, HX_Request="true").content.decode()

    assert "<script>" not in body
    assert "&lt;script&gt;" in body
    assert "支付" in body
    assert 'data-copy="#raw-json"' in body


def test_an_alert_whose_source_and_service_are_gone_is_shown_too(page, one):
    Alert.objects.update(integration=None, service=None, incident=None)

    assert raw(page, one).json()["integration"] is None


def test_the_incident_and_the_alert_lead_to_it(page, one):
    shown = page.get(reverse("incident", args=[newest().number])).content.decode()
    alone = page.get(reverse("alert", args=[one.pk])).content.decode()

    assert f'hx-get="{reverse("alert-raw", args=[one.pk])}"' in shown
    assert "<script>window" not in alone
    assert json.dumps(MARKUP)[1:9] not in alone


def test_an_alert_that_is_not_there_is_not_found(page):
    assert page.get(reverse("alert-raw", args=[999])).status_code == 404
