from django.db import models

from telemetry.models.service import Service


class Change(models.Model):
    """Something that people or machines did to a service: the first suspect when it breaks."""

    class Kind(models.TextChoices):
        DEPLOY = "deploy"
        CONFIG = "config", "configuration"
        FLAG = "flag", "feature flag"
        SCALE = "scale"
        RESTART = "restart"
        OTHER = "other"

    class Status(models.TextChoices):
        RUNNING = "running"
        SUCCEEDED = "succeeded"
        FAILED = "failed"

    key = models.CharField(max_length=64, unique=True, help_text="The same when it is told again.")
    service = models.ForeignKey(Service, on_delete=models.SET_NULL, null=True, blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.OTHER)
    status = models.CharField(max_length=10, choices=Status, default=Status.SUCCEEDED)
    title = models.CharField(max_length=300)
    version = models.CharField(max_length=200, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    author = models.CharField(max_length=200, blank=True)
    environment = models.CharField(max_length=100, blank=True)
    url = models.CharField(max_length=1000, blank=True)
    told_by = models.CharField(max_length=100, help_text="The integration that it came from.")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-began_at"]
        indexes = [models.Index(fields=["service", "began_at"], name="change_of_service")]

    def __str__(self) -> str:
        return self.title
