"""A service instrumented with OpenTelemetry's SDK for Python sends all three signals."""

import logging

import pytest
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from telemetry import own_metrics, own_records
from telemetry.store.frames import Matcher
from telemetry.store.logs import LogQuery
from tests.telemetry.intake.sending import Sender

ALWAYS_MS = (0, 2**61)
ALWAYS_NS = (0, 2**62)
RESOURCE = Resource({"service.name": "checkout", "service.instance.id": "a"})


@pytest.mark.filterwarnings("ignore:.LoggingHandler. in:DeprecationWarning")
def test_a_log_line_is_found_from_its_span(address: str, sender: Sender):
    headers = {"Authorization": f"Bearer {sender.otlp}"}
    tracing, logs = TracerProvider(resource=RESOURCE), LoggerProvider(resource=RESOURCE)
    tracing.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(f"{address}/v1/traces", headers=headers))
    )
    logs.add_log_record_processor(
        BatchLogRecordProcessor(OTLPLogExporter(f"{address}/v1/logs", headers=headers))
    )
    logger = logging.Logger("checkout")
    logger.addHandler(LoggingHandler(logger_provider=logs))

    tracer = tracing.get_tracer("shop")
    with tracer.start_as_current_span("POST /pay", kind=trace.SpanKind.SERVER):
        logger.error("the card was declined", extra={"order": 7})
    tracing.shutdown()
    logs.shutdown()

    [log] = own_records.logs().search(LogQuery(*ALWAYS_NS, text="declined"))
    [span] = own_records.spans().trace(log.record.trace_id)
    assert (span.span_id, span.name, span.kind) == (log.record.span_id, "POST /pay", "server")
    assert (log.record.service, log.record.severity) == ("checkout", 17)
    assert log.record.attributes["order"] == "7"


def test_a_histogram_is_kept_raw_with_either_kind_of_buckets(address: str, sender: Sender):
    headers = {"Authorization": f"Bearer {sender.otlp}"}
    for name, aggregation in (
        ("classic", {}),
        ("exponential", {Histogram: ExponentialBucketHistogramAggregation()}),
    ):
        exporter = OTLPMetricExporter(
            f"{address}/v1/metrics", headers=headers, preferred_aggregation=aggregation
        )
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
        provider = MeterProvider([reader], resource=RESOURCE, shutdown_on_exit=False)
        wait = provider.get_meter("shop").create_histogram(f"{name}.wait", unit="s")
        for seconds in (0.2, 0.3, 40.0):
            wait.record(seconds, {"http.route": "/pay"})
        provider.shutdown()

    assert _below("classic_wait_seconds", "25") == 2.0
    assert _below("exponential_wait_seconds", "16") == 2.0
    assert _below("classic_wait_seconds", "+Inf") == 3.0
    assert _below("exponential_wait_seconds", "+Inf") == 3.0


def _below(name: str, bound: str) -> float:
    wanted = [
        Matcher("__name__", "=", f"{name}_bucket"),
        Matcher("le", "=", bound),
        Matcher("job", "=", "checkout"),
        Matcher("instance", "=", "a"),
        Matcher("http_route", "=", "/pay"),
    ]
    [frame] = own_metrics.store().select(wanted, *ALWAYS_MS)
    return float(frame.values[0][-1])
