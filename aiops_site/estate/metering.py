"""What a process of the estate measures, exported every second as OTLP over HTTP.

Names are those of the OpenTelemetry semantic conventions where they have one; counts they leave
to the histograms are `shop.*`. A histogram has one series for each route or callee, failed
requests included: a hung callee's series must rise, not end.
https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
"""

import resource
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import TypedDict

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource

from aiops_site.estate.layout import ENVIRONMENT

_EXPORT_MILLISECONDS = 1000
_EXPORT_TIMEOUT_SECONDS = 2
_BUCKETS_SECONDS = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
)  # fmt: skip


class Origin(TypedDict):
    """Who tells, and where to."""

    service: str
    instance: str
    console_url: str
    token: str


def resident_bytes() -> int:
    resident_pages = int(Path("/proc/self/statm").read_text().split()[1])
    return resident_pages * resource.getpagesize()


class Meters:
    """One process's instruments.

    Measures stay cumulative and in memory while the console is away, so nothing piles up and the
    next export that arrives carries everything.
    """

    def __init__(self, *, service: str, instance: str, console_url: str, token: str) -> None:
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(
                endpoint=f"{console_url}/v1/metrics",
                headers={"Authorization": f"Bearer {token}"},
                timeout=_EXPORT_TIMEOUT_SECONDS,
            ),
            export_interval_millis=_EXPORT_MILLISECONDS,
        )
        self._provider = MeterProvider([reader], resource_of(service, instance))
        self._in_flight = 0
        self._lock = Lock()
        self._create_instruments()

    def _create_instruments(self) -> None:
        meter = self._provider.get_meter("aiops_site.estate")
        self._served = meter.create_histogram(
            "http.server.request.duration",
            "s",
            explicit_bucket_boundaries_advisory=_BUCKETS_SECONDS,
        )
        self._called = meter.create_histogram(
            "http.client.request.duration",
            "s",
            explicit_bucket_boundaries_advisory=_BUCKETS_SECONDS,
        )
        self._requests = meter.create_counter("shop.requests", "{request}")
        self._errors = meter.create_counter("shop.errors", "{request}")
        self._call_errors = meter.create_counter("shop.client.errors", "{request}")
        meter.create_observable_gauge("process.memory.usage", [self._observe_memory], "By")
        meter.create_observable_gauge(
            "http.server.active_requests", [self._observe_in_flight], "{request}"
        )

    def begin(self) -> None:
        with self._lock:
            self._in_flight += 1

    def end(self, *, route: str, seconds: float, failed: bool) -> None:
        with self._lock:
            self._in_flight -= 1
        self._served.record(seconds, {"http.request.method": "GET", "http.route": route})
        self._requests.add(1)
        self._errors.add(int(failed))

    def called(self, peer: str, *, seconds: float, failed: bool) -> None:
        """One call to a peer; a call that timed out took as long as its timeout."""
        self._called.record(seconds, {"http.request.method": "GET", "peer.service": peer})
        self._call_errors.add(int(failed), {"peer.service": peer})

    def shutdown(self) -> None:
        self._provider.shutdown()

    def _observe_memory(self, options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(resident_bytes())

    def _observe_in_flight(self, options: CallbackOptions) -> Iterable[Observation]:
        yield Observation(self._in_flight)


def resource_of(service: str, instance: str) -> Resource:
    return Resource.create(
        {
            "service.name": service,
            "service.instance.id": instance,
            "deployment.environment.name": ENVIRONMENT,
        }
    )
