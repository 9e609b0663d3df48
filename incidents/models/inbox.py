from datetime import datetime
from typing import Self

from django.db import models

from incidents.models.integration import Integration


class MessageQuerySet(models.QuerySet["Message"]):
    def claimable(self, at: datetime) -> Self:
        """Pending rows nobody holds: never claimed, or claimed by somebody who went away."""
        free = models.Q(claimed_until=None) | models.Q(claimed_until__lt=at)
        return self.filter(free, state=Message.State.PENDING)

    def dead(self) -> Self:
        return self.filter(state=Message.State.DEAD)


class Message(models.Model):
    """One delivery, kept as it came before anything is made of it."""

    class State(models.TextChoices):
        PENDING = "pending"
        PROCESSED = "processed"
        DEAD = "dead"

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE, related_name="messages")
    received_at = models.DateTimeField()
    content_type = models.CharField(max_length=100, blank=True)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    delivery_key = models.CharField(  # noqa: DJ001 - many rows have none, and none equals no other
        max_length=255, null=True, help_text="The sender's delivery id."
    )
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    reason = models.TextField(blank=True, help_text="Why it, or a part of it, could not be read.")
    attempts = models.PositiveSmallIntegerField(default=0)
    claimed_until = models.DateTimeField(null=True)
    processed_at = models.DateTimeField(null=True)
    event_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["integration", "delivery_key"], name="message_once_per_delivery_id"
            )
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=models.Q(state="pending"), name="message_pending"
            ),
            models.Index(fields=["integration", "-id"], name="message_by_integration"),
            models.Index(
                fields=["integration", "-id"],
                condition=models.Q(state="dead"),
                name="message_dead",
            ),
        ]

    def __str__(self) -> str:
        return f"Message {self.pk} from {self.integration}"
