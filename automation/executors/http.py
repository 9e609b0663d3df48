from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
import orjson
from pydantic import BaseModel, ConfigDict

from automation.executors.base import (
    CHECK_SECONDS,
    Endpoint,
    Executor,
    Outcome,
    Run,
    failed,
    sentence,
    succeeded,
    unknown,
)
from telemetry.outbound import Guard, open_client

OUTPUT_BYTES = 64 * 1024
_REPEATABLE = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
_ANSWERED_BY_A_GATEWAY = {502, 504}
_NOT_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.LocalProtocolError,
    httpx.InvalidURL,
)


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    method: str
    url: str
    headers: dict[str, str] = {}
    body: Any = None
    expected_status: list[int] = [200]


class Http(Executor):
    """Sends one request, once, and judges the answer by its status.

    A request whose answer was lost may have been acted on: `unknown`, unless its method is
    idempotent (RFC 9110, 9.2.2) and it can simply be sent again. Redirects are not followed.
    """

    slug: ClassVar[str] = "http"

    def perform(self, request: Mapping[str, Any], run: Run) -> Outcome:
        wanted = _Request.model_validate(request)
        seconds = run.seconds_left()
        if seconds <= 0:
            return failed("There was no time left; nothing was sent.")
        with open_client(run.guard, seconds=seconds) as client:
            try:
                return _send(client, wanted, run)
            except _NOT_SENT as error:
                return failed(f"Nothing was sent: {sentence(error)}")
            except httpx.TransportError as error:
                return _lost(wanted, error)

    def check(self, endpoint: Endpoint, *, guard: Guard) -> Outcome:
        with open_client(guard, seconds=CHECK_SECONDS) as client:
            wanted = _Request(method="GET", url=endpoint.url)
            try:
                response = client.send(_message(client, wanted, endpoint), stream=True)
            except (httpx.TransportError, httpx.InvalidURL) as error:
                return failed(endpoint.hide_secrets(f"Not reached: {sentence(error)}"))
            response.close()
        if response.status_code in (401, 403):
            return failed(f"Reached, but it answered {response.status_code}: not allowed in.")
        return succeeded(f"Reached; it answered {response.status_code}.")


def _send(client: httpx.Client, wanted: _Request, run: Run) -> Outcome:
    run.say(f"{wanted.method} {wanted.url}")
    response = client.send(_message(client, wanted, run.endpoint), stream=True)
    try:
        run.say(f"{response.status_code} {response.reason_phrase}".rstrip())
        _say_body(response, run)
    finally:
        response.close()
    return _judge(wanted, response)


def _message(client: httpx.Client, wanted: _Request, endpoint: Endpoint | None) -> httpx.Request:
    content, content_type = _content(wanted.body)
    headers = httpx.Headers({"content-type": content_type} if content is not None else {})
    if endpoint is not None and _is_below(wanted.url, endpoint.url):
        headers.update(_credentials(endpoint))
    headers.update(wanted.headers)
    return client.build_request(wanted.method, wanted.url, headers=headers, content=content)


def _content(body: Any) -> tuple[bytes | None, str]:
    if body is None:
        return None, ""
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return orjson.dumps(body), "application/json"


def _is_below(url: str, base: str) -> bool:
    """Whether `url` is at the connection's own origin, the only place its secrets go."""
    theirs, ours = httpx.URL(url), httpx.URL(base)
    return (theirs.scheme, theirs.raw_host, theirs.port) == (ours.scheme, ours.raw_host, ours.port)


def _credentials(endpoint: Endpoint) -> dict[str, str]:
    headers = dict(endpoint.headers)
    if endpoint.username:
        basic = httpx.BasicAuth(endpoint.username, endpoint.secret)
        signed = next(basic.sync_auth_flow(httpx.Request("GET", endpoint.url)))
        headers["authorization"] = signed.headers["authorization"]
    elif endpoint.secret:
        headers["authorization"] = f"Bearer {endpoint.secret}"
    return headers


def _say_body(response: httpx.Response, run: Run) -> None:
    body = bytearray()
    note = ""
    try:
        for chunk in response.iter_bytes(OUTPUT_BYTES):
            body += chunk
            if len(body) > OUTPUT_BYTES:
                note = f"(cut after {OUTPUT_BYTES // 1024} kB)"
                break
    except httpx.TransportError as error:
        note = f"(the rest of the answer was not read: {sentence(error)})"
    for line in body[:OUTPUT_BYTES].decode(errors="replace").splitlines():
        run.say(line)
    if note:
        run.say(note)


def _judge(wanted: _Request, response: httpx.Response) -> Outcome:
    status = response.status_code
    if status in wanted.expected_status:
        return succeeded(f"It answered {status}, as expected.")
    expected = ", ".join(map(str, wanted.expected_status))
    if status in _ANSWERED_BY_A_GATEWAY and wanted.method not in _REPEATABLE:
        return unknown(f"A gateway answered {status}; what is behind it may have acted.")
    if response.is_redirect:
        return failed(f"It answered {status}, a redirect, and redirects are not followed.")
    return failed(f"It answered {status}; expected was {expected}.")


def _lost(wanted: _Request, error: httpx.TransportError) -> Outcome:
    if wanted.method in _REPEATABLE:
        return failed(f"No answer: {sentence(error)} {wanted.method} can be sent again.")
    return unknown(f"The request was sent and the answer was lost: {sentence(error)}")
