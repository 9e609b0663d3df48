from django.db import models

from incidents.models.incident import Incident


class AnalysisStep(models.Model):
    """One step of one look at an incident, with what it found and why it believes it."""

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        DONE = "done"
        NOT_ENOUGH_DATA = "not_enough_data", "not enough data"
        FAILED = "failed"
        TIMED_OUT = "timed_out", "timed out"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="analysis_steps")
    name = models.CharField(max_length=30)
    position = models.PositiveSmallIntegerField()
    state = models.CharField(max_length=20, choices=State, default=State.PENDING)
    time_limit_seconds = models.PositiveSmallIntegerField()
    lease_until = models.DateTimeField(null=True)
    fence = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    summary = models.TextField(blank=True)
    result = models.JSONField(default=dict)
    evidence = models.JSONField(default=list)
    confidence = models.FloatField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["incident", "name"], name="step_once")]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["pending", "running"]),
                name="analysis_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} of INC-{self.incident_id}"


class Snapshot(models.Model):
    """What a step of an analysis looked at, kept so that it outlives the source's retention."""

    class Kind(models.TextChoices):
        METRICS = "metrics"
        LOGS = "logs"
        TRACES = "traces"
        CHANGES = "changes"
        TOPOLOGY = "topology"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="snapshots")
    step = models.CharField(max_length=30)
    kind = models.CharField(max_length=10, choices=Kind)
    title = models.CharField(max_length=300)
    source = models.CharField(max_length=60, help_text="Who was asked.")
    question = models.TextField(blank=True, help_text="As the source was asked.")
    content = models.JSONField()
    taken_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["incident", "kind", "title"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "step", "kind", "title", "source"], name="snapshot_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.title} of INC-{self.incident_id}"
