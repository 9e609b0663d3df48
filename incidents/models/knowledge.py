from collections.abc import Collection
from typing import Self

from django.db import models

from incidents.models.incident import Incident
from telemetry.models import Service


class KnowledgeArticleQuerySet(models.QuerySet["KnowledgeArticle"]):
    def about(self, *, service_id: int | None, classification: str) -> Self:
        """About this kind of trouble on this service, or on any; none of unknown trouble."""
        if classification in ("", "unknown"):
            return self.none()
        here = models.Q(service=None) | models.Q(service=service_id)
        return self.filter(here, classification=classification)


class KnowledgeArticle(models.Model):
    """What is known about a kind of trouble; by people, and when an incident is resolved."""

    title = models.CharField(max_length=300)
    body = models.TextField(help_text="Markdown.")
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.SET_NULL)
    classification = models.CharField(max_length=40, blank=True)
    incident = models.OneToOneField(
        Incident,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="article",
        help_text="The incident it was written for, if any.",
    )
    learnt_hash = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        help_text="SHA-256 of the body as last written when an incident ended; "
        "a body that differs has been edited by a person and is left alone.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = KnowledgeArticleQuerySet.as_manager()

    class Meta:
        ordering = ["-updated_at"]

    def __str__(self) -> str:
        return self.title


class KnownFixQuerySet(models.QuerySet["KnownFix"]):
    def seen_with(self, *, alert_names: Collection[str], service_ids: Collection[int]) -> Self:
        """Tried on one of these alerts, on one of these services or whatever the service."""
        here = models.Q(service=None) | models.Q(service__in=service_ids)
        return self.filter(here, alert_name__in=alert_names)


class KnownFix(models.Model):
    """A runbook that has been tried on this kind of trouble, and how often it worked."""

    classification = models.CharField(max_length=40)
    service = models.ForeignKey(Service, null=True, blank=True, on_delete=models.CASCADE)
    alert_name = models.CharField(max_length=255)
    runbook = models.CharField(max_length=100)
    successes = models.PositiveIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    last_incident = models.ForeignKey(Incident, null=True, blank=True, on_delete=models.SET_NULL)
    updated_at = models.DateTimeField(auto_now=True)

    objects = KnownFixQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "known fixes"
        ordering = ["-successes", "failures"]
        constraints = [
            models.UniqueConstraint(
                fields=["classification", "service", "alert_name", "runbook"], name="known_fix_once"
            ),
            models.UniqueConstraint(
                fields=["classification", "alert_name", "runbook"],
                condition=models.Q(service=None),
                name="known_fix_once_for_any_service",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.runbook} for {self.alert_name}"

    @property
    def tries(self) -> int:
        return self.successes + self.failures


class FixOutcome(models.Model):
    """One try of a known fix on an incident; its reference keeps it from being counted twice."""

    fix = models.ForeignKey(KnownFix, on_delete=models.CASCADE, related_name="outcomes")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="fix_outcomes")
    reference = models.CharField(
        max_length=100, unique=True, help_text="Who tried it, for example execution:17."
    )
    verified = models.BooleanField(help_text="Whether the signal came back afterwards.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return f"{self.reference}: {self.fix}"
