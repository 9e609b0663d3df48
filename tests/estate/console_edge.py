import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from aiops_site.estate.status import status


class ConsoleEdge(ThreadingHTTPServer):
    """The doors of a console the estate knocks at; keeps what comes, refuses when told to."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Doors)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.webhooks = []
        self.metrics = {}
        self.spans = []
        self.logs = []
        self.tokens = set()
        self.answer = 202

    def take(self, path, token, body):
        self.tokens.add((path, token))
        if path == "/v1/metrics":
            self._take_metrics(ExportMetricsServiceRequest.FromString(body))
        elif path == "/v1/traces":
            self.spans += _with_service(ExportTraceServiceRequest.FromString(body).resource_spans)
        elif path == "/v1/logs":
            self.logs += _with_service(ExportLogsServiceRequest.FromString(body).resource_logs)
        elif self.answer < 300:
            self.webhooks.append(json.loads(body))

    def alerts(self, status, service):
        return [
            alert
            for message in list(self.webhooks)
            for alert in message["alerts"]
            if alert["status"] == status and alert["labels"]["service"] == service
        ]

    def points(self, service, metric):
        """Attributes to the newest point, of one metric of one service."""
        found = self.metrics.get(service, {}).get(metric)
        if found is None:
            return {}
        points = getattr(found, found.WhichOneof("data")).data_points
        return {
            tuple(sorted((a.key, a.value.string_value) for a in point.attributes)): point
            for point in points
        }

    def _take_metrics(self, request):
        for resource_metrics in request.resource_metrics:
            attributes = {a.key: a.value.string_value for a in resource_metrics.resource.attributes}
            kept = self.metrics.setdefault(attributes["service.name"], {})
            for scope_metrics in resource_metrics.scope_metrics:
                kept.update({metric.name: metric for metric in scope_metrics.metrics})


class _Doors(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take(self.path, self.headers["Authorization"], body)
        self.send_response(200 if self.path.startswith("/v1/") else self.server.answer)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


def _with_service(resources):
    """Each span or log record beside the service that sent it."""
    found = []
    for each in resources:
        attributes = {a.key: a.value.string_value for a in each.resource.attributes}
        scopes = each.scope_spans if hasattr(each, "scope_spans") else each.scope_logs
        for scope in scopes:
            records = scope.spans if hasattr(scope, "spans") else scope.log_records
            found += [(attributes["service.name"], record) for record in records]
    return found


def wait_for(is_so, seconds):
    """Whether it came to be so in time; looks again every 50 ms."""
    give_up_at = time.monotonic() + seconds
    while not (found := is_so()):
        if time.monotonic() > give_up_at:
            return found
        time.sleep(0.05)
    return found


def is_healthy(estate):
    services = status(estate)["services"]
    return bool(services) and all(service["healthy"] for service in services.values())
