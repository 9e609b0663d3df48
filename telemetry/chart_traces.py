"""The traces of a figure: how each line, band, mark and hatch looks, and its columns."""

from collections.abc import Sequence
from typing import Any, Literal

from telemetry.chart_series import Anomaly, ChartSeries, Severity

_SYMBOLS: dict[Severity, str] = {
    "critical": "octagon",
    "high": "triangle-up",
    "medium": "diamond",
    "low": "circle",
    "info": "square",
}


def traces_of(series: ChartSeries) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Style and columns of each trace, apart: plotly checks the first, the second is long."""
    x = list(series.x)
    return [
        (_band(), {"x": [], "y": []}),
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


def _band() -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "none",
        "name": "Expected 95 %",
        "meta": {"role": "band"},
        "fill": "toself",
        "fillcolor": "var(--chart-edge, 0.18)",
        "hoverinfo": "skip",
    }


def _band_edge(role: Literal["lower", "upper"]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Expected 95 %",
        "meta": {"role": role},
        "line": {"width": 1, "color": "var(--chart-edge)"},
        "connectgaps": False,
        "hoverinfo": "skip",
    }


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
    """Shapes know no pattern, so a hatch is a filled trace on an axis of its own. The two lean
    against each other, for nothing may be known while an incident lasts."""
    return {
        "type": "scatter",
        "mode": "none",
        "name": "Missing" if role == "missing" else "Ongoing",
        "meta": {"role": role},
        "yaxis": "y2",
        "fill": "toself",
        "fillcolor": "var(--bg, 0)",
        "fillpattern": {
            "shape": "\\" if role == "missing" else "/",
            "size": 8,
            "solidity": 0.1,
            "fgcolor": f"var({token}, 0.35)",
            "bgcolor": "var(--bg, 0)",
        },
        "hoverinfo": "skip",
    }


def _box(start_ms: int, end_ms: int) -> dict[str, Any]:
    return {"x": [start_ms, start_ms, end_ms, end_ms, start_ms], "y": [0, 1, 1, 0, 0]}


def escape_label(text: str) -> str:
    """Plotly reads a small HTML in labels; nothing that came from outside may use it."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
