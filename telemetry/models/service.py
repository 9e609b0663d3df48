from django.core.validators import URLValidator
from django.db import models


class Service(models.Model):
    """Something that is run and can break; alerts and metrics name it by its slug."""

    class Tier(models.IntegerChoices):
        CRITICAL = 1, "1, customers stop without it"
        IMPORTANT = 2, "2, customers notice"
        SUPPORTING = 3, "3, people inside notice"
        INTERNAL = 4, "4, nobody notices for a day"

    class Kind(models.TextChoices):
        SERVICE = "service"
        DATABASE = "database"
        QUEUE = "queue"
        EXTERNAL = "external", "outside party"

    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=100, blank=True)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.SERVICE)
    tier = models.PositiveSmallIntegerField(choices=Tier, default=Tier.SUPPORTING)
    owner = models.CharField(max_length=100, blank=True, help_text="The team that is asked first.")
    description = models.TextField(blank=True)
    health_url = models.CharField(
        blank=True,
        max_length=500,
        validators=[URLValidator(schemes=["http", "https"])],
        help_text="Where it says whether it is well; runbooks may ask.",
    )
    calls = models.ManyToManyField(
        "self", through="Dependency", symmetrical=False, related_name="called_by"
    )

    class Meta:
        ordering = ["tier", "slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def title(self) -> str:
        """As people or its senders call it."""
        return self.name or self.slug


class Dependency(models.Model):
    """One service calls another: when the callee breaks, the caller suffers."""

    class Origin(models.TextChoices):
        PERSON = "person"
        CATALOG = "catalog"
        OBSERVED = "observed"

    caller = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="outgoing")
    callee = models.ForeignKey(Service, on_delete=models.CASCADE, related_name="incoming")
    origin = models.CharField(max_length=10, choices=Origin, default=Origin.PERSON)
    seen_at = models.DateTimeField(null=True, blank=True, editable=False)
    calls_per_minute = models.FloatField(null=True, editable=False)
    error_share = models.FloatField(null=True, editable=False)
    p95_ms = models.FloatField(null=True, editable=False)
    confidence = models.FloatField(null=True, editable=False)

    class Meta:
        verbose_name_plural = "dependencies"
        constraints = [
            models.UniqueConstraint(fields=["caller", "callee"], name="dependency_once"),
            models.CheckConstraint(
                condition=~models.Q(caller=models.F("callee")), name="dependency_not_on_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.caller} calls {self.callee}"
