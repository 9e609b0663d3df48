from datetime import datetime
from typing import Self

from django.conf import settings
from django.db import models
from django.utils import timezone


class IntegrationQuerySet(models.QuerySet["Integration"]):
    def opened_by(self, hashed: str, at: datetime) -> Self:
        """Those that are enabled and whose token this is, or was until later than `at`."""
        old = models.Q(old_token_hash=hashed, old_token_until__gt=at)
        return self.filter(models.Q(token_hash=hashed) | old, is_enabled=True)


class Integration(models.Model):
    """A configured sender of webhooks: which format it speaks, and the token that proves it.

    While a token is rotated, the old one may go on working for a while.
    """

    provider = models.SlugField(max_length=40)
    name = models.CharField(max_length=100, unique=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    token_prefix = models.CharField(max_length=8, editable=False)
    old_token_hash = models.CharField(
        max_length=64, unique=True, null=True, blank=True, editable=False
    )
    old_token_prefix = models.CharField(max_length=8, blank=True, editable=False)
    old_token_until = models.DateTimeField(null=True, editable=False)
    mapping = models.JSONField(
        null=True,
        blank=True,
        help_text="Where a generic sender's fields are; empty means found by name.",
    )
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False
    )

    objects = IntegrationQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def has_old_token(self) -> bool:
        return self.old_token_until is not None and self.old_token_until > timezone.now()
