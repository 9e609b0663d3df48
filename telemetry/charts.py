"""Figures for the browser, made with plotly, and the same facts in words and in a table.

Colours. A figure names design tokens, never colours: `"var(--chart-observed)"`, or with an alpha
`"var(--chart-edge, 0.18)"`. Before drawing, and again when the theme changes, the browser module
walks the figure and replaces each such string by the token's computed colour, as rgba where an
alpha stands. Both forms pass plotly's colour validator, which keeps figures checked here.

Traces. Each has `meta.role`: band, lower, upper, observed, anomalies, previous, then one `missing`
or `ongoing` hatch per window. Live points are appended by role, not by index. `band` comes empty:
plotly fills from one line to another straight across gaps, so the browser outlines each stretch
between the edges by itself, when it draws and again with every live point.

Units. Values are divided by `layout.meta.scale`, so that the axis counts in `layout.meta.unit`: MiB
and not millions of bytes. Live points come unscaled.

Text. Every string that came from outside is escaped (plotly honours some tags); hover templates
are constants and see data only through `y` and `customdata`. Times are epoch milliseconds, UTC.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from telemetry.chart_series import ChartSeries, Column, Threshold, Window
from telemetry.chart_traces import escape_label, traces_of
from telemetry.plot_style import SURFACE, time_axis, value_axis
from telemetry.units import scale_for

CONFIG: dict[str, Any] = {
    "displaylogo": False,
    "responsive": True,
    "displayModeBar": "hover",
    "modeBarButtons": [["toImage", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
}
_FLAT_SHARE = 0.8
_NEXT_TO_NOTHING = 1e-6


def anomaly_chart(series: ChartSeries, *, height: int, uirevision: str) -> dict[str, Any]:
    """`{"data", "layout", "config"}`, of JSON types only. Raises ValueError when plotly refuses
    a property. Zoom and toggles survive redraws as long as `uirevision` stays the same.
    """
    # 25 MB and 0.15 s: the worker, and a web process nobody asked for a chart, go without.
    from plotly.graph_objs import Figure  # noqa: PLC0415

    scale, symbol = scale_for(_top(series), series.unit)
    scaled = _divided(series, scale)
    layout = {**_layout(scaled, height, uirevision), "yaxis": _value_axis(scaled, symbol)}
    layout |= {"meta": {"scale": scale, "unit": escape_label(symbol)}, "template": {}}
    figure = Figure(
        data=[{**style, "x": [], "y": []} for style, _ in traces_of(scaled)], layout=layout
    )
    drawn: dict[str, Any] = figure.to_plotly_json()
    del drawn["layout"]["template"]
    for trace, (_, columns) in zip(drawn["data"], traces_of(scaled), strict=True):
        trace.update(columns)
    return {**drawn, "config": CONFIG}


def _divided(series: ChartSeries, scale: float) -> ChartSeries:
    if scale == 1:
        return series
    return replace(
        series,
        y=_over(series.y, scale),
        lower=_over(series.lower, scale),
        upper=_over(series.upper, scale),
        previous=_over(series.previous, scale),
        anomalies=[replace(each, value=each.value / scale) for each in series.anomalies],
        thresholds=[replace(each, value=each.value / scale) for each in series.thresholds],
    )


def _over(column: Column, scale: float) -> list[float | None]:
    return [None if value is None else value / scale for value in column]


def _top(series: ChartSeries) -> float:
    """The greatest value that is drawn; millionths are nothing."""
    top = max((abs(value) for value in _drawn(series)), default=0.0)
    return top if top > _NEXT_TO_NOTHING else 0.0


def _layout(series: ChartSeries, height: int, uirevision: str) -> dict[str, Any]:
    hidden = {"visible": False, "fixedrange": True}
    return SURFACE | {
        "height": height,
        "uirevision": uirevision,
        "margin": {"l": 52, "r": 12, "t": 8, "b": 28},
        "hovermode": "x unified",
        "xaxis": _time_axis(),
        "yaxis2": {**hidden, "range": [0, 1], "overlaying": "y", "showgrid": False},
        "shapes": list(_shapes(series)),
        "annotations": [_threshold_label(threshold) for threshold in series.thresholds],
    }


def _time_axis() -> dict[str, Any]:
    return time_axis() | {
        "showspikes": True,
        "spikemode": "across",
        "spikesnap": "cursor",
        "spikedash": "dot",
        "spikethickness": 1,
        "spikecolor": "var(--muted)",
    }


def _value_axis(series: ChartSeries, symbol: str) -> dict[str, Any]:
    axis = value_axis(symbol, is_flat_zero=not _top(series))
    return axis | ({"rangemode": "normal"} if _is_flat_and_far_from_zero(series) else {})


def _is_flat_and_far_from_zero(series: ChartSeries) -> bool:
    """From 0 upwards such a series would be a line at the top edge."""
    drawn = list(_drawn(series))
    return bool(drawn) and min(drawn) > 0 and min(drawn) / max(drawn) > _FLAT_SHARE


def _drawn(series: ChartSeries) -> Iterable[float]:
    columns: tuple[Column, ...] = (series.y, series.lower, series.upper)
    return (value for column in columns for value in column if value is not None)


def _shapes(series: ChartSeries) -> Iterable[dict[str, Any]]:
    for window in series.incidents:
        yield from _incident(window, series.now_ms)
    for event in series.events:
        yield _vertical(event.at_ms, "var(--chart-event)", "dash", name="event")
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
