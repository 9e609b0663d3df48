"""What every page of the shell shows beside its own content."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from automation.guardrails import pause_reason
from automation.models import Remediation
from incidents.models import Incident, Severity


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Counted only when a template asks."""
    return {
        "nav_counts": SimpleLazyObject(lambda: _counts(request)),
        "automation_paused": SimpleLazyObject(lambda: _paused(request)),
    }


def _counts(request: HttpRequest) -> dict[str, int]:
    if not _is_signed_in(request):
        return {}
    now = timezone.now()
    needing = Incident.objects.needs_action(now)
    waiting = Remediation.objects.filter(status=Remediation.Status.PROPOSED, expires_at__gt=now)
    return {
        "incidents": needing.count(),
        "critical": needing.filter(severity=Severity.CRITICAL).count(),
        "approvals": waiting.count(),
    }


def _paused(request: HttpRequest) -> str:
    reason = pause_reason() if _is_signed_in(request) else None
    return "" if reason is None else reason or "No reason was given."


def _is_signed_in(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return user is not None and user.is_authenticated
