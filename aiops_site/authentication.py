from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from aiops_site.models import ApiToken
from incidents.api.senders import token_from
from telemetry.credentials import hash_token

USE_IS_NOTED_EVERY = timedelta(minutes=1)


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`, or the token as basic-auth password."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        plain = token_from(request.headers)
        if not plain:
            return None
        tokens = ApiToken.objects.select_related("owner")
        token = tokens.filter(token_hash=hash_token(plain), owner__is_active=True).first()
        if token is None:
            raise AuthenticationFailed("The token is not valid.")
        _note_use(token)
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class BrowserAuthentication(SessionAuthentication):
    """The signed-in person's session; every unsafe request needs the CSRF token."""


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or now - token.last_used_at > USE_IS_NOTED_EVERY:
        with suppress(OperationalError), _without_waiting():  # nobody's reading hangs on it
            ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)


@contextmanager
def _without_waiting() -> Iterator[None]:
    """SQLite would otherwise wait for seconds while another process writes."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        (milliseconds,) = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {milliseconds:d}")
