from typing import Self

from django.conf import settings
from django.db import models

from incidents.models.incident import Incident


class CauseLabelQuerySet(models.QuerySet["CauseLabel"]):
    def standing(self) -> Self:
        return self.filter(withdrawn_at=None)


class CauseLabel(models.Model):
    """What a person said of a probable cause; the search for causes learns from it later.

    One that was taken back stays, with when.
    """

    class Verdict(models.TextChoices):
        CONFIRMED = "confirmed"
        REJECTED = "rejected"

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="cause_labels")
    service = models.CharField(max_length=255, help_text="Whose trouble the cause would be.")
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.CharField(max_length=500, blank=True)
    candidate = models.JSONField(
        help_text="The cause as it was judged: its title, confidence, points and evidence."
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)

    objects = CauseLabelQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["incident", "service"],
                condition=models.Q(withdrawn_at=None),
                name="one_standing_label_a_cause",
            ),
            models.UniqueConstraint(
                fields=["incident"],
                condition=models.Q(withdrawn_at=None, verdict="confirmed"),
                name="one_confirmed_cause_an_incident",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.verdict} for INC-{self.incident_id}"
