"""A sender's token is replaced: at once, or with some time in which the old one works as well."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from incidents.connecting import Connected, token_for, url_of
from incidents.models import Integration

A_DAY = timedelta(days=1)
LONGEST_OVERLAP = timedelta(days=7)
FIELDS = ("token_hash", "token_prefix", "old_token_hash", "old_token_prefix", "old_token_until")


class CannotRevoke(Exception):
    """The token is the only one, or it is no longer there."""


@transaction.atomic
def rotate(integration: Integration, *, overlap: timedelta = timedelta(0)) -> Connected:
    """A new token; the old one works for `overlap` more, and one older than that no longer."""
    integration = _locked(integration)
    _forget_old(integration)
    if overlap:
        integration.old_token_hash = integration.token_hash
        integration.old_token_prefix = integration.token_prefix
        integration.old_token_until = timezone.now() + overlap
    token = token_for(integration.provider)
    integration.token_hash, integration.token_prefix = token.hashed, token.plain[:6]
    integration.save(update_fields=FIELDS)
    return Connected(integration, token.plain, url_of(integration.provider))


@transaction.atomic
def revoke(integration: Integration, *, prefix: str) -> Integration:
    """One of two tokens, by how it begins; the other one stays. Raises `CannotRevoke`."""
    integration = _locked(integration)
    if not integration.has_old_token or not integration.old_token_hash:
        raise CannotRevoke("It is the only token; rotate it, or pause the source.")
    if prefix == integration.token_prefix:
        integration.token_hash = integration.old_token_hash
        integration.token_prefix = integration.old_token_prefix
    elif prefix != integration.old_token_prefix:
        raise CannotRevoke("There is no such token any more.")
    _forget_old(integration)
    integration.save(update_fields=FIELDS)
    return integration


def _locked(integration: Integration) -> Integration:
    return Integration.objects.select_for_update(of=("self",)).get(pk=integration.pk)


def _forget_old(integration: Integration) -> None:
    integration.old_token_hash, integration.old_token_prefix = None, ""
    integration.old_token_until = None
