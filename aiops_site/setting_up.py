"""What a console needs before anybody can use it. Everything here may be repeated."""

from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.urls import reverse

from aiops_site.dashboards import keeping
from aiops_site.dashboards.document import read
from aiops_site.models import Dashboard, SetupLink
from automation.models import Runbook
from automation.published import publish, write_version
from incidents.models import CorrelationRule
from telemetry.credentials import issue_token

STARTERS = Path(settings.BASE_DIR) / "automation" / "runbooks"
STARTER_DASHBOARDS = Path(settings.BASE_DIR) / "aiops_site" / "dashboards" / "starters"


def offer_sign_in() -> str:
    """Until there is an administrator: a new one-time link for the first one."""
    if User.objects.filter(is_superuser=True).exists():
        SetupLink.objects.all().delete()
        return f"Sign in at {settings.PUBLIC_URL}{reverse('login')}"
    token = issue_token()
    SetupLink.objects.all().delete()
    SetupLink.objects.create(token_hash=token.hashed)
    path = reverse("setup", args=[token.plain])
    return f"First time here: make the administrator at {settings.PUBLIC_URL}{path}"


def seed_runbooks() -> str:
    """The starters, published. One that exists is left to its owners."""
    known = set(Runbook.objects.values_list("name", flat=True))
    for file in sorted(STARTERS.glob("*.yaml")):
        if file.stem not in known:
            publish(write_version(file.read_text(), author=None, reason="Starter runbook"))
    return ""


def seed_rules() -> str:
    """One rule to begin with, so that the first look at the page shows how rules read."""
    if not CorrelationRule.objects.exists():
        CorrelationRule.objects.create(
            name="Same cluster and alert name",
            matchers=['cluster=~".+"'],
            group_by=["cluster", "alertname"],
            window_seconds=600,
        )
    return ""


def seed_dashboards() -> str:
    """The starters, for a console without any dashboard: one that was deleted stays away."""
    if not Dashboard.objects.exists():
        for file in sorted(STARTER_DASHBOARDS.glob("*.json")):
            document = read(file.read_text())
            keeping.create(
                document, owner=None, is_shared=True, is_starter=True, reason="Starter dashboard"
            )
    return ""
