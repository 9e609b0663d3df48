"""A test alert, sent over HTTP to our own public address: it proves reachability as well."""

from dataclasses import dataclass
from http import HTTPStatus

import httpx
import orjson
from django.conf import settings
from django.utils import timezone

from incidents import inbox, tasks
from incidents.event import AlertStatus
from incidents.models import Integration, Message
from incidents.sample_alerts import PRODUCTS, Product, address_of, sample

SECONDS = 3.0


class CannotSend(Exception):
    """It did not arrive, or was refused; the message says why and what to look at."""


@dataclass(frozen=True, slots=True)
class Sent:
    """`milliseconds` is the whole request; None when it was put into the inbox directly."""

    milliseconds: int | None


def send(integration: Integration, status: AlertStatus, *, token: str) -> Sent:
    """With the token the way a sender would; without it straight into the inbox.

    Raises `CannotSend`.
    """
    if integration.provider not in PRODUCTS:
        raise CannotSend(
            "There is no test alert for this kind of source; let the sender itself send one."
        )
    if not integration.is_enabled:
        raise CannotSend("This source is paused; resume it first.")
    product = PRODUCTS[integration.provider]
    body = orjson.dumps(sample(product.slug, status, token=token, at=timezone.now()))
    if not token:
        return _put_in(integration, body)
    return _post(product, token, body)


def _put_in(integration: Integration, body: bytes) -> Sent:
    message = Message(
        integration=integration,
        received_at=timezone.now(),
        content_type="application/json",
        headers={"user-agent": "test alert"},
        body=body,
    )
    inbox.keep([message])
    tasks.drain_inbox.delay_on_commit()
    return Sent(None)


def _post(product: Product, token: str, body: bytes) -> Sent:
    address = address_of(product)
    headers = {
        "authorization": f"Bearer {token}",
        "content-type": "application/json",
        "user-agent": "test alert",
    }
    try:
        with httpx.Client(timeout=SECONDS, trust_env=False) as client:
            answer = client.post(address, content=body, headers=headers)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise CannotSend(_unreachable(error)) from error
    if answer.status_code != HTTPStatus.ACCEPTED:
        raise CannotSend(_refused(answer.status_code))
    return Sent(round(answer.elapsed.total_seconds() * 1000))


def _unreachable(error: Exception) -> str:
    return (
        f"The console could not reach its own address {settings.PUBLIC_URL} within {SECONDS:.0f} s "
        f"({type(error).__name__}). Senders will not either: check AIOPS_PUBLIC_URL and the proxy."
    )


def _refused(status: int) -> str:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.BAD_REQUEST):
        return "The token was not accepted. Paste the whole of it, or rotate it for a new one."
    return f"{settings.PUBLIC_URL} answered {status} instead of 202; is that address this console?"
