"""Grafana, unified alerting and the legacy alerting of version 8 and before."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import BaseModel

from incidents.providers.base import (
    AlertEvent,
    AlertStatus,
    ParseResult,
    Provider,
    one_line,
    read_body,
    texts,
    web_url,
)
from incidents.providers.prometheus_alerts import PrometheusGroup
from incidents.severity import classify_severity

_LEGACY_STATUS: dict[str, AlertStatus] = {
    "alerting": "firing",
    "no_data": "firing",
    "pending": "firing",
    "ok": "resolved",
    "paused": "resolved",
}


class _LegacyAlert(BaseModel):
    ruleId: int | str  # noqa: N815  # the sender's spelling
    ruleName: str = ""  # noqa: N815
    ruleUrl: str | None = None  # noqa: N815
    orgId: int | None = None  # noqa: N815
    state: Literal["alerting", "no_data", "pending", "ok", "paused"]
    title: str | None = None
    message: str | None = None
    evalMatches: list[dict[str, Any]] | None = None  # noqa: N815
    tags: dict[str, Any] | None = None

    def as_event(self) -> AlertEvent:
        tags = texts(self.tags or {})
        name = one_line(self.ruleName, self.title) or "Unnamed alert"
        return AlertEvent(
            name=name,
            status=_LEGACY_STATUS[self.state],
            severity=classify_severity(tags.get("severity", "")),
            labels={**tags, "alertname": name},
            annotations=self._annotations(),
            key=f"{self.orgId or 1}/{self.ruleId}",
            url=web_url(self.ruleUrl),
            summary=one_line(self.message, self.title),
        )

    def _annotations(self) -> dict[str, str]:
        measured = [
            f"{match.get('metric')}={match.get('value')}" for match in self.evalMatches or []
        ]
        found = {"message": self.message, "state": self.state, "value": ", ".join(measured)}
        return {name: text for name, text in found.items() if text}


class Grafana(Provider):
    """An alert's identity is its fingerprint: the group key of newer versions changes each time."""

    slug: ClassVar[str] = "grafana"
    docs_url: ClassVar[str] = (
        "https://grafana.com/docs/grafana/latest/alerting/configure-notifications/"
        "manage-contact-points/integrations/webhook-notifier/"
    )

    def parse(self, payload: Any) -> ParseResult:
        if isinstance(payload, Mapping) and "alerts" not in payload and "ruleId" in payload:
            legacy = read_body(_LegacyAlert, payload, product="Grafana's legacy alerting")
            return ParseResult((legacy.as_event(),))
        return read_body(PrometheusGroup, payload, product="Grafana").parse()
