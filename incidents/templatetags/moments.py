"""Moments that forms offer; static/ui/moments.js puts them into the reader's own zone."""

from datetime import UTC, datetime, time, timedelta

from django import template
from django.utils import timezone

MORNING = time(9, tzinfo=UTC)

register = template.Library()


@register.simple_tag
def next_morning() -> str:
    """Nine o'clock that comes next, in UTC: "2026-11-23T09:00:00Z"."""
    now = timezone.now()
    today = datetime.combine(now.astimezone(UTC), MORNING)
    morning = today if today > now else today + timedelta(days=1)
    return f"{morning:%Y-%m-%dT%H:%M:%SZ}"
