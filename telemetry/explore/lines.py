"""What a question about metrics answered, as lines to draw and as a table."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from telemetry.chart_series import ChartSeries
from telemetry.chart_traces import escape_label
from telemetry.charts import anomaly_chart
from telemetry.explore.text import one_line
from telemetry.plot_style import look_of
from telemetry.store.frames import Frame, Times, Values

MOST_DRAWN = 20
HEIGHT = 320
NAME = "__name__"
_LONGEST_LABEL = 200
_PLAIN = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{[^{}]*\})?")
_QUANTILE = re.compile(r"histogram_quantile\(.{0,200}?\b([a-zA-Z0-9_:]+?)_bucket\b", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Line:
    """One series; `values` may hold no infinite number and NaN where it has none."""

    labels: Mapping[str, str]
    at_ms: Times
    values: Values

    @property
    def last(self) -> float:
        return float(self.values[-1])

    @property
    def last_ms(self) -> int:
        return int(self.at_ms[-1])


def lines_of(frames: Sequence[Frame]) -> list[Line]:
    """The greatest last value first; what has no finite value is left out."""
    lines = [
        Line(labels, frame.at_ms[finite], values[finite])
        for frame in frames
        for labels, values in zip(frame.labels, frame.values, strict=True)
        if (finite := np.isfinite(values)).any()
    ]
    return sorted(lines, key=lambda line: (-line.last, sorted(line.labels.items())))


def common_labels(lines: Sequence[Line]) -> dict[str, str]:
    """What all of several series say alike; of one alone, nothing is common."""
    if len(lines) < 2:
        return {}
    alike = set(lines[0].labels.items())
    for line in lines[1:]:
        alike &= set(line.labels.items())
    return dict(sorted(alike))


def line_name(line: Line, common: Mapping[str, str]) -> str:
    """What tells it from the others, for example `{route="/buy"}`."""
    own = {name: value for name, value in line.labels.items() if name not in common}
    metric = own.pop(NAME, "")
    within = ", ".join(f'{name}="{value}"' for name, value in sorted(own.items()))
    name = f"{metric}{{{within}}}" if within else metric
    return one_line(name, _LONGEST_LABEL) or one_line(common.get(NAME, "value"), _LONGEST_LABEL)


def unit_of(query: str) -> str:
    """What the name of the metric says of its unit, for a metric alone and for quantiles of it."""
    plain = _PLAIN.fullmatch(query.strip())
    quantile = _QUANTILE.match(query.strip())
    name = plain[1] if plain else quantile[1] if quantile else ""
    return {"bytes": "By", "seconds": "s"}.get(name.rpartition("_")[2], "")


def figure_of(
    lines: Sequence[Line], *, unit: str, start_ms: int, end_ms: int, now_ms: int, step_ms: int
) -> dict[str, Any]:
    """As `charts.anomaly_chart`; the layout is that of every chart, made for what reaches
    furthest, with a line of its own colour and dash for each of at most MOST_DRAWN series."""
    drawn = lines[:MOST_DRAWN]
    lowest = min((float(line.values.min()) for line in drawn), default=0.0)
    highest = max((float(line.values.max()) for line in drawn), default=0.0)
    reach = ChartSeries(
        title="", unit=unit, x=[start_ms, end_ms], y=[lowest, highest],
        lower=[None, None], upper=[None, None], now_ms=now_ms,
    )  # fmt: skip
    figure = anomaly_chart(reach, height=HEIGHT, uirevision="explore")
    scale = figure["layout"]["meta"]["scale"]
    common = common_labels(lines)
    figure["data"] = [
        _trace(number, line, line_name(line, common), scale, step_ms)
        for number, line in enumerate(drawn)
    ]
    figure["layout"]["xaxis"]["range"] = [start_ms, end_ms]
    figure["layout"]["hovermode"] = "x unified" if len(drawn) <= 8 else "closest"
    return figure


def _trace(number: int, line: Line, name: str, scale: float, step_ms: int) -> dict[str, Any]:
    tone, dash = look_of(number)
    colour = f"var(--chart-{tone})"
    x, y = _with_gaps(line, scale, step_ms)
    is_point = sum(value is not None for value in y) == 1
    return {
        "type": "scatter",
        "mode": "markers" if is_point else "lines",
        "name": escape_label(name),
        "meta": {"role": "line"},
        "line": {"width": 1.75, "color": colour, "dash": dash},
        "marker": {"color": colour, "size": 6},
        "connectgaps": False,
        "hovertemplate": "%{y}<extra>%{fullData.name}</extra>",
        "x": x,
        "y": y,
    }


def _with_gaps(line: Line, scale: float, step_ms: int) -> tuple[list[int], list[float | None]]:
    """An empty point where a step is left out."""
    x: list[int] = []
    y: list[float | None] = []
    for at, value in zip(line.at_ms.tolist(), line.values.tolist(), strict=True):
        if x and at - x[-1] > step_ms:
            x.append(x[-1] + step_ms)
            y.append(None)
        x.append(at)
        y.append(value / scale)
    return x, y
