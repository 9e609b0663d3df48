from django.urls import URLPattern, path, re_path

from telemetry import (
    explore_logs,
    explore_metrics,
    explore_patterns,
    explore_suggest,
    explore_trace,
    explore_traces,
)

urlpatterns: list[URLPattern] = [
    path("", explore_metrics.start, name="explore"),
    path("metrics/", explore_metrics.metrics, name="explore-metrics"),
    path("metrics/csv/", explore_metrics.csv_file, name="explore-metrics-csv"),
    path("metrics/suggest/", explore_suggest.suggest, name="explore-suggest"),
    path("logs/", explore_logs.logs, name="explore-logs"),
    path("logs/counts/", explore_logs.counts, name="explore-log-counts"),
    path("logs/newer/", explore_logs.newer, name="explore-logs-newer"),
    path("logs/patterns/", explore_patterns.patterns, name="explore-patterns"),
    path("traces/", explore_traces.traces, name="explore-traces"),
    re_path(
        r"^traces/(?P<trace_id>[0-9a-zA-Z]{1,64})/$", explore_trace.trace, name="explore-trace"
    ),
    re_path(
        r"^traces/(?P<trace_id>[0-9a-zA-Z]{1,64})/span/$", explore_trace.span, name="explore-span"
    ),
]
