from django.db import models


class DataSource(models.Model):
    """A product that keeps telemetry and is asked in place."""

    name = models.SlugField(max_length=60, unique=True)
    kind = models.SlugField(max_length=40)
    url = models.CharField(max_length=500, blank=True)
    options = models.JSONField(default=dict, blank=True)
    secret = models.TextField(blank=True, editable=False, help_text="Encrypted.")
    is_enabled = models.BooleanField(default=True)
    answered_at = models.DateTimeField(null=True, editable=False)
    failed_at = models.DateTimeField(null=True, editable=False)
    problem = models.CharField(max_length=500, blank=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
