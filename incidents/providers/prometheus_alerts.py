"""The alert as Prometheus' family writes it; Alertmanager and Grafana both send lists of them."""

from typing import Any

from pydantic import BaseModel, Field

from incidents.event import AlertEvent, AlertStatus
from incidents.providers.base import ParseResult, collect, one_line, texts, web_url
from incidents.sender_time import read_sender_time
from incidents.severity import classify_severity

_SEVERITY_LABELS = ("severity", "priority", "level")


class PrometheusAlert(BaseModel):
    """One of a group's alerts; times are read leniently, since a wrong one must not lose it."""

    status: AlertStatus | None = None
    labels: dict[str, Any]
    annotations: dict[str, Any] | None = None
    startsAt: Any = None  # noqa: N815  # the senders' spelling
    endsAt: Any = None  # noqa: N815
    generatorURL: str | None = None  # noqa: N815
    dashboardURL: str | None = None  # noqa: N815
    panelURL: str | None = None  # noqa: N815
    valueString: str | None = None  # noqa: N815
    fingerprint: str | None = None

    def as_event(self, group_status: AlertStatus) -> AlertEvent:
        labels, annotations = texts(self.labels), texts(self.annotations or {})
        status = self.status or group_status
        if self.valueString:
            annotations.setdefault("value", self.valueString)
        summary = one_line(
            *(annotations.get(name) for name in ("summary", "title", "description", "message"))
        )
        grade = next((labels[name] for name in _SEVERITY_LABELS if labels.get(name)), "")
        return AlertEvent(
            name=one_line(labels.get("alertname"), summary) or "Unnamed alert",
            status=status,
            severity=classify_severity(grade),
            starts_at=read_sender_time(self.startsAt),
            ends_at=read_sender_time(self.endsAt) if status == "resolved" else None,
            labels=labels,
            annotations=annotations,
            key=self.fingerprint or "",
            url=web_url(self.generatorURL, self.panelURL, self.dashboardURL),
            summary=summary,
        )


class PrometheusGroup(BaseModel):
    status: AlertStatus = "firing"
    alerts: list[Any] = Field(min_length=1)

    def parse(self) -> ParseResult:
        return collect(self.alerts, self._event)

    def _event(self, alert: Any) -> AlertEvent:
        return PrometheusAlert.model_validate(alert).as_event(self.status)
