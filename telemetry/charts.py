"""Figures for the browser, made with plotly, and the same facts in words and in a table.

Colours. A figure names design tokens, never colours: `"var(--chart-observed)"`, or with an alpha
`"var(--chart-edge, 0.18)"`. Before drawing, and again when the theme changes, the browser module
walks the figure and replaces each such string by the token's computed colour, as rgba where an
alpha stands. Both forms pass plotly's colour validator, which keeps figures checked here.

Traces. Each has `meta.role`: lower, upper, observed, anomalies, previous, then one `missing` or
`ongoing` hatch per window. Live points are appended by role, not by index.

Text. Every string that came from outside is escaped (plotly honours some tags); hover templates
are constants and see data only through `y` and `customdata`. Times are epoch milliseconds, UTC.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from telemetry.chart_series import (
    Anomaly,
    ChartSeries,
    Column,
    Severity,
    Threshold,
    Window,
)
from telemetry.units import unit_symbol

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
_SYMBOLS: dict[Severity, str] = {
    "critical": "octagon",
    "high": "triangle-up",
    "medium": "diamond",
    "low": "circle",
    "info": "square",
}
_FLAT_SHARE = 0.8


def anomaly_chart(series: ChartSeries, *, height: int, uirevision: str) -> dict[str, Any]:
    """`{"data", "layout", "config"}`, of JSON types only. Raises ValueError when plotly refuses
    a property. Zoom and toggles survive redraws as long as `uirevision` stays the same.
    """
    # 25 MB and 0.15 s: the worker, and a web process nobody asked for a chart, go without.
    from plotly.graph_objs import Figure  # noqa: PLC0415

    layout = {**_layout(series, height, uirevision), "template": {}}
    figure = Figure(
        data=[{**style, "x": [], "y": []} for style, _ in _traces(series)], layout=layout
    )
    drawn: dict[str, Any] = figure.to_plotly_json()
    del drawn["layout"]["template"]
    for trace, (_, columns) in zip(drawn["data"], _traces(series), strict=True):
        trace.update(columns)
    return {**drawn, "config": CONFIG}


def escape_label(text: str) -> str:
    """Plotly reads a small HTML in labels; nothing that came from outside may use it."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _traces(series: ChartSeries) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Style and columns of each trace, apart: plotly checks the first, the second is long."""
    x = list(series.x)
    return [
        (_band_edge("lower"), {"x": x, "y": list(series.lower)}),
        (_band_edge("upper"), {"x": x, "y": list(series.upper)}),
        (_observed(series.title), {"x": x, "y": list(series.y)}),
        (_markers(), _marker_columns(series.anomalies)),
        (_previous(), {"x": x if series.previous else [], "y": list(series.previous)}),
        *((_hatch("missing", "--muted"), _box(*gap)) for gap in series.missing),
        *(
            (_hatch("ongoing", f"--{window.severity}"), _box(window.start_ms, series.now_ms))
            for window in series.incidents
            if window.end_ms is None
        ),
    ]


def _band_edge(role: Literal["lower", "upper"]) -> dict[str, Any]:
    edge = {
        "type": "scatter",
        "mode": "lines",
        "name": "Expected 95 %",
        "meta": {"role": role},
        "line": {"width": 1, "color": "var(--chart-edge)"},
        "connectgaps": False,
        "hoverinfo": "skip",
    }
    if role == "upper":
        edge |= {"fill": "tonexty", "fillcolor": "var(--chart-edge, 0.18)"}
    return edge


def _observed(title: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape_label(title),
        "meta": {"role": "observed"},
        "line": {"width": 1.75, "color": "var(--chart-observed)"},
        "connectgaps": False,
        "hovertemplate": "%{y}<extra>Observed</extra>",
    }


def _markers() -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "Anomalies",
        "meta": {"role": "anomalies"},
        "marker": {
            "size": 9,
            "color": "var(--critical)",
            "line": {"width": 1, "color": "var(--bg)"},
        },
        "hovertemplate": "%{y}, score %{customdata:.1f}<extra>Anomaly</extra>",
    }


def _marker_columns(anomalies: Sequence[Anomaly]) -> dict[str, Any]:
    return {
        "x": [anomaly.at_ms for anomaly in anomalies],
        "y": [anomaly.value for anomaly in anomalies],
        "customdata": [anomaly.score for anomaly in anomalies],
        "text": [f"{anomaly.score:.1f}" for anomaly in anomalies],
        "marker": {
            **_markers()["marker"],
            "symbol": [_SYMBOLS[anomaly.severity] for anomaly in anomalies],
        },
    }


def _previous() -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Previous week",
        "meta": {"role": "previous"},
        "line": {"width": 1, "dash": "dot", "color": "var(--muted)"},
        "connectgaps": False,
        "visible": False,
        "hovertemplate": "%{y}<extra>Previous week</extra>",
    }


def _hatch(role: Literal["missing", "ongoing"], token: str) -> dict[str, Any]:
    """Shapes know no pattern, so a hatch is a filled trace on an axis of its own."""
    return {
        "type": "scatter",
        "mode": "none",
        "name": "Missing" if role == "missing" else "Ongoing",
        "meta": {"role": role},
        "yaxis": "y2",
        "fill": "toself",
        "fillcolor": "var(--bg, 0)",
        "fillpattern": {
            "shape": "/",
            "size": 8,
            "solidity": 0.1,
            "fgcolor": f"var({token}, 0.35)",
            "bgcolor": "var(--bg, 0)",
        },
        "hoverinfo": "skip",
    }


def _box(start_ms: int, end_ms: int) -> dict[str, Any]:
    return {"x": [start_ms, start_ms, end_ms, end_ms, start_ms], "y": [0, 1, 1, 0, 0]}


def _layout(series: ChartSeries, height: int, uirevision: str) -> dict[str, Any]:
    hidden = {"visible": False, "fixedrange": True}
    return {
        "height": height,
        "uirevision": uirevision,
        "margin": {"l": 52, "r": 12, "t": 8, "b": 28},
        "showlegend": False,
        "hovermode": "x unified",
        "dragmode": "zoom",
        "paper_bgcolor": "var(--bg, 0)",
        "plot_bgcolor": "var(--bg, 0)",
        "font": {"size": 11, "color": "var(--muted)"},
        "hoverlabel": {"bgcolor": "var(--raised)", "font": {"color": "var(--text)"}},
        "xaxis": _time_axis(),
        "yaxis": _value_axis(series),
        "yaxis2": {**hidden, "range": [0, 1], "overlaying": "y", "showgrid": False},
        "shapes": list(_shapes(series)),
        "annotations": [_threshold_label(threshold) for threshold in series.thresholds],
    }


def _time_axis() -> dict[str, Any]:
    return {
        "type": "date",
        "showgrid": False,
        "linecolor": "var(--line)",
        "hoverformat": "%-d %b %H:%M:%S",
        "tickformatstops": [
            {"dtickrange": [None, 59_999], "value": "%H:%M:%S"},
            {"dtickrange": [60_000, 43_200_000], "value": "%H:%M"},
            {"dtickrange": [43_200_001, None], "value": "%-d %b"},
        ],
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikedash": "dot",
        "spikethickness": 1,
        "spikecolor": "var(--muted)",
    }


def _value_axis(series: ChartSeries) -> dict[str, Any]:
    symbol = unit_symbol(series.unit)
    return {
        "rangemode": "normal" if _is_flat_and_far_from_zero(series) else "tozero",
        "gridcolor": "var(--chart-grid)",
        "zeroline": False,
        "nticks": 5,
        "tickformat": ",.4~r",
        "ticksuffix": escape_label(f" {symbol}" if symbol else ""),
    }


def _is_flat_and_far_from_zero(series: ChartSeries) -> bool:
    """From 0 upwards such a series would be a line at the top edge."""
    drawn = [value for column in (series.y, series.lower, series.upper) for value in _known(column)]
    return bool(drawn) and min(drawn) > 0 and min(drawn) / max(drawn) > _FLAT_SHARE


def _known(column: Column) -> Iterable[float]:
    return (value for value in column if value is not None)


def _shapes(series: ChartSeries) -> Iterable[dict[str, Any]]:
    for window in series.incidents:
        yield from _incident(window, series.now_ms)
    for event in series.events:
        yield _vertical(event.at_ms, "var(--chart-event)", "dash", name=event.kind)
    for threshold in series.thresholds:
        yield {
            "type": "line",
            "name": "threshold",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": threshold.value,
            "y1": threshold.value,
            "line": {"width": 1, "dash": "dash", "color": "var(--critical)"},
        }
    yield _vertical(series.now_ms, "var(--line)", "solid", name="now")


def _incident(window: Window, now_ms: int) -> Iterable[dict[str, Any]]:
    area = {
        "type": "rect",
        "name": "incident",
        "layer": "below",
        "x0": window.start_ms,
        "x1": now_ms if window.end_ms is None else window.end_ms,
        "yref": "paper",
        "line": {"width": 0},
    }
    yield {**area, "y0": 0, "y1": 1, "fillcolor": f"var(--{window.severity}, 0.12)"}
    bar = {"ysizemode": "pixel", "yanchor": 1, "y0": 0, "y1": -3}
    yield {**area, **bar, "name": "incident-bar", "fillcolor": f"var(--{window.severity})"}


def _vertical(at_ms: int, color: str, dash: str, *, name: str) -> dict[str, Any]:
    return {
        "type": "line",
        "name": escape_label(name),
        "layer": "below",
        "x0": at_ms,
        "x1": at_ms,
        "yref": "paper",
        "y0": 0,
        "y1": 1,
        "line": {"width": 1, "dash": dash, "color": color},
    }


def _threshold_label(threshold: Threshold) -> dict[str, Any]:
    return {
        "text": escape_label(threshold.label),
        "xref": "paper",
        "x": 1,
        "xanchor": "right",
        "y": threshold.value,
        "yanchor": "bottom",
        "showarrow": False,
        "font": {"size": 11, "color": "var(--critical)"},
    }
