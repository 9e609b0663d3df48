"""What all charts look like, in tokens that the browser turns into colours."""

from typing import Any

from telemetry.chart_traces import escape_label

TONES = ("observed", "teal", "magenta", "ochre", "forecast", "event")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
SURFACE: dict[str, Any] = {
    "showlegend": False,
    "dragmode": "zoom",
    "paper_bgcolor": "var(--bg, 0)",
    "plot_bgcolor": "var(--bg, 0)",
    "font": {"size": 11, "color": "var(--muted)"},
    "hoverlabel": {"bgcolor": "var(--raised)", "font": {"color": "var(--text)"}},
}


def look_of(place: int) -> tuple[str, str]:
    """Tone and dash of the line at that place: no two of the first thirty are the same."""
    return TONES[place % len(TONES)], DASHES[place // len(TONES) % len(DASHES)]


def time_axis() -> dict[str, Any]:
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
    }


def value_axis(symbol: str, *, is_flat_zero: bool) -> dict[str, Any]:
    """From 0 upwards; `symbol` is that of the unit."""
    axis: dict[str, Any] = {
        "rangemode": "tozero",
        "automargin": True,
        "gridcolor": "var(--chart-grid)",
        "zeroline": False,
        "nticks": 5,
        "tickformat": ",.4~r",
        "hoverformat": ",.3~r",
        "ticksuffix": escape_label(f" {symbol}" if symbol else ""),
    }
    if is_flat_zero:
        axis["autorangeoptions"] = {"include": 1}  # else the axis of a flat 0 counts in millionths
    return axis
