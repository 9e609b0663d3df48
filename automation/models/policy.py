from django.conf import settings
from django.db import models

from automation.models.runbook import Runbook
from incidents.models import Incident


class HealingPolicy(models.Model):
    """When such an incident opens, then run or suggest this runbook, within these limits."""

    class Mode(models.TextChoices):
        OBSERVE = "observe"
        SUGGEST = "suggest"
        AUTO = "auto"

    name = models.SlugField(max_length=100, unique=True)
    matchers = models.JSONField(help_text='For example ["service=checkout"].')
    runbook = models.ForeignKey(Runbook, on_delete=models.PROTECT, related_name="policies")
    parameters = models.JSONField(default=dict, blank=True)
    mode = models.CharField(max_length=10, choices=Mode, default=Mode.SUGGEST)
    guardrails = models.JSONField(default=dict, blank=True)
    version = models.PositiveIntegerField(default=1, editable=False)
    is_enabled = models.BooleanField(default=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, editable=False
    )

    class Meta:
        verbose_name_plural = "healing policies"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class PolicyDecision(models.Model):
    """What a policy decided about an incident, and why; also when it decided against."""

    class Outcome(models.TextChoices):
        RAN = "ran"
        SUGGESTED = "suggested"
        OBSERVED = "observed"
        HELD_BACK = "held_back", "held back"

    policy = models.ForeignKey(HealingPolicy, on_delete=models.CASCADE, related_name="decisions")
    incident = models.ForeignKey(
        Incident, on_delete=models.CASCADE, related_name="policy_decisions"
    )
    remediation = models.ForeignKey(
        "Remediation", null=True, on_delete=models.SET_NULL, related_name="policy_decisions"
    )
    outcome = models.CharField(max_length=10, choices=Outcome)
    reason = models.TextField()
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "incident"], name="one_decision_an_incident")
        ]

    def __str__(self) -> str:
        return f"{self.policy} {self.outcome}: {self.reason}"


class AutomationSwitch(models.Model):
    """One row: whether automation may act at all. Readable without any broker."""

    is_paused = models.BooleanField(default=False)
    reason = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "automation switch"
        permissions = [
            ("pause_automation", "Can pause automation"),
            ("resume_automation", "Can resume automation"),
        ]
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_switch")]

    def __str__(self) -> str:
        return "paused" if self.is_paused else "running"
