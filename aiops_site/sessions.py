"""Sessions in the database, which a new secret key does not end while the old one is a fallback.

Django itself moves such a session to another id at its first use. The other requests of the same
page, and its socket, come with the id they know, and would be signed out.
"""

from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.utils.crypto import constant_time_compare


class SessionStore(db.SessionStore):
    def load(self) -> dict[str, Any]:
        content: dict[str, Any] = super().load()
        return renew(content) if settings.SECRET_KEY_FALLBACKS else content


def renew(content: dict[str, Any]) -> dict[str, Any]:
    """The same content, the claim of its person made with the newest key."""
    if SESSION_KEY not in content:
        return content
    user = User.objects.filter(pk=content[SESSION_KEY]).first()
    if user is None or not _is_claim_of(user, content.get(HASH_SESSION_KEY, "")):
        return content
    return content | {HASH_SESSION_KEY: user.get_session_auth_hash()}


def _is_claim_of(user: User, claim: str) -> bool:
    return any(constant_time_compare(claim, old) for old in user.get_session_auth_fallback_hash())
