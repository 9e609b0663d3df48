"""Names of OpenTelemetry as Prometheus writes them.

https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/
"""

import re

from telemetry.intake.otlp_values import MAX_NAME

_NO_NAME = re.compile(r"[^a-zA-Z0-9:]+")
_NO_LABEL = re.compile(r"[^a-zA-Z0-9]")
_ANNOTATION = re.compile(r"\{[^}]*\}")
_UNITS = {
    "d": "days",
    "h": "hours",
    "min": "minutes",
    "s": "seconds",
    "ms": "milliseconds",
    "us": "microseconds",
    "ns": "nanoseconds",
    "By": "bytes",
    "KiBy": "kibibytes",
    "MiBy": "mebibytes",
    "GiBy": "gibibytes",
    "TiBy": "tibibytes",
    "KBy": "kilobytes",
    "MBy": "megabytes",
    "GBy": "gigabytes",
    "TBy": "terabytes",
    "m": "meters",
    "V": "volts",
    "A": "amperes",
    "J": "joules",
    "W": "watts",
    "g": "grams",
    "Cel": "celsius",
    "Hz": "hertz",
    "1": "",
    "%": "percent",
}
_PER = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day"}


def metric_name(name: str, unit: str, *, is_counter: bool = False, is_gauge: bool = False) -> str:
    """With the unit and, for a counter, `total` at the end, once."""
    words = [word for word in _NO_NAME.sub("_", name).split("_") if word]
    if is_counter and words and words[-1] == "total":
        words.pop()
    wanted = ["ratio"] if unit == "1" and is_gauge else _unit_words(unit)
    words += [word for word in wanted if word not in words]
    if is_counter:
        words.append("total")
    joined = "_".join(words)[:MAX_NAME]
    return f"_{joined}" if joined[:1].isdigit() else joined


def label_name(name: str) -> str:
    cleaned = _NO_LABEL.sub("_", name)
    return f"key_{cleaned}" if cleaned[:1].isdigit() else cleaned


def _unit_words(unit: str) -> list[str]:
    """`By/s` is bytes per second; what stands in braces is a remark."""
    amount, _, per = _ANNOTATION.sub("", unit).strip().partition("/")
    words = [_UNITS.get(amount, amount)]
    if per:
        words += ["per", _PER.get(per, per)]
    return [word for part in words for word in _NO_NAME.sub("_", part).split("_") if word]
