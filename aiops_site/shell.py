"""What every page of the shell shows beside its own content."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from aiops_site.first_steps import Reminder, reminder_for
from automation.guardrails import pause_reason
from automation.models import Remediation
from incidents.models import Incident, Severity


def context(request: HttpRequest) -> dict[str, Any]:
    """Context processor. Counted only when a template asks."""
    return {
        "nav_counts": SimpleLazyObject(lambda: _counts(request)),
        "automation_paused": SimpleLazyObject(lambda: _paused(request)),
        "first_steps": SimpleLazyObject(lambda: _first_steps(request)),
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


def _first_steps(request: HttpRequest) -> Reminder | None:
    may = _is_signed_in(request) and request.user.has_perm("incidents.view_integration")
    return reminder_for(request.user) if may else None  # type: ignore[arg-type]


def _is_signed_in(request: HttpRequest) -> bool:
    user = getattr(request, "user", None)
    return user is not None and user.is_authenticated
