"""Prometheus Alertmanager."""

from typing import Any, ClassVar

from incidents.providers.base import ParseResult, Provider, read_body
from incidents.providers.prometheus_alerts import PrometheusGroup


class Alertmanager(Provider):
    """Webhook versions 3 and 4; before 0.16 they had no fingerprints, then the labels identify."""

    slug: ClassVar[str] = "alertmanager"
    docs_url: ClassVar[str] = (
        "https://prometheus.io/docs/alerting/latest/configuration/#webhook_config"
    )

    def parse(self, payload: Any) -> ParseResult:
        return read_body(PrometheusGroup, payload, product="Alertmanager").parse()
