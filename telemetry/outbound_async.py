"""The same one way out as `telemetry.outbound`, for code that waits for many answers at once.

Compressed answers are taken here, since what they unfold to is counted as it unfolds.
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial

import httpcore
import httpx

from telemetry.outbound import (
    MAX_BYTES,
    MAX_REDIRECTS,
    TIMEOUT_SECONDS,
    AnswerRefused,
    for_httpcore,
    httpx_errors,
    next_hop,
)
from telemetry.outbound_guard import Guard, Target

_GZIP = {"gzip", "x-gzip"}
# A name server that hangs keeps these threads and no others.
_resolving = ThreadPoolExecutor(4, thread_name_prefix="resolving")


@lru_cache(maxsize=1)
def _usual_trust() -> ssl.SSLContext:
    """Kept, since reading every root certificate takes longer than a request."""
    return ssl.create_default_context()


class _PinnedBackend(httpcore.AsyncNetworkBackend):
    """Connects to the judged addresses only, in their order, whatever the name says by now."""

    def __init__(self, target: Target) -> None:
        self._target = target

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        error: Exception = httpcore.ConnectError()
        for address in self._target.addresses:
            try:
                return await httpcore.AnyIOBackend().connect_tcp(
                    address, self._target.port, timeout
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                error = failed
        tried = ", ".join(self._target.addresses)
        raise type(error)(f"{tried} takes no connection at {self._target.port}.") from error


class _CappedBody(httpx.AsyncByteStream):
    def __init__(
        self,
        answer: httpcore.Response,
        connection: httpcore.AsyncHTTPConnection,
        *,
        encoding: str,
        max_bytes: int,
    ) -> None:
        self._answer = answer
        self._connection = connection
        self._encoding = encoding
        self._max_bytes = max_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        unfold = _unfolding(self._encoding, self._max_bytes)
        received = 0
        with httpx_errors():
            async for chunk in self._answer.aiter_stream():
                part = unfold(chunk)
                received += len(part)
                if received > self._max_bytes:
                    raise AnswerRefused(f"The answer is larger than {self._max_bytes} bytes.")
                yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
        await self._connection.aclose()


class AsyncGuardedTransport(httpx.AsyncBaseTransport):
    """One connection a request, to a judged address, within `max_bytes`, unfolded."""

    def __init__(
        self,
        guard: Guard,
        *,
        max_bytes: int = MAX_BYTES,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self._guard = guard
        self._max_bytes = max_bytes
        self._ssl_context = ssl_context

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = await judged(self._guard, str(request.url))
        connection = self._connection(request.url, target)
        with httpx_errors():
            try:
                answer = await connection.handle_async_request(for_httpcore(request))
            except BaseException:
                await connection.aclose()
                raise
        return self._response(answer, connection)

    def _response(
        self, answer: httpcore.Response, connection: httpcore.AsyncHTTPConnection
    ) -> httpx.Response:
        headers = httpx.Headers(answer.headers)
        encoding = headers.pop("content-encoding", "identity").lower()
        headers.pop("content-length", None)
        body = _CappedBody(answer, connection, encoding=encoding, max_bytes=self._max_bytes)
        return httpx.Response(answer.status, headers=headers, stream=body)

    def _connection(self, url: httpx.URL, target: Target) -> httpcore.AsyncHTTPConnection:
        tls = target.scheme == "https"
        return httpcore.AsyncHTTPConnection(
            httpcore.Origin(target.scheme.encode(), url.raw_host, target.port),
            ssl_context=(self._ssl_context or _usual_trust()) if tls else None,
            network_backend=_PinnedBackend(target),
        )


async def judged(guard: Guard, url: str) -> Target:
    """As `Guard.check_url`, without keeping the loop while a name is resolved."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_resolving, guard.check_url, url)


def open_async_client(
    guard: Guard, *, max_bytes: int = MAX_BYTES, auth: httpx.Auth | None = None
) -> httpx.AsyncClient:
    """A client that follows no redirect by itself; `fetch` does, checking each."""
    return httpx.AsyncClient(
        transport=AsyncGuardedTransport(guard, max_bytes=max_bytes),
        timeout=httpx.Timeout(None, connect=TIMEOUT_SECONDS),
        headers={"accept": "application/json", "accept-encoding": "gzip"},
        auth=auth,
        trust_env=False,
        follow_redirects=False,
    )


async def fetch(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    """As `outbound.follow`. How long all of it may take is for the caller to say."""
    response = await client.send(request)
    for _ in range(MAX_REDIRECTS):
        hop = next_hop(request, response)
        if hop is None:
            return response
        response = await client.send(
            hop.request, auth=httpx.Auth() if hop.is_elsewhere else httpx.USE_CLIENT_DEFAULT
        )
    if next_hop(request, response):
        raise httpx.TooManyRedirects(
            f"More than {MAX_REDIRECTS} redirects.", request=response.request
        )
    return response


def _unfolding(encoding: str, most: int) -> Callable[[bytes], bytes]:
    """Of one answer's pieces. A small answer cannot become more memory than `most`."""
    if encoding == "identity":
        return bytes
    if encoding not in _GZIP:
        raise AnswerRefused("The answer is compressed in a way that was not asked for.")
    stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    return partial(_unfolded, stream, most)


def _unfolded(stream: "zlib._Decompress", most: int, chunk: bytes) -> bytes:
    try:
        return stream.decompress(chunk, most + 1)
    except zlib.error as error:
        raise AnswerRefused("The answer says that it is gzip, and is not.") from error
