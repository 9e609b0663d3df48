from django.db import models


class Severity(models.TextChoices):
    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"

    @property
    def rank(self) -> int:
        """0 is the worst, so that sorting puts it first."""
        return list(Severity).index(self)


def worst(severities: "list[str]") -> Severity:
    return min((Severity(s) for s in severities), key=lambda s: s.rank)
