from django.conf import settings
from django.db import models

from automation.models.policy import HealingPolicy
from automation.models.runbook import Runbook, RunbookVersion
from incidents.models import Incident


class Remediation(models.Model):
    """An exact plan for an incident, and what was decided about it."""

    class Status(models.TextChoices):
        PROPOSED = "proposed"
        APPROVED = "approved"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        REJECTED = "rejected"
        EXPIRED = "expired"
        INVALIDATED = "invalidated"
        ROLLED_BACK = "rolled_back", "rolled back"

    class Risk(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"
        CRITICAL = "critical"

    UNFINISHED = (Status.PROPOSED, Status.APPROVED, Status.RUNNING)

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="remediations")
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, related_name="remediations")
    version = models.ForeignKey(
        RunbookVersion, on_delete=models.PROTECT, related_name="remediations"
    )
    parameters = models.JSONField(default=dict)
    title = models.CharField(max_length=300)
    why = models.TextField(help_text="Why this one, in words.")
    confidence = models.FloatField(null=True)
    risk = models.CharField(max_length=10, choices=Risk)
    plan = models.JSONField()
    plan_hash = models.CharField(max_length=64)
    target_check = models.JSONField(
        default=dict, help_text="Whether the targets were there when it was planned."
    )
    status = models.CharField(max_length=15, choices=Status, default=Status.PROPOSED)
    status_reason = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    policy = models.ForeignKey(
        HealingPolicy, null=True, on_delete=models.SET_NULL, related_name="remediations"
    )
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        permissions = [
            ("approve_remediation", "Can approve and reject remediations"),
            ("break_glass", "Can approve a high risk alone, with a reason"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "runbook"],
                condition=models.Q(status__in=["proposed", "approved", "running"]),
                name="one_unfinished_plan_an_incident",
            )
        ]
        indexes = [models.Index(fields=["status", "-id"], name="remediation_by_status")]

    def __str__(self) -> str:
        return f"{self.title} for INC-{self.incident_id}"


class Approval(models.Model):
    """One person's decision about one exact plan."""

    class Decision(models.TextChoices):
        APPROVED = "approved"
        REJECTED = "rejected"

    remediation = models.ForeignKey(Remediation, on_delete=models.CASCADE, related_name="approvals")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=10, choices=Decision)
    plan_hash = models.CharField(max_length=64)
    reason = models.TextField(blank=True)
    is_break_glass = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        ordering = ["at"]
        constraints = [
            models.UniqueConstraint(fields=["remediation", "by"], name="one_decision_a_person")
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.decision} {self.remediation}"
