"""Webhook messages as Alertmanager sends them, version 4 of its format.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, TypedDict

RECEIVER = "aiops-console"
GROUP_BY = ("alertname", "service")
NOT_ENDED = "0001-01-01T00:00:00Z"
_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211
_SEPARATOR = b"\xff"


class Alert(TypedDict):
    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str]
    startsAt: str
    endsAt: str
    generatorURL: str
    fingerprint: str


def fingerprint(labels: Mapping[str, str]) -> str:
    """16 hexadecimal digits: FNV-1a over the sorted label names and values, as Prometheus does.

    https://github.com/prometheus/common/blob/main/model/signature.go
    """
    digest = _FNV_OFFSET
    for name in sorted(labels):
        for byte in name.encode() + _SEPARATOR + labels[name].encode() + _SEPARATOR:
            digest = ((digest ^ byte) * _FNV_PRIME) & 0xFFFFFFFFFFFFFFFF
    return f"{digest:016x}"


def timestamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def firing(
    labels: dict[str, str], summary: str, *, started_at: datetime, generator_url: str
) -> Alert:
    return Alert(
        status="firing",
        labels=labels,
        annotations={"summary": summary},
        startsAt=timestamp(started_at),
        endsAt=NOT_ENDED,
        generatorURL=generator_url,
        fingerprint=fingerprint(labels),
    )


def resolved(alert: Alert, *, at: datetime) -> Alert:
    return {**alert, "status": "resolved", "endsAt": timestamp(at)}


def message(alerts: Sequence[Alert], *, external_url: str) -> dict[str, Any]:
    """One notification about alerts of one group."""
    labels = {name: alerts[0]["labels"][name] for name in GROUP_BY}
    is_over = all(alert["status"] == "resolved" for alert in alerts)
    return {
        "version": "4",
        "groupKey": group_key(alerts[0]["labels"]),
        "truncatedAlerts": 0,
        "status": "resolved" if is_over else "firing",
        "receiver": RECEIVER,
        "groupLabels": labels,
        "commonLabels": _common([alert["labels"] for alert in alerts]),
        "commonAnnotations": _common([alert["annotations"] for alert in alerts]),
        "externalURL": external_url,
        "alerts": list(alerts),
    }


def group_key(labels: Mapping[str, str]) -> str:
    pairs = ", ".join(f'{name}="{labels[name]}"' for name in GROUP_BY)
    return f"{{}}:{{{pairs}}}"


def _common(dictionaries: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first, *others = dictionaries
    return {
        name: value
        for name, value in first.items()
        if all(other.get(name) == value for other in others)
    }
