"""A new sender: an integration with a token that is shown once."""

from dataclasses import dataclass
from itertools import chain, count

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from incidents.models import Integration
from incidents.providers import PROVIDERS
from telemetry.credentials import NewToken, issue_hex_token, issue_token

TELEMETRY = {"otlp": "/v1/metrics", "prometheus": "/prometheus/api/v1/write"}
PATHS = TELEMETRY | {"pagerduty": "/v2/enqueue"}
PAGERDUTY_LENGTH = 32
LONGEST_NAME = 100


class CannotConnect(Exception):
    """There is no such provider, or the name is taken or cannot be one."""


@dataclass(frozen=True)
class Connected:
    """`token` is for the person who connects the sender; it is not kept."""

    integration: Integration
    token: str
    url: str


def connect(provider: str, *, name: str, by: User | None) -> Connected:
    if provider not in PROVIDERS and provider not in TELEMETRY:
        known = ", ".join(sorted([*PROVIDERS, *TELEMETRY]))
        raise CannotConnect(f"There is no provider {provider}. There are: {known}.")
    if not 1 <= len(name.strip()) <= LONGEST_NAME:
        raise CannotConnect(f"A name has 1 to {LONGEST_NAME} characters.")
    token = token_for(provider)
    integration = Integration(
        provider=provider,
        name=name,
        token_hash=token.hashed,
        token_prefix=token.plain[:6],
        created_by=by,
    )
    try:
        with transaction.atomic():
            integration.save()
    except IntegrityError as error:
        raise CannotConnect(f"There is an integration {name} already.") from error
    return Connected(integration, token.plain, url_of(provider))


def free_name(product: str) -> str:
    """For a new sender: the product's own name, with a number if that is taken."""
    taken = set(Integration.objects.values_list("name", flat=True))
    numbered = (f"{product}-{number}" for number in count(2))
    return next(name for name in chain([product], numbered) if name not in taken)


def url_of(provider: str) -> str:
    path = PATHS.get(provider, f"/api/v1/webhooks/{provider}/")
    return f"{settings.PUBLIC_URL}{path}"


def token_for(provider: str) -> NewToken:
    """A routing key of PagerDuty's API has 32 characters."""
    return issue_hex_token(PAGERDUTY_LENGTH) if provider == "pagerduty" else issue_token()
