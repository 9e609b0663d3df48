"""A chart in words and as a table."""

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from telemetry.chart_series import ChartSeries, spread
from telemetry.units import format_range, format_value

TABLE_ROWS = 50


@dataclass(frozen=True, slots=True)
class TableRow:
    at: datetime
    value: str
    expected: str
    is_anomaly: bool


def series_sentence(series: ChartSeries, *, zone: tzinfo = UTC) -> str:
    """What follows the title, for example "812 ms, expected 180 to 260 ms (with a dash), 3
    anomalies since 14:02". Plain text, not escaped; clock times are in `zone`."""
    newest = _newest(series)
    if newest is None:
        return "no data"
    said = [
        format_value(series.y[newest] or 0.0, series.unit),
        _expectation(series, newest),
        _anomalies(series, zone),
    ]
    return ", ".join(part for part in said if part)


def data_table(series: ChartSeries, *, rows: int = TABLE_ROWS) -> list[TableRow]:
    """At most `rows` of the points that are there, oldest first; anomalies before others."""
    odd = {anomaly.at_ms for anomaly in series.anomalies}
    known = [index for index, value in enumerate(series.y) if value is not None]
    marked = [index for index in known if series.x[index] in odd][-rows:]
    others = [index for index in known if series.x[index] not in odd]
    chosen = sorted([*marked, *spread(others, rows - len(marked))])
    return [_row(series, index, is_anomaly=series.x[index] in odd) for index in chosen]


def _newest(series: ChartSeries) -> int | None:
    return next((i for i in reversed(range(len(series.y))) if series.y[i] is not None), None)


def _expectation(series: ChartSeries, index: int) -> str:
    lower, upper = series.lower[index], series.upper[index]
    if series.is_learning or lower is None or upper is None:
        return "still learning what to expect"
    return f"expected {format_range(lower, upper, series.unit)}"


def _anomalies(series: ChartSeries, zone: tzinfo) -> str:
    if not series.anomalies:
        return ""
    count = len(series.anomalies)
    first = datetime.fromtimestamp(min(a.at_ms for a in series.anomalies) / 1000, zone)
    return f"{count} {'anomaly' if count == 1 else 'anomalies'} since {first:%H:%M}"


def _row(series: ChartSeries, index: int, *, is_anomaly: bool) -> TableRow:
    lower, upper = series.lower[index], series.upper[index]
    is_known = lower is not None and upper is not None
    return TableRow(
        at=datetime.fromtimestamp(series.x[index] / 1000, UTC),
        value=format_value(series.y[index] or 0.0, series.unit),
        expected=format_range(lower or 0.0, upper or 0.0, series.unit) if is_known else "",
        is_anomaly=is_anomaly,
    )
