"""Whatever alphabet a service is named in, its alerts find it and people can read it."""

import pytest

from incidents.models import Alert, Incident
from telemetry.models import Service
from tests.intake.conftest import alert, group
from tests.site.world import browser


def test_a_service_named_in_another_alphabet_is_kept_and_shown_by_its_name(send):
    send("alertmanager", group(alert(service="支付")))

    incident = Incident.objects.get()
    service = incident.service
    page = browser().get(f"/services/{service.slug}/")
    assert service.slug.isascii()
    assert "<h1>支付</h1>" in page.content.decode()
    assert incident.title == "HighErrorRate on 支付"


def test_services_that_differ_only_in_what_a_slug_cannot_show_stay_apart(send):
    send("alertmanager", group(alert(service="支付-eu"), alert(service="订单-eu")))

    assert set(Service.objects.values_list("name", flat=True)) == {"支付-eu", "订单-eu"}
    assert Incident.objects.count() == 2


def test_an_alert_keeps_its_service_from_one_delivery_to_the_next(send):
    send("alertmanager", group(alert(service="🔥")))
    send("alertmanager", group(alert(service="🔥", status="resolved")))

    assert Alert.objects.get().service == Service.objects.get()
    assert Incident.objects.get().status == "resolved"


def test_a_person_s_name_for_a_service_outlives_its_alerts(send):
    send("alertmanager", group(alert("A", service="支付")))
    Service.objects.update(name="Payments")

    send("alertmanager", group(alert("B", service="支付")))

    assert Service.objects.get().name == "Payments"


@pytest.mark.parametrize("says_nothing", ["", "-", "???"])
def test_the_next_label_names_the_service_when_the_first_says_nothing(send, says_nothing):
    send("alertmanager", group(alert(service=says_nothing, app="checkout")))

    assert Incident.objects.get().service.slug == "checkout"
