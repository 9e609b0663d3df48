"""A loaded chart as the API answers it: as plain columns, or as a figure with its words."""

from dataclasses import asdict
from typing import Any

from telemetry.chart_loading import as_moment, newest, step_ms
from telemetry.chart_series import ChartSeries
from telemetry.chart_text import data_table, series_sentence
from telemetry.charts import anomaly_chart
from telemetry.models import Series

LEVEL = 0.95
HEIGHT = 220


def as_data(series: Series, chart: ChartSeries) -> dict[str, Any]:
    step, last_ms = step_ms(chart.x), newest(chart.y, chart.x)
    return {
        "id": series.pk,
        "service": series.service.slug,
        "metric": series.name,
        "unit": series.unit,
        "step": None if step is None else step / 1000,
        "as_of": None if last_ms is None else as_moment(last_ms),
        "partial": bool(chart.missing),
        "series": [{"name": series.name, "x": chart.x, "y": chart.y}],
        "band": _band(series, chart),
        "anomalies": [
            {"x": each.at_ms, "y": each.value, "score": each.score, "severity": each.severity}
            for each in chart.anomalies
        ],
        "events": _events(chart),
        "incidents": [
            {"x0": each.start_ms, "x1": each.end_ms, "severity": each.severity}
            for each in chart.incidents
        ],
        "thresholds": [],
    }


def as_figure(series_id: int, chart: ChartSeries) -> dict[str, Any]:
    return {
        "series": series_id,
        "title": chart.title,
        "sentence": series_sentence(chart),
        **anomaly_chart(chart, height=HEIGHT, uirevision=f"series-{series_id}"),
        "events": _events(chart),
        "table": [asdict(row) for row in data_table(chart)],
    }


def _events(chart: ChartSeries) -> list[dict[str, Any]]:
    return [
        {"x": each.at_ms, "kind": each.kind, "label": each.label, "url": each.url}
        for each in chart.events
    ]


def _band(series: Series, chart: ChartSeries) -> dict[str, Any]:
    watch = getattr(series, "watch", None)
    return {
        "lower": chart.lower,
        "upper": chart.upper,
        "model": watch.detector if watch else None,
        "level": LEVEL,
        "is_learning": chart.is_learning,
    }
