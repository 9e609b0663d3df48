from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models

from incidents.models.severity import Severity
from telemetry.models import Service


class IncidentQuerySet(models.QuerySet["Incident"]):
    def active(self) -> Self:
        return self.filter(status__in=Incident.ACTIVE)

    def needs_action(self, at: datetime) -> Self:
        awake = models.Q(snoozed_until=None) | models.Q(snoozed_until__lte=at)
        return self.active().filter(awake)


class Incident(models.Model):
    """Something is wrong and somebody works on it; alerts are its symptoms."""

    class Status(models.TextChoices):
        OPEN = "open"
        INVESTIGATING = "investigating"
        IDENTIFIED = "identified"
        MONITORING = "monitoring"
        RESOLVED = "resolved"
        CLOSED = "closed"

    ACTIVE = (Status.OPEN, Status.INVESTIGATING, Status.IDENTIFIED, Status.MONITORING)

    number = models.BigAutoField(primary_key=True)
    title = models.CharField(max_length=300)
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.MEDIUM)
    severity_rank = models.PositiveSmallIntegerField(default=2, editable=False)
    status = models.CharField(max_length=15, choices=Status, default=Status.OPEN)
    service = models.ForeignKey(
        Service, null=True, blank=True, on_delete=models.SET_NULL, related_name="incidents"
    )
    services = models.ManyToManyField(Service, related_name="touching_incidents", blank=True)
    correlation_key = models.CharField(max_length=255)
    classification = models.CharField(max_length=40, blank=True)
    cause = models.CharField(max_length=300, blank=True)
    cause_confidence = models.FloatField(null=True, blank=True)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="assigned_incidents",
    )
    onset_at = models.DateTimeField(help_text="When the first symptom began, by its sender.")
    opened_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    identified_at = models.DateTimeField(null=True, blank=True)
    monitoring_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    snoozed_until = models.DateTimeField(null=True, blank=True)
    last_activity_at = models.DateTimeField()
    alert_count = models.PositiveIntegerField(default=0)
    firing_count = models.PositiveIntegerField(default=0)
    last_seq = models.PositiveIntegerField(default=0, editable=False)
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="merged_from"
    )

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["correlation_key"],
                condition=models.Q(
                    status__in=["open", "investigating", "identified", "monitoring"]
                ),
                name="one_active_incident_per_key",
            )
        ]
        indexes = [
            models.Index(
                fields=["severity_rank", "-opened_at", "-number"], name="incident_by_severity"
            ),
            models.Index(
                fields=["status", "severity_rank", "-opened_at"], name="incident_by_status"
            ),
            models.Index(fields=["service", "-number"], name="incident_by_service"),
            models.Index(fields=["-opened_at"], name="incident_by_opening"),
        ]
        permissions = [("respond_incident", "Can work on incidents")]

    def __str__(self) -> str:
        return f"INC-{self.number}"

    @property
    def is_active(self) -> bool:
        return self.status in self.ACTIVE


class TimelineEntry(models.Model):
    """What happened, in order: `seq` starts at 1 and has no gap within an incident."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="timeline")
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=30)
    actor = models.CharField(
        max_length=150, blank=True, help_text="A person, or the part that acted."
    )
    text = models.TextField()
    payload = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["seq"]
        constraints = [
            models.UniqueConstraint(fields=["incident", "seq"], name="timeline_seq_once")
        ]

    def __str__(self) -> str:
        return f"{self.incident_id}#{self.seq} {self.kind}"


class SavedView(models.Model):
    """A query somebody wants again, for themselves or for all."""

    name = models.CharField(max_length=60)
    query = models.CharField(max_length=512)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    is_shared = models.BooleanField(default=False)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_once")]

    def __str__(self) -> str:
        return self.name
