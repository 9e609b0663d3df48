from django.db import models

from automation.models.remediation import Remediation


class Execution(models.Model):
    """One run of one approved plan, held by one worker at a time under a rising fence."""

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        VERIFYING = "verifying"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        UNKNOWN = "unknown"
        STOPPED = "stopped"
        ROLLED_BACK = "rolled_back", "rolled back"

    UNFINISHED = (State.PENDING, State.RUNNING, State.VERIFYING)

    remediation = models.OneToOneField(
        Remediation, on_delete=models.CASCADE, related_name="execution"
    )
    state = models.CharField(max_length=15, choices=State, default=State.PENDING)
    reason = models.TextField(blank=True)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    stop_requested = models.CharField(max_length=10, blank=True, help_text="stop or kill")
    last_seq = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    verify_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    verification = models.JSONField(default=dict)

    class Meta:
        ordering = ["-pk"]
        permissions = [("stop_execution", "Can stop an execution")]
        indexes = [
            models.Index(
                fields=["lease_until"],
                condition=models.Q(state__in=["pending", "running", "verifying"]),
                name="execution_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"Execution {self.pk} of {self.remediation}"


class StepRun(models.Model):
    """One step of an execution. It is `running` on disk before its effect can begin."""

    class State(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        SKIPPED = "skipped"
        UNKNOWN = "unknown"
        ROLLED_BACK = "rolled_back", "rolled back"

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    is_rollback = models.BooleanField(default=False)
    title = models.CharField(max_length=300)
    step = models.JSONField(help_text="The step of the plan, as approved.")
    state = models.CharField(max_length=15, choices=State, default=State.PENDING)
    fence = models.PositiveIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    summary = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["is_rollback", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["execution", "is_rollback", "position"], name="step_run_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.position} {self.title}"


class OutputLine(models.Model):
    """What an execution said or became. `seq` has no gap within an execution."""

    class Kind(models.TextChoices):
        OUTPUT = "output"
        STEP = "step"
        STATE = "state"

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="output")
    seq = models.PositiveIntegerField()
    step = models.ForeignKey(StepRun, null=True, on_delete=models.CASCADE, related_name="output")
    at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OUTPUT)
    text = models.TextField()

    class Meta:
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["execution", "seq"], name="output_seq_once")]

    def __str__(self) -> str:
        return self.text
