"""How a source is reached over HTTP: in turn, again where that helps, and not while it is down."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from telemetry.outbound import AnswerRefused, OutboundRefused
from telemetry.outbound_async import fetch, open_async_client
from telemetry.outbound_guard import Guard
from telemetry.sources.base import SourceFailed
from telemetry.sources.breaker import Reach

RETRIES = 2
PAUSE_SECONDS = 0.2
LONGEST_REASON = 300
UNTRUSTED = "Its certificate is not accepted"
_TLS = "CERTIFICATE_VERIFY_FAILED"
_PASSING = {429, 500, 502, 503, 504}
_AGAIN = {429, 502, 503, 504}  # a 500 mostly comes again
_ABOUT_QUESTION = {400, 422}
_WORDS = {
    401: "It does not accept the credentials (401).",
    403: "The credentials may not ask this (403).",
    404: "There is nothing at this path (404). Is the address right?",
    429: "It asks to be asked less often (429).",
}


@dataclass(frozen=True)
class HttpAsker:
    """Asks one source until `ends_at` of the loop's clock. `reason_in` is the plugin's."""

    url: str
    auth: httpx.Auth
    guard: Guard
    reach: Reach
    ends_at: float
    reason_in: Callable[[bytes], str]

    async def get(
        self,
        path: str,
        params: Mapping[str, str | Sequence[str]] = {},
        *,
        headers: Mapping[str, str] = {},
    ) -> httpx.Response:
        return await self._ask("GET", path, params=params, headers=dict(headers))

    async def post(
        self,
        path: str,
        *,
        json: object = None,
        content: bytes = b"",
        headers: Mapping[str, str] = {},
    ) -> httpx.Response:
        body = {"content": content} if json is None else {"json": json}
        return await self._ask("POST", path, headers=dict(headers), **body)

    async def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        breaker = self.reach.breaker
        if left := breaker.seconds_left():
            words = f"It failed several times and is asked again in {left:.0f} s."
            raise SourceFailed(words, is_passing=True)
        try:
            response = self._demand_success(await self._in_turn(method, path, sent))
        except SourceFailed as failed:
            (breaker.note_failure if failed.is_passing else breaker.note_success)()
            raise
        breaker.note_success()
        return response

    async def _in_turn(self, method: str, path: str, sent: Mapping[str, Any]) -> httpx.Response:
        try:
            async with asyncio.timeout_at(self.ends_at), self.reach.turns:
                return await self._tried(method, path, sent)
        except TimeoutError as error:
            words = "It did not answer in the time it was given."
            raise SourceFailed(words, is_passing=True) from error

    async def _tried(self, method: str, path: str, sent: Mapping[str, Any]) -> httpx.Response:
        """What may pass is tried again, after a pause that others do not take at the same time."""
        for attempt in range(RETRIES):
            pause = PAUSE_SECONDS * 2**attempt * random.uniform(0.5, 1.5)  # noqa: S311
            try:
                response = await self._sent(method, path, sent)
            except SourceFailed as failed:
                if not failed.is_passing:
                    raise
            else:
                pause = max(pause, _asked_pause(response))
                if response.status_code not in _AGAIN or self._is_too_late(pause):
                    return response
            await asyncio.sleep(pause)
        return await self._sent(method, path, sent)

    async def _sent(self, method: str, path: str, sent: Mapping[str, Any]) -> httpx.Response:
        async with open_async_client(self.guard, auth=self.auth) as client:
            try:
                request = client.build_request(method, self.url.rstrip("/") + path, **sent)
                return await fetch(client, request)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise _failed(error) from error

    def _is_too_late(self, pause: float) -> bool:
        return asyncio.get_running_loop().time() + pause >= self.ends_at

    def _demand_success(self, response: httpx.Response) -> httpx.Response:
        status = response.status_code
        if response.is_success:
            return response
        words = _WORDS.get(status, f"It answered {status}.")
        reason = self._reason(response) if status < 500 else ""
        raise SourceFailed(
            f"{words} It says: {reason}" if reason else words,
            is_passing=status in _PASSING,
            is_about_question=status in _ABOUT_QUESTION,
            status=status,
        )

    def _reason(self, response: httpx.Response) -> str:
        """Nothing of an answer is repeated but what the product documents as its reason."""
        try:
            reason = self.reason_in(response.content)
        except ValueError:
            return ""
        return " ".join(reason.replace("\0", "").split())[:LONGEST_REASON]


def _asked_pause(response: httpx.Response) -> float:
    """In seconds, as Retry-After asks; a date there is as good as nothing."""
    asked = response.headers.get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 0.0


def _failed(error: Exception) -> SourceFailed:
    match error:
        case OutboundRefused():
            return SourceFailed(str(error))
        case AnswerRefused():
            words = f"{error} Ask for less: a shorter time, a larger step or fewer series."
            return SourceFailed(words, is_about_question=True)
        case httpx.TimeoutException():
            return SourceFailed("It did not answer in time.", is_passing=True)
        case httpx.ConnectError() if _TLS in str(error):
            return SourceFailed(f"{UNTRUSTED}: {error}")
        case httpx.ConnectError():
            return SourceFailed(f"It cannot be reached: {error}", is_passing=True)
        case httpx.TransportError():
            return SourceFailed(f"It hung up in the middle: {error}", is_passing=True)
    return SourceFailed(f"It cannot be asked: {error}")
