from pathlib import Path
from typing import Any

import pytest

from aiops_site import sample_estate
from aiops_site.estate import layout, state
from aiops_site.estate.state import EstateNotRunning, EstateState
from automation.models import Connection
from incidents.models import Integration
from telemetry.credentials import decrypt, hash_token
from telemetry.models import Dependency, Service

pytestmark = pytest.mark.django_db
FIRST = "canary-1"


@pytest.fixture
def running(settings: Any, tmp_path: Path) -> Any:
    """An estate has been started, and left its address and password behind."""
    settings.DATA_DIR = tmp_path
    folder = state.folder_of(tmp_path)
    folder.mkdir(parents=True)

    def start(port: int = 9001, secret: str = FIRST) -> None:
        state.write(
            EstateState(
                folder=folder,
                console_url="http://127.0.0.1:8000",
                ports={"checkout": 9101},
                supervisor_url=f"http://127.0.0.1:{port}/RPC2",
                owner_pid=1,
                supervisor_password=secret,
            )
        )

    return start


class TestRegister:
    def test_the_services_are_known_with_who_calls_whom(self):
        sample_estate.register()

        checkout = Service.objects.get(slug="checkout")
        assert set(Service.objects.values_list("slug", flat=True)) == set(layout.SERVICE_NAMES)
        assert (checkout.owner, checkout.tier) == ("orders", 1)
        assert {s.slug for s in checkout.calls.all()} == {"payments", "store"}

    def test_its_two_tokens_are_those_of_two_integrations(self):
        alerts, metrics = sample_estate.register()

        kept = dict(Integration.objects.values_list("token_hash", "provider"))
        assert kept == {hash_token(alerts): "alertmanager", hash_token(metrics): "otlp"}

    def test_again_is_the_same_world_with_new_tokens(self):
        first = sample_estate.register()
        edges = Dependency.objects.count()

        second = sample_estate.register()

        hashes = set(Integration.objects.values_list("token_hash", flat=True))
        assert hashes == {hash_token(token) for token in second}
        assert not hashes & {hash_token(token) for token in first}
        assert Service.objects.count() == len(layout.SERVICES)
        assert Dependency.objects.count() == edges

    def test_what_people_said_about_a_service_stays(self):
        Service.objects.create(slug="checkout", tier=4, owner="us")

        sample_estate.register()

        assert Service.objects.get(slug="checkout").owner == "us"
        assert Service.objects.get(slug="checkout").tier == 4

    def test_a_service_that_an_alert_had_made_is_described(self):
        Service.objects.create(slug="checkout")

        sample_estate.register()

        assert Service.objects.get(slug="checkout").owner == "orders"

    def test_a_sender_that_was_switched_off_is_on_again(self):
        sample_estate.register()
        Integration.objects.update(is_enabled=False)

        sample_estate.register()

        assert Integration.objects.filter(is_enabled=True).count() == 2


class TestConnect:
    def test_the_supervisor_can_be_reached_with_a_secret_nobody_reads(self, running: Any):
        running()

        sample_estate.connect()

        connection = Connection.objects.get()
        assert (connection.executor, connection.is_default) == ("supervisor", True)
        assert connection.url == "http://127.0.0.1:9001/RPC2"
        assert decrypt(connection.secret) == "canary-1"
        assert "canary-1" not in connection.secret

    def test_the_next_start_has_a_new_address_and_a_new_version_of_the_secret(self, running: Any):
        running()
        sample_estate.connect()
        running(9002, "canary-2")

        sample_estate.connect()

        connection = Connection.objects.get()
        assert connection.url == "http://127.0.0.1:9002/RPC2"
        assert decrypt(connection.secret) == "canary-2"
        assert connection.secret_version == 2

    def test_peoples_own_default_stays_the_default(self, running: Any):
        running()
        own = Connection.objects.create(
            executor="supervisor", name="production", url="http://127.0.0.1:9", is_default=True
        )

        sample_estate.connect()

        assert Connection.objects.get(is_default=True) == own

    def test_without_an_estate_there_is_nothing_to_connect(self, settings: Any, tmp_path: Path):
        settings.DATA_DIR = tmp_path

        with pytest.raises(EstateNotRunning):
            sample_estate.connect()

        assert sample_estate.opened_addresses() == []

    def test_only_its_own_ports_are_opened(self, running: Any):
        running()

        assert sample_estate.opened_addresses() == ["127.0.0.1/32:9001", "127.0.0.1/32:9101"]
