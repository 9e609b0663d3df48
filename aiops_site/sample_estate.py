"""The sample estate as the console knows it: its services, its tokens, its way to be restarted."""

from django.conf import settings
from django.db import transaction

from aiops_site.estate import layout, state
from aiops_site.supervision.sample import outbound_addresses
from automation.models import Connection
from incidents.models import Integration
from telemetry.credentials import encrypt, issue_token
from telemetry.models import Dependency, Service

ALERTS, METRICS = "Sample estate alerts", "Sample estate metrics"
CONNECTION = "sample-estate"


def register() -> tuple[str, str]:
    """New tokens for its prober and its meters: (alerts, metrics). The old ones stop working."""
    with transaction.atomic():
        _register_services()
        return _token_for(ALERTS, "alertmanager"), _token_for(METRICS, "otlp")


def connect() -> None:
    """Where the running estate's supervisor listens, and its password; new at each start."""
    estate = state.read(settings.DATA_DIR)
    others = Connection.objects.filter(executor="supervisor", is_default=True)
    is_default = not others.exclude(name=CONNECTION).exists()
    connection, _ = Connection.objects.get_or_create(
        name=CONNECTION, defaults={"executor": "supervisor", "is_default": is_default}
    )
    connection.url = estate.supervisor_url
    connection.username = estate.supervisor_username
    connection.secret = encrypt(estate.supervisor_password)
    connection.secret_version += 1
    connection.save()
    for name, port in estate.ports.items():
        url = f"http://{layout.LOOPBACK}:{port}{layout.HEALTH_PATH}"
        Service.objects.filter(slug=name).update(health_url=url)


def opened_addresses() -> list[str]:
    return outbound_addresses(settings.DATA_DIR)


def _register_services() -> None:
    known = {service.name: _service(service) for service in layout.SERVICES}
    for service in layout.SERVICES:
        for callee in service.dependencies:
            Dependency.objects.get_or_create(caller=known[service.name], callee=known[callee])


def _service(described: layout.ShopService) -> Service:
    facts = {"tier": described.tier, "owner": described.owner, "description": described.description}
    service, is_new = Service.objects.get_or_create(slug=described.name, defaults=facts)
    if not is_new and not service.owner:
        Service.objects.filter(pk=service.pk).update(**facts)
    return service


def _token_for(name: str, provider: str) -> str:
    token = issue_token()
    Integration.objects.update_or_create(
        name=name,
        defaults={
            "provider": provider,
            "token_hash": token.hashed,
            "token_prefix": token.plain[:6],
            "is_enabled": True,
        },
    )
    return token.plain
