"""The exact plan a runbook version would make of given parameters, for its author to look at."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from automation.models import Connection, RunbookVersion
from automation.plan import ConnectionRef, Context, Plan, SecretRef, VersionRef, render
from automation.planning import RUN_AS, VALID_FOR
from automation.published import document_of


def preview(version: RunbookVersion, parameters: Mapping[str, Any]) -> Plan:
    """Of drafts too. There is no incident to take values from, so every parameter without a
    default has to be given. Raises `PlanRefused`, and `ValidationError` for an unreadable text.
    """
    connections = list(Connection.objects.all())
    context = Context(
        run_as=RUN_AS,
        expires_at=timezone.now() + VALID_FOR,
        connections={each.name: _reference(each) for each in connections},
        defaults={each.executor: each.name for each in connections if each.is_default},
    )
    reference = VersionRef(version.pk, version.sha256)
    return render(document_of(version), reference, parameters, context)


def _reference(connection: Connection) -> ConnectionRef:
    secrets = (SecretRef(connection.name, connection.secret_version),) if connection.secret else ()
    return ConnectionRef(connection.name, connection.executor, connection.url, secrets)
