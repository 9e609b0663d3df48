"""Which installation this is, on every page, so that nobody takes production for a place to try."""

from django.conf import settings
from django.http import HttpRequest


def context(request: HttpRequest) -> dict[str, str]:
    """Context processor. Empty where the operator gave no name."""
    return {"environment": settings.ENVIRONMENT}
