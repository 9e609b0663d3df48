from django.conf import settings
from django.db import models


class Integration(models.Model):
    """A configured sender of webhooks: which format it speaks, and the token that proves it."""

    provider = models.SlugField(max_length=40)
    name = models.CharField(max_length=100, unique=True)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    token_prefix = models.CharField(max_length=8, editable=False)
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

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
