import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

MOST_TAGS = 10
LONGEST_TAG = 30
TAG = r"[a-z0-9]+(-[a-z0-9]+)*"


def validate_tags(tags: Any) -> None:
    """A list of short words, each once."""
    if not isinstance(tags, list) or len(tags) > MOST_TAGS:
        raise ValidationError(f"Give a list of at most {MOST_TAGS} tags.")
    for tag in tags:
        if not isinstance(tag, str) or len(tag) > LONGEST_TAG or not re.fullmatch(TAG, tag):
            rule = f"lower case, digits and single hyphens, at most {LONGEST_TAG} characters"
            raise ValidationError(f"{tag!r} is not a tag: {rule}.")
        if tags.count(tag) > 1:
            raise ValidationError(f"The tag {tag} is there twice.")


class Runbook(models.Model):
    """A named procedure; what it does is in its versions, and one of them is published.

    Who keeps it and under which words it is found is no part of a version: either may change
    without a new plan hash, and so without withdrawing an approval.
    """

    name = models.SlugField(max_length=100, unique=True)
    description = models.TextField(blank=True, editable=False)
    owner = models.CharField(max_length=100, blank=True, help_text="The team that keeps it.")
    tags = models.JSONField(default=list, blank=True, validators=[validate_tags])
    published = models.ForeignKey(
        "RunbookVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    is_enabled = models.BooleanField(default=True)

    class Meta:
        ordering = ["name"]
        permissions = [("publish_runbook", "Can publish a runbook version")]

    def __str__(self) -> str:
        return self.name


class RunbookVersion(models.Model):
    """One text of a runbook. Never changed once written; a change is a new version."""

    runbook = models.ForeignKey(Runbook, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField(help_text="YAML.")
    sha256 = models.CharField(max_length=64)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    reason = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["runbook", "number"], name="runbook_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.runbook} v{self.number}"


class Connection(models.Model):
    """Where an executor does its work, and how it proves who it is there."""

    executor = models.SlugField(max_length=40)
    name = models.SlugField(max_length=60, unique=True)
    url = models.CharField(max_length=500)
    username = models.CharField(max_length=150, blank=True)
    secret = models.TextField(blank=True, editable=False, help_text="Encrypted.")
    secret_version = models.PositiveIntegerField(default=0, editable=False)
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering = ["executor", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["executor"],
                condition=models.Q(is_default=True),
                name="one_default_connection_an_executor",
            )
        ]

    def __str__(self) -> str:
        return self.name
