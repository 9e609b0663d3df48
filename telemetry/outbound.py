"""The one way out: every request to an address somebody typed in passes here.

A name is resolved once, every address it has is put in a tier, and the connection goes to the
address that was judged, so that a name which changes its mind in between reaches nothing.
"""

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpcore
import httpx

from telemetry.outbound_guard import PORTS, Guard, OutboundRefused, Target, check_url

__all__ = [
    "AnswerRefused",
    "Guard",
    "GuardedTransport",
    "OutboundRefused",
    "Target",
    "check_url",
    "follow",
    "open_client",
]

TIMEOUT_SECONDS = 5.0
MAX_BYTES = 10_000_000
MAX_REDIRECTS = 3
_FOLLOWED = {301, 302, 303, 307, 308}
_HARMLESS_HEADERS = {"accept", "accept-encoding", "host", "user-agent"}


class AnswerRefused(httpx.ReadError):
    """The answer is larger than the cap, or encoded although plain was asked for."""


class _BoundedStream(httpcore.NetworkStream):
    """A socket that no read or write keeps beyond the moment the whole request must end."""

    def __init__(self, inner: httpcore.NetworkStream, ends_at: float) -> None:
        self._inner = inner
        self._ends_at = ends_at

    def _left(self, timeout: float | None, late: type[Exception]) -> float:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise late("The answer took too long.")
        return left if timeout is None else min(left, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        left = self._left(timeout, httpcore.ConnectTimeout)
        return _BoundedStream(
            self._inner.start_tls(ssl_context, server_hostname, left), self._ends_at
        )

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _PinnedBackend(httpcore.NetworkBackend):
    """Connects to the judged addresses only, in their order, whatever the name says by now."""

    def __init__(self, target: Target, ends_at: float) -> None:
        self._target = target
        self._ends_at = ends_at

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        error: Exception = httpcore.ConnectTimeout("There was no time left to connect.")
        for address in self._target.addresses:
            left = min(self._ends_at - time.monotonic(), timeout or TIMEOUT_SECONDS)
            if left <= 0:
                break
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, self._target.port, left)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
            else:
                return _BoundedStream(stream, self._ends_at)
        raise error


class _CappedBody(httpx.SyncByteStream):
    def __init__(
        self, response: httpcore.Response, connection: httpcore.HTTPConnection, max_bytes: int
    ) -> None:
        self._response = response
        self._connection = connection
        self._max_bytes = max_bytes

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        encoding = httpx.Headers(self._response.headers).get("content-encoding", "identity")
        if encoding != "identity":
            raise AnswerRefused("The answer is compressed although plain was asked for.")
        with httpx_errors():
            for chunk in self._response.iter_stream():
                received += len(chunk)
                if received > self._max_bytes:
                    raise AnswerRefused(f"The answer is larger than {self._max_bytes} bytes.")
                yield chunk

    def close(self) -> None:
        self._response.close()
        self._connection.close()


_ERRORS: dict[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
}


@contextmanager
def httpx_errors() -> Iterator[None]:
    try:
        yield
    except tuple(_ERRORS) as error:
        raise _ERRORS[type(error)](str(error)) from error


class GuardedTransport(httpx.BaseTransport):
    """One connection a request, to a judged address, within `seconds` and `max_bytes`."""

    def __init__(
        self,
        guard: Guard,
        *,
        seconds: float = TIMEOUT_SECONDS,
        max_bytes: int = MAX_BYTES,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._ssl_context = ssl_context

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        target = self._guard.check_url(str(request.url))
        connection = self._connection(request.url, target)
        with httpx_errors():
            try:
                answer = connection.handle_request(for_httpcore(request))
            except BaseException:
                connection.close()
                raise
        body = _CappedBody(answer, connection, self._max_bytes)
        return httpx.Response(answer.status, headers=answer.headers, stream=body)

    def _connection(self, url: httpx.URL, target: Target) -> httpcore.HTTPConnection:
        ends_at = time.monotonic() + self._seconds
        tls = target.scheme == "https"
        return httpcore.HTTPConnection(
            httpcore.Origin(target.scheme.encode(), url.raw_host, target.port),
            ssl_context=(self._ssl_context or ssl.create_default_context()) if tls else None,
            network_backend=_PinnedBackend(target, ends_at),
        )


def for_httpcore(request: httpx.Request) -> httpcore.Request:
    url = request.url
    return httpcore.Request(
        request.method,
        httpcore.URL(
            scheme=url.raw_scheme,
            host=url.raw_host,
            port=url.port or PORTS[url.scheme],
            target=url.raw_path,
        ),
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )


def open_client(
    guard: Guard,
    *,
    seconds: float = TIMEOUT_SECONDS,
    max_bytes: int = MAX_BYTES,
    headers: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
) -> httpx.Client:
    """A client that follows no redirect by itself; `follow` does, checking each."""
    return httpx.Client(
        transport=GuardedTransport(guard, seconds=seconds, max_bytes=max_bytes),
        timeout=seconds,
        headers={"accept-encoding": "identity", **(headers or {})},
        auth=auth,
        trust_env=False,
        follow_redirects=False,
    )


def follow(client: httpx.Client, request: httpx.Request) -> httpx.Response:
    """Send, following up to three redirects; another origin gets no credential of ours.

    Raises `httpx.TooManyRedirects`, and what the transport raises for each hop.
    """
    response = client.send(request)
    for _ in range(MAX_REDIRECTS):
        hop = next_hop(request, response)
        if hop is None:
            return response
        response = client.send(
            hop.request, auth=httpx.Auth() if hop.is_elsewhere else httpx.USE_CLIENT_DEFAULT
        )
    if next_hop(request, response):
        raise httpx.TooManyRedirects(
            f"More than {MAX_REDIRECTS} redirects.", request=response.request
        )
    return response


class Hop(NamedTuple):
    request: httpx.Request
    is_elsewhere: bool


def next_hop(first: httpx.Request, response: httpx.Response) -> Hop | None:
    """Where a redirect leads; to another origin without anything of ours.

    Raises OutboundRefused where that would need the body.
    """
    then = response.next_request
    if response.status_code not in _FOLLOWED or then is None:
        return None
    if _origin(first.url) == _origin(then.url):
        return Hop(then, is_elsewhere=False)
    if then.method not in ("GET", "HEAD"):
        raise OutboundRefused("A redirect to another host does not get the body.")
    kept = {name: value for name, value in then.headers.items() if name in _HARMLESS_HEADERS}
    return Hop(httpx.Request(then.method, then.url, headers=kept), is_elsewhere=True)


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port or PORTS.get(url.scheme)
