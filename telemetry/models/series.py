from django.db import models

from telemetry.models.service import Service


class Series(models.Model):
    """One metric of one service with its labels; its points are kept in `Point`."""

    service = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="series")
    name = models.CharField(max_length=200)
    unit = models.CharField(max_length=40, blank=True)
    labels = models.JSONField(default=dict, blank=True)
    key = models.CharField(
        max_length=64, unique=True, help_text="Hash of service, name and labels."
    )
    last_at_ms = models.BigIntegerField(default=0)

    class Meta:
        verbose_name_plural = "series"
        ordering = ["service", "name", "pk"]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"


class Point(models.Model):
    """A measured value, and what the detector made of it once it has looked.

    `score` is 0 for normal, 1 at the threshold, more is worse; null until judged or while learning.
    """

    pk = models.CompositePrimaryKey("series_id", "at_ms")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="points")
    at_ms = models.BigIntegerField(help_text="Milliseconds since the epoch.")
    value = models.FloatField()
    lower = models.FloatField(null=True)
    upper = models.FloatField(null=True)
    score = models.FloatField(null=True)

    class Meta:
        indexes = [models.Index(fields=["at_ms"])]

    def __str__(self) -> str:
        return f"{self.value} at {self.at_ms}"


class Watch(models.Model):
    """A detector on a series: its settings, and what it has learnt so far."""

    series = models.OneToOneField(Series, on_delete=models.CASCADE, related_name="watch")
    detector = models.CharField(max_length=40, default="seasonal")
    settings = models.JSONField(default=dict, blank=True)
    state = models.JSONField(null=True, blank=True, editable=False)
    state_at_ms = models.BigIntegerField(default=0, editable=False)
    judged_until_ms = models.BigIntegerField(default=0, editable=False)
    is_learning = models.BooleanField(default=True, editable=False)
    raises_alerts = models.BooleanField(default=False, help_text="Else it only draws the band.")
    is_enabled = models.BooleanField(default=True)

    class Meta:
        verbose_name_plural = "watches"

    def __str__(self) -> str:
        return f"{self.detector} on {self.series}"


class Anomaly(models.Model):
    """A stretch of time in which a watched series left its expected band."""

    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="anomalies")
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    peak_score = models.FloatField()
    value = models.FloatField(help_text="The value at the peak.")
    lower = models.FloatField()
    upper = models.FloatField()

    class Meta:
        verbose_name_plural = "anomalies"
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["series"],
                condition=models.Q(ended_at=None),
                name="one_open_anomaly_a_series",
            )
        ]

    def __str__(self) -> str:
        return f"{self.series} since {self.started_at:%H:%M}"
