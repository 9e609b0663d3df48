"""Dashboards and their versions; `aiops_site.models` is where Django finds them."""

from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.db.models import Q


class DashboardQuerySet(models.QuerySet["Dashboard"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """What everybody may see, and one's own."""
        return self.filter(Q(is_shared=True) | Q(owner=user.pk, owner__isnull=False))


class Dashboard(models.Model):
    """A page of panels somebody put together; what is on it stands in its versions."""

    slug = models.SlugField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    description = models.TextField(blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        related_name="dashboards",
        help_text="Nobody owns those that came with the console.",
    )
    is_shared = models.BooleanField(
        default=False, help_text="Everybody sees it, editors change it."
    )
    is_starter = models.BooleanField(default=False, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)
    panel_count = models.PositiveSmallIntegerField(default=0, editable=False)
    changed_at = models.DateTimeField()

    objects = DashboardQuerySet.as_manager()

    class Meta:
        app_label = "aiops_site"
        ordering = ["title", "pk"]
        indexes = [models.Index(fields=["title", "id"], name="dashboard_by_title")]

    def __str__(self) -> str:
        return self.title


class DashboardVersion(models.Model):
    """One state of a dashboard. Never changed once written; a change is a new version."""

    dashboard = models.ForeignKey(Dashboard, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    document = models.JSONField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "aiops_site"
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["dashboard", "number"], name="dashboard_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.dashboard} v{self.number}"
