import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, TypeAdapter

from telemetry import reported_calls
from telemetry.calls import CallEdge
from telemetry.reported_calls import Metrics
from telemetry.sources.base import (
    PASSWORD,
    TENANT,
    USERNAME,
    Ability,
    Language,
    RemoteSource,
    Setting,
    Stretch,
)
from telemetry.sources.reading import demand_few_points, framed, read
from telemetry.store.frames import Frame

SERVICE_LABELS = ("service_name", "service")


class _Series(BaseModel):
    metric: dict[str, str]
    values: list[tuple[float, float]]


class _Scalar(BaseModel):
    resultType: Literal["scalar", "string"]  # noqa: N815
    result: tuple[float, str]


class _Matrix(BaseModel):
    resultType: Literal["matrix"]  # noqa: N815
    result: list[_Series]


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, float]


class _Vector(BaseModel):
    resultType: Literal["vector"]  # noqa: N815
    result: list[_Sample]


class _Range(BaseModel):
    status: Literal["success"]
    data: _Matrix


class _Instant(BaseModel):
    status: Literal["success"]
    data: _Vector | _Scalar


class _Values(BaseModel):
    status: Literal["success"]
    data: list[str]


class _BuildInfo(BaseModel):
    version: str = ""
    application: str = ""  # Mimir says its name


class _Build(BaseModel):
    status: Literal["success"]
    data: _BuildInfo


class _Refusal(BaseModel):
    status: Literal["error"]
    error: str


_RANGE, _INSTANT = TypeAdapter(_Range), TypeAdapter(_Instant)
_VALUES, _BUILD = TypeAdapter(_Values), TypeAdapter(_Build)


@dataclass(frozen=True)
class Prometheus(RemoteSource):
    """Also VictoriaMetrics, Mimir and Thanos, which answer as it does.

    https://prometheus.io/docs/prometheus/latest/querying/api/
    """

    slug: ClassVar[str] = "prometheus"
    title: ClassVar[str] = "Prometheus, VictoriaMetrics, Mimir, Thanos"
    abilities: ClassVar[frozenset[Ability]] = frozenset({"metrics", "services", "edges"})
    language: ClassVar[Language] = "promql"
    example: ClassVar[str] = "http://prometheus.example:9090"
    settings: ClassVar[tuple[Setting, ...]] = (USERNAME, PASSWORD, TENANT)

    @classmethod
    def reason_in(cls, refusal: bytes) -> str:
        return _Refusal.model_validate_json(refusal).error

    async def check(self) -> str:
        """A question first: an answer is what counts, and VictoriaMetrics hides its version."""
        await self._instant("1", "")
        response = await self.asker.get("/api/v1/status/buildinfo")
        build = read(_BUILD, response).data
        if not build.version:
            return "It answers as Prometheus does"
        return f"{build.application or 'Prometheus'} {build.version}"

    async def metrics(self, query: str, stretch: Stretch, step_ms: int) -> list[Frame]:
        """VictoriaMetrics would move the times to multiples of the step, were it to cache."""
        demand_few_points(stretch, step_ms)
        params = {
            "query": query,
            "start": _seconds(stretch.start_ms),
            "end": _seconds(stretch.end_ms),
            "step": _seconds(step_ms),
            "nocache": "1",
        }
        found = read(_RANGE, await self.asker.get("/api/v1/query_range", params)).data.result
        return framed((series.metric, series.values) for series in found)

    async def services(self, stretch: Stretch) -> list[str]:
        """Where no series says its service, its job does."""
        named = [await self._values(label, stretch) for label in SERVICE_LABELS]
        found = {name for names in named for name in names if name}
        return sorted(found or await self._values("job", stretch))

    async def edges(self, stretch: Stretch) -> list[CallEdge]:
        """What service graphs and Istio's proxies have counted."""
        seconds = max(1, (stretch.end_ms - stretch.start_ms) // 1000)
        at = _seconds(stretch.end_ms)
        graph, istio = await asyncio.gather(
            self._answers(reported_calls.service_graph_questions(seconds), at),
            self._answers(reported_calls.istio_questions(seconds), at),
        )
        return [*reported_calls.from_service_graph(graph), *reported_calls.from_istio(istio)]

    async def _answers(self, questions: Metrics, at: str) -> Metrics:
        return Metrics(*[await self._instant(question, at) for question in questions])

    async def _instant(self, query: str, at: str) -> list[dict[str, Any]]:
        params = {"query": query, **({"time": at} if at else {})}
        answer = read(_INSTANT, await self.asker.get("/api/v1/query", params))
        if not isinstance(answer.data, _Vector):
            return []
        return [
            {"metric": sample.metric, "value": (sample.value[0], str(sample.value[1]))}
            for sample in answer.data.result
        ]

    async def _values(self, label: str, stretch: Stretch) -> list[str]:
        params = {"start": _seconds(stretch.start_ms), "end": _seconds(stretch.end_ms)}
        return read(_VALUES, await self.asker.get(f"/api/v1/label/{label}/values", params)).data


def _seconds(ms: int) -> str:
    return f"{ms / 1000:.3f}"
