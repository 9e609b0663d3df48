from django.db import models


class TopologyVersion(models.Model):
    """The calls that were seen in one stretch of time."""

    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(unique=True)
    edges = models.JSONField(help_text="Rows of calls.CallEdge.")

    class Meta:
        ordering = ["-ended_at"]

    def __str__(self) -> str:
        return f"until {self.ended_at:%Y-%m-%d %H:%M}"
