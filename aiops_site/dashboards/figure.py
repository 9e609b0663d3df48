"""The lines of a panel as a figure for the browser; colours are tokens, as in telemetry.charts."""

from collections.abc import Iterator, Sequence
from typing import Any

from aiops_site.dashboards.document import Threshold
from aiops_site.dashboards.lines import Line
from telemetry.chart_traces import escape_label
from telemetry.plot_style import SURFACE, TONES, look_of, time_axis, value_axis
from telemetry.units import scale_for


def figure(lines: Sequence[Line], *, unit: str, thresholds: Sequence[Threshold]) -> dict[str, Any]:
    """`{"data", "layout"}` of JSON types; every string from outside is escaped. Values are divided
    so that the axis counts in what a person reads, such as MiB."""
    top = max((max(abs(line.least), abs(line.most)) for line in lines), default=0.0)
    scale, symbol = scale_for(top, unit)
    return {
        "data": [_trace(line, place, scale) for place, line in enumerate(lines)],
        "layout": SURFACE
        | {
            "margin": {"l": 48, "r": 12, "t": 8, "b": 24},
            "hovermode": "x unified" if len(lines) <= len(TONES) else "closest",
            "xaxis": time_axis() | {"nticks": 6},
            "yaxis": value_axis(symbol, is_flat_zero=not any(e.most or e.least for e in lines)),
            "shapes": list(_limits(thresholds, scale)),
        },
    }


def _trace(line: Line, place: int, scale: float) -> dict[str, Any]:
    tone, dash = look_of(place)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape_label(line.name),
        "x": list(line.x),
        "y": [None if value is None else value / scale for value in line.y],
        "line": {"width": 1.75, "color": f"var(--chart-{tone})", "dash": dash},
        "connectgaps": False,
        "hovertemplate": "%{y}",
    }


def _limits(thresholds: Sequence[Threshold], scale: float) -> Iterator[dict[str, Any]]:
    for each in thresholds:
        yield {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": each.value / scale,
            "y1": each.value / scale,
            "line": {"width": 1, "dash": "dash", "color": f"var(--{each.level})"},
        }
