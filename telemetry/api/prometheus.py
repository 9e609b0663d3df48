"""Prometheus' query API over the built-in store, for Grafana, promtool and their like.

https://prometheus.io/docs/prometheus/2.42/querying/api/ . Who may ask is told by `admit`, and which
store answers by `opened`; the site hands both in.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from telemetry.api.prometheus_parameters import Parameters, now_ms
from telemetry.linear_regex import InvalidPattern
from telemetry.promql import rendering
from telemetry.promql.asking import USUAL, ask, ask_range, selector
from telemetry.promql.errors import InvalidQuery, QueryError, TooMuchAsked
from telemetry.promql.evaluating import Limits
from telemetry.promql.vectors import Scalar, Text, Value, Windows
from telemetry.store.database import Unavailable
from telemetry.store.metrics import MetricStore, Selector, TooMuch

PREFIX = "/prometheus/api/v1"
SPOKEN_VERSION = "2.42.0"  # clients choose by it what they may ask
AT_ONCE, MOST_WAITING = 2, 40
MOST_ANSWERED = 1_000_000
EVER_MS = 2**53
STATUS = {"bad_data": 400, "execution": 422, "timeout": 503, "unavailable": 503}
_LABEL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)

Admit = Callable[[Request], Awaitable[None]]
Deed = Callable[[MetricStore, Parameters], Any]


class NotAdmitted(Exception):
    """What `admit` raises: 401 for a stranger, 403 without the right, 503 when nobody can tell."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def routes(admit: Admit, opened: Callable[[], MetricStore]) -> list[Route]:
    api = QueryApi(admit, opened)
    both: dict[str, Deed] = {
        "query": query,
        "query_range": query_range,
        "labels": label_names,
        "series": series,
    }
    reading: dict[str, Deed] = {
        "label/{name}/values": label_values,
        "metadata": metadata,
        "status/buildinfo": build_info,
    }
    return [
        *(
            Route(f"{PREFIX}/{path}", api.answers(d), methods=["GET", "POST"])
            for path, d in both.items()
        ),
        *(
            Route(f"{PREFIX}/{path}", api.answers(d), methods=["GET"])
            for path, d in reading.items()
        ),
    ]


class QueryApi:
    """Some questions are worked on at once, some wait, and more are told to come back."""

    def __init__(self, admit: Admit, opened: Callable[[], MetricStore]) -> None:
        self._admit = admit
        self._opened = opened
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="promql")
        self._waiting = 0

    def answers(self, deed: Deed) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                await self._admit(request)
                parameters = await Parameters.of(request)
                parameters.given.update({k: [v] for k, v in request.path_params.items()})
                return Response(await self._in_turn(deed, parameters), media_type=JSON)
            except NotAdmitted as refusal:
                return _refused(refusal)
            except QueryError as error:
                return _error(error.kind, str(error))
            except InvalidPattern as error:
                return _error("bad_data", f"invalid regular expression: {error}")
            except TooMuch as error:
                return _error("execution", str(error))
            except Unavailable:
                return _error("unavailable", "the store does not answer; ask again")

        return answer

    async def _in_turn(self, deed: Deed, parameters: Parameters) -> bytes:
        if self._waiting >= MOST_WAITING:
            raise TooManyAsk("too many queries are waiting; ask again")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, self._answer, deed, parameters)
        finally:
            self._waiting -= 1

    def _answer(self, deed: Deed, parameters: Parameters) -> bytes:
        found = deed(self._opened(), parameters)
        return orjson.dumps({"status": "success", "data": found})


class TooManyAsk(QueryError):
    kind = "unavailable"


JSON = "application/json"


async def broken(request: Request, error: Exception) -> Response:
    """A defect of ours; Starlette raises it once more, and the server logs it."""
    return _json(500, "internal", "this query could not be answered; the log says why", {})


def query(store: MetricStore, asked: Parameters) -> rendering.Json:
    at_ms = asked.moment_ms("time", now_ms())
    value = ask(store, asked.text("query"), at_ms=at_ms, limits=_limits(asked))
    _demand_moderation(value)
    return rendering.of_moment(value, at_ms)


def query_range(store: MetricStore, asked: Parameters) -> rendering.Json:
    start_ms, end_ms = asked.moment_ms("start"), asked.moment_ms("end")
    times, value = ask_range(
        store,
        asked.text("query"),
        start_ms=start_ms,
        end_ms=end_ms,
        step_ms=asked.duration_ms("step"),
        limits=_limits(asked),
    )
    _demand_moderation(value)
    return rendering.of_range(value, times)


def label_names(store: MetricStore, asked: Parameters) -> list[str]:
    return store.label_names(_selectors(asked), *_period(asked))


def label_values(store: MetricStore, asked: Parameters) -> list[str]:
    name = asked.text("name")
    if not _LABEL_NAME.fullmatch(name):
        raise InvalidQuery(f'invalid label name: "{name}"', parameter="")
    return store.label_values(name, _selectors(asked), *_period(asked))


def series(store: MetricStore, asked: Parameters) -> list[Any]:
    selectors = _selectors(asked)
    if not selectors:
        raise InvalidQuery("no match[] parameter provided", parameter="")
    return store.series(selectors, *_period(asked))


def metadata(store: MetricStore, asked: Parameters) -> rendering.Json:
    """Types and units are not kept, so nothing is known of any metric."""
    return {}


def build_info(store: MetricStore, asked: Parameters) -> rendering.Json:
    unknown = dict.fromkeys(("revision", "branch", "buildUser", "buildDate", "goVersion"), "")
    return {"version": SPOKEN_VERSION, **unknown}


def _limits(asked: Parameters) -> Limits:
    if not asked.text("timeout"):
        return USUAL
    return replace(USUAL, seconds=min(USUAL.seconds, asked.duration_ms("timeout") / 1000))


def _selectors(asked: Parameters) -> list[Selector]:
    return [selector(text) for text in asked.texts("match[]")]


def _period(asked: Parameters) -> tuple[int, int]:
    return asked.moment_ms("start", 0), asked.moment_ms("end", EVER_MS)


def _demand_moderation(value: Value) -> None:
    """Written out, a sample takes many times its room in memory."""
    match value:
        case Scalar() | Text():
            return
        case Windows():
            samples = int((value.end - value.first).sum())
        case vector:
            samples = int(vector.present.sum())
    if samples > MOST_ANSWERED:
        raise TooMuchAsked(
            f"the answer would have {samples} samples, {MOST_ANSWERED} are allowed; "
            "aggregate, or ask for a shorter time or larger steps"
        )


def _refused(refusal: NotAdmitted) -> Response:
    headers = {"WWW-Authenticate": 'Basic realm="API token as password"'}
    kind = {401: "unauthorized", 403: "forbidden"}.get(refusal.status, "unavailable")
    return _json(refusal.status, kind, str(refusal), headers if refusal.status == 401 else {})


def _error(kind: str, reason: str) -> Response:
    return _json(STATUS[kind], kind, reason, {"Retry-After": "5"} if kind == "unavailable" else {})


def _json(status: int, kind: str, reason: str, headers: dict[str, str]) -> Response:
    content = orjson.dumps({"status": "error", "errorType": kind, "error": reason})
    return Response(content, status, headers, media_type=JSON)
