from django.conf import settings
from django.db import models

from aiops_site.dashboards.models import Dashboard, DashboardVersion

__all__ = [
    "ApiToken",
    "Dashboard",
    "DashboardVersion",
    "DismissedSteps",
    "Heartbeat",
    "SetupLink",
    "SignInFailure",
]


class ApiToken(models.Model):
    """Lets a program act with its owner's roles; shown once, kept as a hash."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["owner", "name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="token_name_once")]

    def __str__(self) -> str:
        return self.name


class SetupLink(models.Model):
    """The one-time way in for the first administrator. Used up as soon as a superuser exists."""

    token_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"Setup link of {self.created_at:%Y-%m-%d %H:%M}"


class DismissedSteps(models.Model):
    """Somebody who wants to be reminded of the first steps no longer."""

    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dismissed_steps"
    )
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "dismissed steps"

    def __str__(self) -> str:
        return f"by {self.person}"


class SignInFailure(models.Model):
    """Counted in the database so that no restart forgives a guesser."""

    key = models.CharField(max_length=200, help_text="account:NAME or address:IP")
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["key", "at"], name="sign_in_failure_recent")]

    def __str__(self) -> str:
        return self.key


class Heartbeat(models.Model):
    """When a part of the console was last seen at work, for the status page."""

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%H:%M:%S}"
