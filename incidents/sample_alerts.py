"""One test alert in the words of each product, and how to point the product at this console."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from incidents.connecting import url_of
from incidents.event import AlertStatus
from incidents.providers import PROVIDERS

KEY, TITLE, SERVICE = "welcome-1", "Test alert", "demo"
ENQUEUE = "/v2/enqueue"


@dataclass(frozen=True, slots=True)
class Product:
    """`config` makes the block to paste, from URL and token."""

    slug: str
    title: str
    place: str
    config: Callable[[str, str], str]
    by_routing_key: bool = False


def address_of(product: Product) -> str:
    """Where the product itself sends to; PagerDuty's senders know only an events API."""
    return f"{settings.PUBLIC_URL}{ENQUEUE}" if product.by_routing_key else url_of(product.slug)


def sample(slug: str, status: AlertStatus, *, token: str, at: datetime) -> dict[str, Any]:
    """The body of a test alert, the same alert each time. Raises KeyError for a metrics source."""
    return _SAMPLES[slug](token, at.isoformat(timespec="seconds"), status)


def _generic(token: str, at: str, status: AlertStatus) -> dict[str, Any]:
    return {
        "title": TITLE,
        "severity": "warning",
        "service": SERVICE,
        "dedup_key": KEY,
        "status": status,
    }


def _prometheus_alert(at: str, status: AlertStatus) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": TITLE, "service": SERVICE, "severity": "warning"},
        "annotations": {"summary": "Sent from the console to see that it arrives."},
        "startsAt": at,
        "endsAt": at if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": KEY,
    }


def _alertmanager(token: str, at: str, status: AlertStatus) -> dict[str, Any]:
    alert = _prometheus_alert(at, status)
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{TITLE}"}}',
        "truncatedAlerts": 0,
        "status": alert["status"],
        "receiver": "console",
        "groupLabels": {"alertname": TITLE},
        "commonLabels": alert["labels"],
        "commonAnnotations": alert["annotations"],
        "externalURL": "",
        "alerts": [alert],
    }


def _grafana(token: str, at: str, status: AlertStatus) -> dict[str, Any]:
    body = _alertmanager(token, at, status)
    state = "ok" if status == "resolved" else "alerting"
    return {**body, "version": "1", "orgId": 1, "state": state, "title": TITLE, "message": TITLE}


def _pagerduty(token: str, at: str, status: AlertStatus) -> dict[str, Any]:
    event = {"routing_key": token, "dedup_key": KEY}
    if status == "resolved":
        return {**event, "event_action": "resolve"}
    payload = {"summary": TITLE, "source": SERVICE, "severity": "warning", "component": SERVICE}
    return {**event, "event_action": "trigger", "payload": payload}


def _alertmanager_config(url: str, token: str) -> str:
    return f"""# alertmanager.yml
route:
  receiver: console
receivers:
  - name: console
    webhook_configs:
      - url: {url}
        send_resolved: true
        http_config:
          authorization:
            type: Bearer
            credentials: {token}"""


def _grafana_config(url: str, token: str) -> str:
    return f"""# provisioning/alerting/console.yaml
apiVersion: 1
contactPoints:
  - orgId: 1
    name: Console
    receivers:
      - uid: console
        type: webhook
        disableResolveMessage: false
        settings:
          url: {url}
          httpMethod: POST
          authorization_scheme: Bearer
          authorization_credentials: {token}"""


def _pagerduty_config(url: str, token: str) -> str:
    return f"""# alertmanager.yml, or any sender whose PagerDuty address can be changed
receivers:
  - name: console
    pagerduty_configs:
      - url: {url}
        routing_key: {token}
        send_resolved: true"""


def _generic_config(url: str, token: str) -> str:
    return f"""POST {url}
Authorization: Bearer {token}
Content-Type: application/json"""


def _otlp_config(url: str, token: str) -> str:
    beside = url.removesuffix("metrics")
    return f"""export OTEL_SERVICE_NAME=checkout
export OTEL_METRICS_EXPORTER=otlp OTEL_LOGS_EXPORTER=otlp OTEL_TRACES_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_METRICS_ENDPOINT={url}
export OTEL_EXPORTER_OTLP_LOGS_ENDPOINT={beside}logs
export OTEL_EXPORTER_OTLP_TRACES_ENDPOINT={beside}traces
export OTEL_EXPORTER_OTLP_HEADERS="Authorization=Bearer%20{token}"
export OTEL_METRIC_EXPORT_INTERVAL=10000"""


def _prometheus_config(url: str, token: str) -> str:
    return f"""# prometheus.yml
remote_write:
  - url: {url}
    authorization:
      type: Bearer
      credentials: {token}"""


def _github_config(url: str, token: str) -> str:
    return f"""Payload URL   {url}{token}/
Content type  application/json
Secret        {token}
Events        Deployments, Deployment statuses, Releases, Workflow runs, Pushes"""


def _argocd_config(url: str, token: str) -> str:
    return f"""# argocd-notifications-cm; the template is in docs/connecting.md
data:
  service.webhook.console: |
    url: {url}
    headers:
      - name: Authorization
        value: Bearer {token}
      - name: Content-Type
        value: application/json"""


def _kubernetes_config(url: str, token: str) -> str:
    return f"""# kubernetes-event-exporter
receivers:
  - name: console
    webhook:
      endpoint: {url}
      headers:
        Authorization: Bearer {token}"""


PRODUCTS: dict[str, Product] = {
    product.slug: product
    for product in (
        Product("alertmanager", "Alertmanager", "Add to alertmanager.yml", _alertmanager_config),
        Product("grafana", "Grafana", "Contact point, as a file", _grafana_config),
        Product(
            "pagerduty",
            "PagerDuty Events",
            "Where the sender names PagerDuty",
            _pagerduty_config,
            by_routing_key=True,
        ),
        Product("generic", "Generic JSON", "Anything that can POST JSON", _generic_config),
    )
}
METRICS = Product("otlp", "OpenTelemetry", "Environment of your service", _otlp_config)
TELEMETRY = (
    METRICS,
    Product("prometheus", "Prometheus metrics", "Add to prometheus.yml", _prometheus_config),
)
CHANGES = (
    Product("github", "GitHub", "Settings, Webhooks, Add webhook", _github_config),
    Product("argocd", "Argo CD", "Add to argocd-notifications-cm", _argocd_config),
    Product("kubernetes", "Kubernetes", "Add to the exporter's settings", _kubernetes_config),
)


def product_for(slug: str) -> Product:
    """Of a provider without a page of its own: address and header, which is all it needs."""
    plain = Product(slug, slug.capitalize(), "A webhook with this header", _generic_config)
    known = PRODUCTS | {product.slug: product for product in (*TELEMETRY, *CHANGES)}
    return known.get(slug, plain)


def every_product() -> list[Product]:
    others = sorted(set(PROVIDERS) - set(PRODUCTS))
    return [*PRODUCTS.values(), *TELEMETRY, *map(product_for, others)]


_SAMPLES: dict[str, Callable[[str, str, AlertStatus], dict[str, Any]]] = {
    "generic": _generic,
    "alertmanager": _alertmanager,
    "grafana": _grafana,
    "pagerduty": _pagerduty,
}
