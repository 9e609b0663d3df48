from django.urls import URLPattern, path, re_path

from telemetry.explore import logs, metrics, patterns, suggest, trace, traces

urlpatterns: list[URLPattern] = [
    path("", metrics.start, name="explore"),
    path("metrics/", metrics.metrics, name="explore-metrics"),
    path("metrics/csv/", metrics.csv_file, name="explore-metrics-csv"),
    path("metrics/suggest/", suggest.suggest, name="explore-suggest"),
    path("logs/", logs.logs, name="explore-logs"),
    path("logs/counts/", logs.counts, name="explore-log-counts"),
    path("logs/newer/", logs.newer, name="explore-logs-newer"),
    path("logs/patterns/", patterns.patterns, name="explore-patterns"),
    path("traces/", traces.traces, name="explore-traces"),
    re_path(r"^traces/(?P<trace_id>[0-9a-zA-Z]{1,64})/$", trace.trace, name="explore-trace"),
    re_path(r"^traces/(?P<trace_id>[0-9a-zA-Z]{1,64})/span/$", trace.span, name="explore-span"),
]
