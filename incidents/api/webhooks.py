"""The short way in for webhooks: token, size, one committed row, 202. No meaning, no broker.

It stands in front of Django because a Django request costs more CPU than all of this.
"""

import asyncio
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import orjson
from django.utils import timezone
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from incidents.api.senders import CannotTell, Sender, identify, token_from
from incidents.api.writer import NotKept, Writer
from incidents.inbox import Receipt
from incidents.models import Message
from incidents.payload import UnreadablePayload, UnsupportedContentType, read_json
from incidents.providers import PROVIDERS, provider_for

MAX_BODY = 10 * 1024 * 1024
DELIVERY_HEADERS = ("webhook-id", "idempotency-key", "x-github-delivery")
KEPT_HEADERS = ("user-agent", "content-type", "x-github-event", *DELIVERY_HEADERS)
SIGNATURE_HEADER = "x-hub-signature-256"
RETRY_SECONDS = "5"
BODY_SECONDS = 10
writer = Writer()


class Refused(Exception):
    """What is wrong with the request, as an HTTP status and words for its sender."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


async def receive(request: Request) -> Response:
    """`POST /api/v1/webhooks/<provider>/`, with the token in a header or the path."""
    try:
        token = token_from(request.headers) or request.path_params.get("token", "")
        sender = await _known_sender(request.path_params["provider"], token)
        body = await read_body(request, MAX_BODY)
        _demand_plain(request.headers)
        _demand_own_signature(request.headers, body, token)
        receipt, unreadable = await _keep(sender, request, body)
    except Refused as refused:
        return problem(refused.status, refused.detail)
    except (NotKept, CannotTell):
        return problem(503, "It could not be kept; send it again.")
    if unreadable:
        return problem(400, unreadable)
    answer = {"message": str(receipt.message_id), "duplicate": receipt.is_duplicate}
    return _json(answer, 202)


async def enqueue(request: Request) -> Response:
    """`POST /v2/enqueue`: PagerDuty's Events API v2, the routing key being the token."""
    return await _take_event(request, _name_alert, "Event processed")


async def enqueue_change(request: Request) -> Response:
    """`POST /v2/change/enqueue`: its change events, with the same routing key."""
    return await _take_event(request, _demand_change, "Change event processed")


async def _take_event(
    request: Request, prepare: Callable[[dict[str, Any]], str], thanks: str
) -> Response:
    """`prepare` completes the event, or says why it does not belong here."""
    try:
        event = _read_event(await read_body(request, MAX_BODY))
        sender = await identify(str(event.pop("routing_key", "")), "pagerduty")
        if sender is None:
            return _invalid_event("routing_key is not known here")
        unreadable = prepare(event) or _why_unreadable(event)
        message = _message(sender, request, orjson.dumps(event))
        message.content_type = "application/json"
        if unreadable:
            message.state, message.reason = Message.State.DEAD, unreadable
        await writer.keep(message)
    except Refused as refused:
        return _invalid_event(refused.detail, status=refused.status)
    except (NotKept, CannotTell):
        return problem(503, "It could not be kept; send it again.")
    if unreadable:
        return _invalid_event(unreadable)
    named = {"dedup_key": str(event["dedup_key"])} if "dedup_key" in event else {}
    return _json({"status": "success", "message": thanks, **named}, 202)


async def read_body(request: Request, limit: int) -> bytes:
    """Reads no more than the limit, whatever length the sender claims. Raises `Refused`."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise Refused(413, f"The body is larger than {limit} bytes.")
    except ClientDisconnect as error:
        raise Refused(400, "The body ended early.") from error
    except TimeoutError as error:
        raise Refused(400, f"The body took longer than {BODY_SECONDS} s.") from error
    if not body:
        raise Refused(400, "The body is empty.")
    return bytes(body)


def problem(status: int, detail: str) -> Response:
    """RFC 9457 problem details."""
    titles = {400: "Bad request", 401: "Unauthorized", 404: "Not found", 413: "Too large"}
    titles |= {415: "Unsupported media type", 422: "Not understood", 503: "Unavailable"}
    document = {"type": "about:blank", "title": titles[status], "status": status, "detail": detail}
    headers = {"Retry-After": RETRY_SECONDS} if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _json(document, status, "application/problem+json", headers)


routes = [
    *(
        Route(f"/api/v1/webhooks/{path}", receive, methods=["POST"])
        for path in ("{provider}/", "{provider}", "{provider}/{token}/", "{provider}/{token}")
    ),
    Route("/v2/enqueue", enqueue, methods=["POST"]),
    Route("/v2/change/enqueue", enqueue_change, methods=["POST"]),
]


async def _known_sender(provider: str, token: str) -> Sender:
    if provider not in PROVIDERS:
        raise Refused(404, f"There is no provider {provider[:40]!r}.")
    sender = await identify(token, provider)
    if sender is None:
        raise Refused(401, "The token is missing or not valid for this provider.")
    return sender


def _demand_plain(headers: Mapping[str, str]) -> None:
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Refused(415, "Compressed bodies are not read here; send it uncompressed.")


def _demand_own_signature(headers: Mapping[str, str], body: bytes, token: str) -> None:
    """Whoever signs as GitHub does, signs with the token; who does not sign has the token alone."""
    said = headers.get(SIGNATURE_HEADER)
    if said is None:
        return
    right = f"sha256={hmac.new(token.encode(), body, 'sha256').hexdigest()}"
    if not hmac.compare_digest(right.encode(), said.encode()):
        raise Refused(401, "The signature is not the token's; set the token as webhook secret.")


async def _keep(sender: Sender, request: Request, body: bytes) -> tuple[Receipt, str]:
    """Also keeps what cannot be read, set aside with its reason, so that nothing is dropped."""
    message = _message(sender, request, body)
    try:
        read_json(body, message.content_type)
    except UnsupportedContentType as error:
        raise Refused(415, str(error)) from error
    except UnreadablePayload as error:
        message.state, message.reason = Message.State.DEAD, str(error)
    return await writer.keep(message), message.reason


def _message(sender: Sender, request: Request, body: bytes) -> Message:
    headers = {
        name: request.headers[name][:300] for name in KEPT_HEADERS if name in request.headers
    }
    delivery = next((headers[name] for name in DELIVERY_HEADERS if name in headers), None)
    return Message(
        integration_id=sender.integration_id,
        received_at=timezone.now(),
        content_type=headers.get("content-type", "application/json")[:100],
        headers=headers,
        body=body,
        delivery_key=delivery[:255] if delivery else None,
    )


def _read_event(body: bytes) -> dict[str, Any]:
    try:
        event = read_json(body)
    except UnreadablePayload as error:
        raise Refused(400, str(error)) from error
    if not isinstance(event, dict):
        raise Refused(400, "An event is a JSON object.")
    return event


def _name_alert(event: dict[str, Any]) -> str:
    if event.get("event_action") == "trigger" and event.get("dedup_key") is None:
        event["dedup_key"] = uuid4().hex
    return "" if "event_action" in event else "event_action is missing"


def _demand_change(event: dict[str, Any]) -> str:
    is_alert = "event_action" in event
    return "This is an alert event; it belongs to /v2/enqueue." if is_alert else ""


def _why_unreadable(event: dict[str, Any]) -> str:
    """Empty when it can be read."""
    try:
        parsed = provider_for("pagerduty").parse(event)
    except UnreadablePayload as error:
        return str(error)
    return parsed.rejected[0].reason if parsed.rejected else ""


def _invalid_event(detail: str, *, status: int = 400) -> Response:
    return _json(
        {"status": "invalid event", "message": "Event object is invalid", "errors": [detail]},
        status,
    )


def _json(
    document: dict[str, Any],
    status: int,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Response:
    return Response(orjson.dumps(document), status, headers, media_type)
