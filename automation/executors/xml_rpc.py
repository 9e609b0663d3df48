"""One XML-RPC call, and the difference between not sent and answer lost.

The standard library's ServerProxy sends a call again when its connection breaks, which is one time
too many for a call that has an effect; here a call is sent once. An answer that declares entities,
which is what makes XML from outside dangerous, is refused before it is parsed.
"""

import xmlrpc.client  # nosec B411
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from xml.parsers.expat import ExpatError
from xmlrpc.client import Fault  # nosec B411

import httpx

from automation.executors.base import Endpoint, sentence
from telemetry.outbound import Guard, open_client

__all__ = ["AnswerLost", "Fault", "NotSent", "call"]

MAX_BYTES = 1_000_000
_UNIX = "unix://"


class NotSent(Exception):
    """The call can have had no effect."""


class AnswerLost(Exception):
    """The call was sent; whether it had its effect is not known."""


def call(
    endpoint: Endpoint, method: str, *params: str | int | bool, seconds: float, guard: Guard
) -> Any:
    """The result; raises `NotSent`, `AnswerLost`, or `Fault`, the server's own no.

    The address is `http(s)://host:port/RPC2` or `unix:///path/of/socket`.
    """
    if seconds <= 0:
        raise NotSent("There was no time left.")
    body = xmlrpc.client.dumps(params, method).encode()
    with _client(endpoint, seconds, guard) as client, _named_errors():
        response = client.post(
            _url(endpoint.url), content=body, headers={"content-type": "text/xml"}
        )
    _check_status(response)
    return _result(response.content)


def _client(endpoint: Endpoint, seconds: float, guard: Guard) -> httpx.Client:
    auth = (endpoint.username, endpoint.secret) if endpoint.username else None
    if not endpoint.url.startswith(_UNIX):
        return open_client(guard, seconds=seconds, max_bytes=MAX_BYTES, auth=auth)
    transport = httpx.HTTPTransport(uds=endpoint.url.removeprefix(_UNIX))
    return httpx.Client(transport=transport, timeout=seconds, auth=auth, trust_env=False)


def _url(address: str) -> httpx.URL:
    if address.startswith(_UNIX):
        return httpx.URL("http://localhost/RPC2")
    url = httpx.URL(address)
    return url if url.path not in ("", "/") else url.copy_with(path="/RPC2")


@contextmanager
def _named_errors() -> Iterator[None]:
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.LocalProtocolError) as error:
        raise NotSent(f"Supervisor was not reached: {sentence(error)}") from error
    except httpx.InvalidURL as error:
        raise NotSent("The connection's address can't be read.") from error
    except httpx.TransportError as error:
        raise AnswerLost(f"Supervisor's answer was lost: {sentence(error)}") from error


def _check_status(response: httpx.Response) -> None:
    status = response.status_code
    if status in (401, 403):
        raise NotSent("Supervisor refused the user name or password.")
    if 300 <= status < 500:
        raise NotSent(f"There is no supervisor at this address: it answered {status}.")
    if status != httpx.codes.OK:
        raise AnswerLost(f"Supervisor answered {status}.")


def _result(body: bytes) -> Any:
    if b"<!" in body or b"\x00" in body:
        raise AnswerLost("The answer is not XML-RPC.")
    try:
        values, _ = xmlrpc.client.loads(body)
    except (ExpatError, xmlrpc.client.ResponseError, ValueError, LookupError, TypeError) as error:
        raise AnswerLost("The answer is not XML-RPC.") from error
    return values[0]
