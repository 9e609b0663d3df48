"""The lines of a panel as a figure for the browser; colours are tokens, as in telemetry.charts."""

from collections.abc import Iterator, Sequence
from typing import Any

from aiops_site.dashboards.document import Threshold
from aiops_site.dashboards.lines import Line
from telemetry.chart_traces import escape_label
from telemetry.units import scale_for

TONES = ("observed", "teal", "magenta", "ochre", "forecast", "event")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
GRIDS = 5


def figure(lines: Sequence[Line], *, unit: str, thresholds: Sequence[Threshold]) -> dict[str, Any]:
    """`{"data", "layout"}` of JSON types; every string from outside is escaped. Values are divided
    so that the axis counts in what a person reads, such as MiB."""
    top = max((max(abs(line.least), abs(line.most)) for line in lines), default=0.0)
    scale, symbol = scale_for(top, unit)
    return {
        "data": [_trace(line, place, scale) for place, line in enumerate(lines)],
        "layout": {
            "margin": {"l": 48, "r": 12, "t": 8, "b": 24},
            "showlegend": False,
            "hovermode": "x unified" if len(lines) <= len(TONES) else "closest",
            "dragmode": "zoom",
            "paper_bgcolor": "var(--bg, 0)",
            "plot_bgcolor": "var(--bg, 0)",
            "font": {"size": 11, "color": "var(--muted)"},
            "hoverlabel": {"bgcolor": "var(--raised)", "font": {"color": "var(--text)"}},
            "xaxis": _time_axis(),
            "yaxis": _value_axis(lines, symbol),
            "shapes": list(_limits(thresholds, scale)),
        },
    }


def look_of(place: int) -> tuple[str, str]:
    """Tone and dash of the line at that place: no two of the first thirty are the same."""
    return TONES[place % len(TONES)], DASHES[place // len(TONES) % len(DASHES)]


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


def _time_axis() -> dict[str, Any]:
    return {
        "type": "date",
        "showgrid": False,
        "linecolor": "var(--line)",
        "nticks": 6,
        "hoverformat": "%-d %b %H:%M:%S",
        "tickformatstops": [
            {"dtickrange": [None, 59_999], "value": "%H:%M:%S"},
            {"dtickrange": [60_000, 43_200_000], "value": "%H:%M"},
            {"dtickrange": [43_200_001, None], "value": "%-d %b"},
        ],
    }


def _value_axis(lines: Sequence[Line], symbol: str) -> dict[str, Any]:
    axis: dict[str, Any] = {
        "rangemode": "tozero",
        "automargin": True,
        "gridcolor": "var(--chart-grid)",
        "zeroline": False,
        "nticks": GRIDS,
        "tickformat": ",.4~r",
        "hoverformat": ",.3~r",
        "ticksuffix": escape_label(f" {symbol}" if symbol else ""),
    }
    if not any(line.most or line.least for line in lines):
        axis["autorangeoptions"] = {"include": 1}  # else the axis of a flat 0 counts in millionths
    return axis


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
