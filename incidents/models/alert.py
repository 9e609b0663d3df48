from django.conf import settings
from django.db import models

from incidents.models.incident import Incident
from incidents.models.integration import Integration
from incidents.models.severity import Severity
from telemetry.models import Service


class Alert(models.Model):
    """A symptom, one row for as long as its fingerprint is known."""

    class Status(models.TextChoices):
        FIRING = "firing"
        RESOLVED = "resolved"

    fingerprint = models.CharField(max_length=32, unique=True)
    integration = models.ForeignKey(
        Integration, null=True, on_delete=models.SET_NULL, related_name="alerts"
    )
    name = models.CharField(max_length=255)
    summary = models.TextField(blank=True)
    url = models.TextField(blank=True)
    severity = models.CharField(max_length=10, choices=Severity)
    status = models.CharField(max_length=10, choices=Status)
    service = models.ForeignKey(
        Service, null=True, on_delete=models.SET_NULL, related_name="alerts"
    )
    labels = models.JSONField(default=dict)
    annotations = models.JSONField(default=dict)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField()
    event_count = models.PositiveIntegerField(default=0)
    fold = models.JSONField(
        default=dict, help_text="What episodes.py needs to fold in the next event."
    )
    is_flapping = models.BooleanField(default=False)
    incident = models.ForeignKey(
        Incident, null=True, on_delete=models.SET_NULL, related_name="alerts"
    )

    class Meta:
        ordering = ["-last_received_at"]
        indexes = [
            models.Index(fields=["incident", "status"], name="alert_by_incident"),
            models.Index(fields=["-last_received_at"], name="alert_by_recency"),
            models.Index(fields=["status", "-last_received_at"], name="alert_by_status"),
        ]

    def __str__(self) -> str:
        return self.name


class AlertLink(models.Model):
    """Why an alert belongs to an incident: the evidence, and what it means in words."""

    class Method(models.TextChoices):
        RULE = "rule"
        SERVICE = "service"
        TOPOLOGY = "topology"
        FIRST = "first"
        PERSON = "person"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="links")
    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="links")
    method = models.CharField(max_length=10, choices=Method)
    text = models.TextField()
    evidence = models.JSONField(default=dict)
    linked_at = models.DateTimeField()

    class Meta:
        ordering = ["-linked_at"]
        constraints = [models.UniqueConstraint(fields=["incident", "alert"], name="link_once")]

    def __str__(self) -> str:
        return f"{self.alert_id} in {self.incident_id}: {self.text}"


class CorrelationRule(models.Model):
    """Alerts that match belong together while their labels agree and they are close in time."""

    name = models.CharField(max_length=100, unique=True)
    position = models.PositiveSmallIntegerField(default=100, help_text="Lower is tried first.")
    matchers = models.JSONField(default=list, blank=True, help_text='For example ["env=prod"].')
    group_by = models.JSONField(default=list, help_text='For example ["service", "cluster"].')
    window_seconds = models.PositiveIntegerField(default=600)
    is_enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class CorrelationLabel(models.Model):
    """What a person corrected about a grouping; correlation learns from it later."""

    class Verb(models.TextChoices):
        MERGE = "merge"
        SPLIT = "split"
        MOVE = "move"

    verb = models.CharField(max_length=10, choices=Verb)
    alert = models.ForeignKey(Alert, null=True, on_delete=models.CASCADE)
    source = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="+")
    target = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.verb} INC-{self.source_id} INC-{self.target_id}"
