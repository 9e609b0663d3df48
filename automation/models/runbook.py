from django.conf import settings
from django.db import models


class Runbook(models.Model):
    """A named procedure; what it does is in its versions, and one of them is published."""

    name = models.SlugField(max_length=100, unique=True)
    description = models.TextField(blank=True, editable=False)
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
