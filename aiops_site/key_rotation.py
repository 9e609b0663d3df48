"""What the secret key protects, written anew with the newest one, beside a console that works.

A row changes only while it is as it was read: who saves it meanwhile writes with the newest key.
"""

from dataclasses import dataclass, field

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import signing
from django.db.models import Model
from django.utils import timezone

from aiops_site.sessions import SessionStore
from automation.models import Connection
from telemetry import credentials
from telemetry.models import DataSource

ENCRYPTED: dict[type[Model], str] = {Connection: "secret", DataSource: "secret"}


@dataclass
class Found:
    """`old` were written with an older key that is known; of `lost` no known key reads any."""

    total: int = 0
    old: int = 0
    lost: list[str] = field(default_factory=list)


def secrets(*, renewing: bool) -> Found:
    found = Found()
    for model, column in ENCRYPTED.items():
        kept = model._default_manager.exclude(**{column: ""})
        for pk, written in kept.values_list("pk", column):
            found.total += 1
            try:
                renewed = credentials.renew(written)
            except InvalidToken:
                found.lost.append(f"the {column} of {model._meta.verbose_name} {pk}")
                continue
            if credentials.is_current(written):
                continue
            found.old += 1
            if renewing:
                unchanged = model._default_manager.filter(pk=pk, **{column: written})
                unchanged.update(**{column: renewed})
    return found


def sessions(*, renewing: bool) -> Found:
    """Those that no known key reads have ended, and are not counted."""
    found = Found()
    for session in Session.objects.filter(expire_date__gt=timezone.now()):
        is_old = _is_signed_with_any(session, settings.SECRET_KEY_FALLBACKS)
        found.total += is_old or _is_signed_with_any(session, [settings.SECRET_KEY])
        found.old += is_old
        if is_old and renewing:
            store = SessionStore(session.pk)
            unchanged = Session.objects.filter(pk=session.pk, session_data=session.session_data)
            unchanged.update(session_data=store.encode(store.load()))
    return found


def _is_signed_with_any(session: Session, keys: list[str]) -> bool:
    return any(_is_signed_with(session, key) for key in keys)


def _is_signed_with(session: Session, key: str) -> bool:
    store, data = SessionStore(), session.session_data
    try:
        signing.loads(data, key, store.key_salt, store.serializer, fallback_keys=[])
    except signing.BadSignature:
        return False
    return True
