"""Which dashboard a page is about, what stretch of time it shows, and who may change it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone

from aiops_site.dashboards import time_range
from aiops_site.dashboards.choosing import PREFIX, asked_in
from aiops_site.dashboards.document import Document
from aiops_site.dashboards.models import Dashboard
from aiops_site.dashboards.time_range import NoSuchTime, Range

RATES = (0, 10, 30, 60, 300)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address says. With a `problem` in its times the usual ones count."""

    seen: Range
    variables: Mapping[str, Sequence[str]]
    refresh_seconds: int
    is_kiosk: bool
    problem: str = ""

    @property
    def query(self) -> str:
        """For the addresses of the panels."""
        times = [("from", self.seen.source), ("to", self.seen.until)]
        chosen = [
            (f"{PREFIX}{name}", value)
            for name, values in self.variables.items()
            for value in values
        ]
        return urlencode(times + chosen)


def find(request: HttpRequest, slug: str) -> Dashboard:
    """404 for what is somebody else's alone, as for what there is not."""
    visible = Dashboard.objects.visible_to(request.user).select_related("owner")
    return get_object_or_404(visible, slug=slug)


def is_owner(user: AbstractBaseUser | AnonymousUser, dashboard: Dashboard) -> bool:
    """Whose it is decides who else sees it; what nobody owns is an administrator's."""
    if dashboard.owner_id is None:
        return bool(getattr(user, "is_superuser", False))
    return dashboard.owner_id == user.pk


def asked(request: HttpRequest, document: Document) -> Asked:
    now_ms = int(timezone.now().timestamp() * 1000)
    usual = f"now-{document.time}"
    source = request.GET.get("from", "")[:40] or usual
    until = request.GET.get("to", "")[:40] or "now"
    problem = ""
    try:
        seen = _read(source, until, now_ms)
    except NoSuchTime as error:
        problem, seen = str(error), time_range.read(usual, "now", now_ms=now_ms)
    is_kiosk = request.GET.get("kiosk") == "1"
    rate = _rate(request.GET.get("refresh"), document, is_kiosk=is_kiosk)
    return Asked(seen, asked_in(dict(request.GET.lists())), rate, is_kiosk, problem)


def _read(source: str, until: str, now_ms: int) -> Range:
    """What begins so long ago ends now: a preset is chosen without minding the end."""
    is_relative = source.startswith("now") and not until.startswith("now")
    return time_range.read(source, "now" if is_relative else until, now_ms=now_ms)


def _rate(given: str | None, document: Document, *, is_kiosk: bool) -> int:
    wanted = next((rate for rate in RATES if str(rate) == given), None)
    if wanted is not None:
        return wanted
    return document.refresh_seconds or (30 if is_kiosk else 0)
