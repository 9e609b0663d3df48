"""Answers in the shape of Prometheus' query API.

https://prometheus.io/docs/prometheus/2.42/querying/api/
"""

from collections.abc import Sequence
from typing import Any

from telemetry.promql.numbers import answer_text
from telemetry.promql.vectors import Labels, Scalar, Text, Value, Vector, Windows
from telemetry.store.frames import Times, Values

Json = dict[str, Any]


def of_moment(value: Value, at_ms: int) -> Json:
    seconds = _seconds(at_ms)
    match value:
        case Scalar(values):
            return _typed("scalar", [seconds, answer_text(float(values[0]))])
        case Text(text):
            return _typed("string", [seconds, text])
        case Windows():
            return _typed("matrix", _sorted(_samples(value)))
        case Vector():
            return _typed("vector", _newest(value, seconds))


def of_range(value: Vector | Scalar, times: Times) -> Json:
    if isinstance(value, Scalar):
        return _typed("matrix", [_series({}, times, value.values)])
    rows = range(len(value.labels))
    series = [
        _series(value.labels[row], times[value.present[row]], value.values[row, value.present[row]])
        for row in rows
        if value.present[row].any()
    ]
    return _typed("matrix", _sorted(series))


def _typed(kind: str, result: Any) -> Json:
    return {"resultType": kind, "result": result}


def _newest(vector: Vector, seconds: float) -> list[Json]:
    columns = zip(
        vector.labels, vector.present[:, 0].tolist(), vector.values[:, 0].tolist(), strict=True
    )
    return [
        {"metric": labels, "value": [seconds, answer_text(value)]}
        for labels, is_there, value in columns
        if is_there
    ]


def _samples(seen: Windows) -> list[Json]:
    bounds = zip(seen.labels, seen.first[:, 0].tolist(), seen.end[:, 0].tolist(), strict=True)
    return [
        _series(labels, seen.at_ms[first:end], seen.values[first:end])
        for labels, first, end in bounds
        if end > first
    ]


def _series(labels: Labels, at_ms: Times, values: Values) -> Json:
    texts = map(answer_text, values.tolist())
    return {
        "metric": labels,
        "values": list(zip(map(_seconds, at_ms.tolist()), texts, strict=True)),
    }


def _seconds(at_ms: int) -> float:
    """An int when it is whole, as Prometheus writes it."""
    return at_ms // 1000 if at_ms % 1000 == 0 else at_ms / 1000


def _sorted(series: Sequence[Json]) -> list[Json]:
    return sorted(series, key=lambda each: sorted(each["metric"].items()))
