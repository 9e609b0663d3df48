"""Who is knocking: a token names its integration, looked up at most every two seconds."""

import asyncio
import base64
import binascii
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from django.db import Error, connection
from django.utils import timezone
from starlette.requests import Request

from incidents.models import Integration
from telemetry.credentials import hash_token

REMEMBERED_SECONDS = 2.0
REMEMBERED_SENDERS = 1000
PATIENCE_SECONDS = 1.0
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="senders")


class CannotTell(TimeoutError):
    """The database does not answer; the sender should try again."""


@dataclass(frozen=True)
class Sender:
    """A configured sender whose token was right."""

    integration_id: int
    provider: str


_known: dict[str, tuple[float, Sender]] = {}


async def identify(token: str, provider: str) -> Sender | None:
    """The enabled integration of this provider that the token belongs to.

    A revoked token stops working within `REMEMBERED_SECONDS`. Raises `CannotTell`.
    """
    if not token:
        return None
    hashed = hash_token(token)
    checked_at, sender = _known.get(hashed, (0.0, None))
    if sender is None or time.monotonic() - checked_at > REMEMBERED_SECONDS:
        sender = await _ask_database(hashed)
        _remember(hashed, sender)
    return sender if sender and sender.provider == provider else None


def token_from(headers: Mapping[str, str]) -> str:
    """From `Authorization: Bearer` or the password of basic auth; empty when there is none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    return _basic_password(value) if scheme.lower() == "basic" else ""


def _basic_password(value: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


async def _ask_database(hashed: str) -> Sender | None:
    """In a thread of its own, so that a slow page never keeps a sender waiting."""
    looking = asyncio.get_running_loop().run_in_executor(_thread, _look_up, hashed)
    try:
        return await asyncio.wait_for(looking, PATIENCE_SECONDS)
    except (TimeoutError, Error) as error:
        raise CannotTell from error


def _look_up(hashed: str) -> Sender | None:
    try:
        integration = Integration.objects.opened_by(hashed, timezone.now()).first()
    except Error:
        connection.close()
        raise
    return Sender(integration.pk, integration.provider) if integration else None


def _remember(hashed: str, sender: Sender | None) -> None:
    _known.pop(hashed, None)
    if sender is not None:
        if len(_known) >= REMEMBERED_SENDERS:
            _known.clear()
        _known[hashed] = (time.monotonic(), sender)


async def identify_request(request: Request, provider: str) -> Sender | None:
    """For receivers of other apps: the sender of a request, by its header."""
    return await identify(token_from(request.headers), provider)
