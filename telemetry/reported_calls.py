"""Edges that others have counted: Jaeger, the service graphs of Tempo and of the OpenTelemetry
Collector, and Istio. Answers are the vendor's JSON; one of another shape raises
pydantic.ValidationError. Confidence is that of `calls.confidence_of`.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel, Field, TypeAdapter

from telemetry.calls import CallEdge, Party, confidence_of

Parties = tuple[Party, Party]
Sides = dict[str, float]
Reading = tuple[Party, Party, str]
"""The last is who told of it: "both", "source" or "destination"."""

_GRAPH = "client, server, connection_type"
_ISTIO = (
    "reporter, source_canonical_service, destination_canonical_service, destination_service_name"
)
_NOBODY = {"", "unknown", "PassthroughCluster", "BlackHoleCluster"}
_GRPC_FAILED = "2|4|12|13|14|15"  # what OpenTelemetry holds to be a server's error


class Metrics(NamedTuple):
    """Three PromQL questions, or the `result` of the instant vectors that answer them."""

    calls: Any
    errors: Any
    p95_ms: Any


class _Dependency(BaseModel):
    parent: str = Field(min_length=1)
    child: str = Field(min_length=1)
    count: int = Field(alias="callCount", ge=0)


class _Dependencies(BaseModel):
    data: list[_Dependency] | None


class _Sample(BaseModel):
    metric: dict[str, str]
    value: tuple[float, str]


_VECTOR = TypeAdapter(list[_Sample])


def from_jaeger(answer: Any) -> list[CallEdge]:
    """Of `GET /api/dependencies`, which counts calls but neither errors nor durations.

    https://www.jaegertracing.io/docs/1.76/architecture/apis/#service-dependencies-graph-internal
    """
    counts: Counter[Parties] = Counter()
    for each in _Dependencies.model_validate(answer).data or ():
        counts[Party(each.parent), Party(each.child)] += each.count
    return _edges({parties: {"source": count} for parties, count in counts.items()}, {}, {})


def service_graph_questions(seconds: int) -> Metrics:
    """https://grafana.com/docs/tempo/latest/metrics-from-traces/service_graphs/"""
    metric = "traces_service_graph_request"
    slow = f"sum by (le, {_GRAPH}) (increase({metric}_client_seconds_bucket[{seconds}s]))"
    return Metrics(
        calls=f"sum by ({_GRAPH}) (increase({metric}_total[{seconds}s]))",
        errors=f"sum by ({_GRAPH}) (increase({metric}_failed_total[{seconds}s]))",
        p95_ms=f"1000 * histogram_quantile(0.95, {slow})",
    )


def from_service_graph(answers: Metrics) -> list[CallEdge]:
    """Queues between services are not named there, so producers call consumers directly."""
    return _read(answers, _graph_reading)


def istio_questions(seconds: int) -> Metrics:
    """Code 0 is a call without an answer. https://istio.io/latest/docs/reference/config/metrics/"""
    requests = "istio_requests_total"
    failed = (
        f'increase({requests}{{response_code=~"0|5.."}}[{seconds}s])'
        f' or increase({requests}{{grpc_response_status=~"{_GRPC_FAILED}"}}[{seconds}s])'
    )
    slow = f"increase(istio_request_duration_milliseconds_bucket[{seconds}s])"
    return Metrics(
        calls=f"sum by ({_ISTIO}) (increase({requests}[{seconds}s]))",
        errors=f"sum by ({_ISTIO}) ({failed})",
        p95_ms=f"histogram_quantile(0.95, sum by (le, {_ISTIO}) ({slow}))",
    )


def from_istio(answers: Metrics) -> list[CallEdge]:
    """Both proxies report a call: the caller's counts, and the callee's where it has no proxy.
    Callers outside the mesh are not known and left out."""
    return _read(answers, _istio_reading)


def _graph_reading(labels: Mapping[str, str]) -> Reading | None:
    client, server = labels.get("client", ""), labels.get("server", "")
    if not client or not server:
        return None
    match labels.get("connection_type", ""):
        case "database":
            return Party(client), Party(server, "database"), "source"
        case "virtual_node" if client == "user":
            return Party(client, "external"), Party(server), "destination"
        case "virtual_node":
            return Party(client), Party(server, "external"), "source"
    return Party(client), Party(server), "both"


def _istio_reading(labels: Mapping[str, str]) -> Reading | None:
    caller = labels.get("source_canonical_service", "")
    callee = labels.get("destination_canonical_service", "")
    host = labels.get("destination_service_name", "")
    reporter = labels.get("reporter", "")
    if caller in _NOBODY or (callee in _NOBODY and host in _NOBODY):
        return None
    party = Party(host, "external") if callee in _NOBODY else Party(callee)
    return Party(caller), party, "destination" if reporter == "destination" else "source"


def _read(
    answers: Metrics, reading_of: Callable[[Mapping[str, str]], Reading | None]
) -> list[CallEdge]:
    calls = _by_parties(answers.calls, reading_of, sum)
    errors = _by_parties(answers.errors, reading_of, sum)
    slow = _by_parties(answers.p95_ms, reading_of, max)
    return _edges(calls, errors, slow)


def _by_parties(
    result: Any,
    reading_of: Callable[[Mapping[str, str]], Reading | None],
    merge: Callable[[Iterable[float]], float],
) -> dict[Parties, Sides]:
    found: defaultdict[Reading, list[float]] = defaultdict(list)
    for sample in _VECTOR.validate_python(result):
        value = float(sample.value[1])
        if math.isfinite(value) and (reading := reading_of(sample.metric)):
            found[reading].append(value)
    by_parties: defaultdict[Parties, Sides] = defaultdict(dict)
    for (caller, callee, side), values in found.items():
        by_parties[caller, callee][side] = merge(values)
    return by_parties


def _edges(
    calls: Mapping[Parties, Sides], errors: Mapping[Parties, Sides], slow: Mapping[Parties, Sides]
) -> list[CallEdge]:
    edges = []
    for parties, sides in sorted(calls.items()):
        caller, callee = parties
        side = _teller(sides)
        count = round(sides[side])
        if count and caller != callee:
            failed = min(count, round(errors.get(parties, {}).get(side, 0.0)))
            p95_ms = slow.get(parties, {}).get(side)
            confidence = confidence_of(count, count * (2 if _is_agreed(sides) else 1))
            edges.append(CallEdge(caller, callee, count, failed, p95_ms, confidence))
    return edges


def _teller(sides: Sides) -> str:
    return next(side for side in ("both", "source", "destination") if side in sides)


def _is_agreed(sides: Sides) -> bool:
    return "both" in sides or len(sides) == 2
