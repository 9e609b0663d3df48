"""The exact plan a runbook version would make of given parameters, for its author to look at."""

from collections.abc import Mapping
from typing import Any

from automation.models import RunbookVersion
from automation.plan import Plan, VersionRef, render
from automation.planning import context_now
from automation.published import document_of


def preview(version: RunbookVersion, parameters: Mapping[str, Any]) -> Plan:
    """Of drafts too. There is no incident to take values from, so every parameter without a
    default has to be given. Raises `PlanRefused`, and `ValidationError` for an unreadable text.
    """
    reference = VersionRef(version.pk, version.sha256)
    return render(document_of(version), reference, parameters, context_now())
