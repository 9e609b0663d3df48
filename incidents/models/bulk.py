from collections import Counter
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.db import models

UNDO_WINDOW = timedelta(minutes=10)


class BulkDeedQuerySet(models.QuerySet["BulkDeed"]):
    def unfinished(self) -> Self:
        return self.filter(finished_at=None)

    def shown_to(self, user_id: int | None, at: datetime) -> Self:
        """Going on, or done so lately that it may still be taken back."""
        fresh = models.Q(finished_at=None) | models.Q(finished_at__gt=at - UNDO_WINDOW)
        return self.filter(fresh, by=user_id, undone_by=None).order_by("pk")


class BulkDeed(models.Model):
    """What a person asked to be done to every incident that matched a search."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    verb = models.CharField(max_length=20)
    given = models.JSONField(default=dict, help_text='What the verb needs, such as {"to": "high"}.')
    query = models.CharField(max_length=512, blank=True)
    numbers = models.JSONField(help_text="The incidents that matched, in the order of their turn.")
    position = models.PositiveIntegerField(default=0, help_text="How many had their turn.")
    before = models.JSONField(default=dict, help_text="By number: what an undo puts back.")
    skipped = models.JSONField(default=list, help_text="Pairs of a number and why.")
    attempts = models.PositiveSmallIntegerField(default=0, help_text="At the batch that is next.")
    asked_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)
    stopped_because = models.CharField(max_length=200, blank=True)
    undoes = models.OneToOneField(
        "self", null=True, on_delete=models.CASCADE, related_name="undone_by"
    )

    objects = BulkDeedQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(
                fields=["by"],
                condition=models.Q(finished_at=None),
                name="bulk_deed_unfinished",
            )
        ]

    def __str__(self) -> str:
        return f"{self.verb} {len(self.numbers)} incidents"

    @property
    def done(self) -> list[int]:
        refused = {number for number, _ in self.skipped}
        return [number for number in self.numbers[: self.position] if number not in refused]

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why some were skipped and how many, the most frequent first."""
        return Counter(why for _, why in self.skipped).most_common()
