from typing import Any

import pytest
from django.contrib.auth.models import User

from incidents import connecting
from incidents.connecting import CannotConnect
from incidents.models import Integration
from incidents.providers import PROVIDERS
from telemetry.credentials import hash_token

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def address(settings: Any) -> None:
    settings.PUBLIC_URL = "https://console.example.org"


@pytest.mark.parametrize("provider", [*PROVIDERS, *connecting.TELEMETRY])
def test_every_provider_gets_an_address_and_a_token_that_is_only_kept_as_a_hash(provider: str):
    made = connecting.connect(provider, name="Main", by=None)

    integration = Integration.objects.get()
    assert made.url.startswith("https://console.example.org/")
    assert integration.token_hash == hash_token(made.token)
    assert made.token.startswith(integration.token_prefix)
    assert made.token not in str(vars(integration))


@pytest.mark.parametrize(
    ("provider", "path"), [("grafana", "/api/v1/webhooks/grafana/"), ("otlp", "/v1/metrics")]
)
def test_the_address_is_where_that_sender_has_to_send(provider: str, path: str):
    made = connecting.connect(provider, name="Main", by=None)

    assert made.url == f"https://console.example.org{path}"


def test_a_routing_key_of_pagerduty_has_32_characters():
    assert len(connecting.connect("pagerduty", name="Main", by=None).token) == 32


def test_who_connected_it_is_noted():
    ada = User.objects.create_user("ada")

    assert connecting.connect("grafana", name="Main", by=ada).integration.created_by == ada


def test_an_unknown_provider_is_refused_with_those_there_are():
    with pytest.raises(CannotConnect, match=r"alertmanager.*otlp"):
        connecting.connect("myspace", name="Main", by=None)

    assert not Integration.objects.exists()


def test_a_name_that_is_taken_is_refused_and_the_first_one_keeps_its_token():
    first = connecting.connect("grafana", name="Main", by=None)

    with pytest.raises(CannotConnect, match="Main already"):
        connecting.connect("pagerduty", name="Main", by=None)

    assert Integration.objects.get().token_hash == hash_token(first.token)


@pytest.mark.parametrize("name", ["", "  ", "n" * 101])
def test_a_name_that_cannot_be_shown_or_kept_is_refused(name: str):
    with pytest.raises(CannotConnect, match="1 to 100"):
        connecting.connect("grafana", name=name, by=None)


def test_a_sender_is_called_like_its_product_with_a_number_if_that_is_taken():
    names = []
    for _ in range(3):
        names.append(connecting.free_name("grafana"))
        connecting.connect("grafana", name=names[-1], by=None)

    assert names == ["grafana", "grafana-2", "grafana-3"]
