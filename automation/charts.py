"""Counts by day as a figure of stacked bars, in the manner of `telemetry.charts`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import orjson

from telemetry.charts import CONFIG

HEIGHT = 180
INTERVALS = 4


@dataclass(frozen=True)
class Kind:
    """One colour of bars, a token; `pattern` is plotly's, so that colour is never alone."""

    role: str
    title: str
    token: str
    pattern: str = ""


@dataclass(frozen=True)
class Days:
    """`counts` has a column for each kind, by its role, as long as `days`, which have no gap."""

    days: Sequence[date]
    kinds: Sequence[Kind]
    counts: Mapping[str, Sequence[int]]

    @property
    def seen(self) -> list[Kind]:
        """The kinds that occur at all."""
        return [kind for kind in self.kinds if any(self.counts[kind.role])]

    @property
    def rows(self) -> list[tuple[date, list[int]]]:
        """The days on which anything happened, newest first; a number for each kind in `seen`."""
        columns = [self.counts[kind.role] for kind in self.seen]
        every = [(day, [column[at] for column in columns]) for at, day in enumerate(self.days)]
        return [row for row in reversed(every) if any(row[1])]

    @property
    def total(self) -> int:
        return sum(map(sum, self.counts.values()))

    @property
    def sentence(self) -> str:
        """For example `14 in 30 days: 12 succeeded, 2 failed`."""
        parts = [f"{sum(self.counts[kind.role])} {kind.title.lower()}" for kind in self.seen]
        return f"{self.total} in {len(self.days)} days: {', '.join(parts) or 'none'}"

    @property
    def figure(self) -> str:
        """As JSON, for the page."""
        return orjson.dumps(daily_chart(self)).decode()


def days_until(last: date, count: int) -> list[date]:
    return [last - timedelta(days=back) for back in reversed(range(count))]


def by_day(
    days: Sequence[date], kinds: Sequence[Kind], counts: Mapping[tuple[date, str], int]
) -> Days:
    """`counts` is by day and role; what is missing is 0."""
    columns = {kind.role: [counts.get((day, kind.role), 0) for day in days] for kind in kinds}
    return Days(days, kinds, columns)


def daily_chart(daily: Days) -> dict[str, Any]:
    """`{"data", "layout", "config"}`, of JSON types only. A day is written as a date, not as a
    moment, and so is the same day in every zone.
    """
    from plotly.graph_objs import Figure  # noqa: PLC0415 - heavy, as `telemetry.charts` says

    bars = [_bars(kind) for kind in daily.seen]
    drawn: dict[str, Any] = Figure(
        data=bars, layout=_layout(daily) | {"template": {}}
    ).to_plotly_json()
    del drawn["layout"]["template"]
    days = [day.isoformat() for day in daily.days]
    for trace, kind in zip(drawn["data"], daily.seen, strict=True):
        trace |= {"x": days, "y": list(daily.counts[kind.role])}
    return {**drawn, "config": CONFIG | {"displayModeBar": False}}


def _bars(kind: Kind) -> dict[str, Any]:
    color = f"var({kind.token})"
    pattern = {"shape": kind.pattern, "fgcolor": color, "bgcolor": "var(--bg, 0)", "size": 6}
    return {
        "type": "bar",
        "name": kind.title,
        "meta": {"role": kind.role},
        "marker": {
            "color": color,
            "line": {"width": 1, "color": color},
            "pattern": {**pattern, "solidity": 0.4},
        },
        "hovertemplate": f"%{{y}}<extra>{kind.title}</extra>",
    }


def _tick(daily: Days) -> int:
    """Between two ticks: a whole number, since what is counted is."""
    highest = max(map(sum, zip(*daily.counts.values(), strict=True)), default=0)
    return max(1, -(-highest // INTERVALS))


def _layout(daily: Days) -> dict[str, Any]:
    return {
        "height": HEIGHT,
        "barmode": "stack",
        "bargap": 0.3,
        "margin": {"l": 36, "r": 12, "t": 8, "b": 28},
        "showlegend": False,
        "hovermode": "x unified",
        "dragmode": False,
        "paper_bgcolor": "var(--bg, 0)",
        "plot_bgcolor": "var(--bg, 0)",
        "font": {"size": 11, "color": "var(--muted)"},
        "hoverlabel": {"bgcolor": "var(--raised)", "font": {"color": "var(--text)"}},
        "xaxis": {
            "type": "date",
            "showgrid": False,
            "linecolor": "var(--line)",
            "hoverformat": "%a %-d %b",
            "tickformat": "%-d %b",
            "fixedrange": True,
        },
        "yaxis": {
            "rangemode": "tozero",
            "gridcolor": "var(--chart-grid)",
            "zeroline": False,
            "tick0": 0,
            "dtick": _tick(daily),
            "tickformat": ",d",
            "fixedrange": True,
        },
    }
