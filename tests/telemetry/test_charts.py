import json
from dataclasses import replace
from datetime import UTC, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plotly.graph_objs import Figure

from telemetry.chart_series import Anomaly, ChartSeries, Event, Threshold, Window, downsample
from telemetry.chart_text import data_table, series_sentence
from telemetry.charts import anomaly_chart, escape_label

START = 1_790_000_000_000
DASH = "\N{EN DASH}"


@pytest.fixture
def series():
    count = 120
    x = [START + second * 1000 for second in range(count)]
    y = [200.0 + second % 7 for second in range(count)]
    y[50] = None
    y[-1] = 812.0
    return ChartSeries(
        title="p95 latency",
        unit="ms",
        x=x,
        y=y,
        lower=[None] * 10 + [180.0] * (count - 10),
        upper=[None] * 10 + [260.0] * (count - 10),
        now_ms=x[-1],
        anomalies=[Anomaly(x[60], 900.0, 7.44, "critical"), Anomaly(x[-1], 812.0, 6.0, "high")],
        incidents=[Window(x[55], None, "critical"), Window(x[2], x[20], "low")],
        events=[Event(x[40], "deploy")],
        thresholds=[Threshold(500.0, "SLO 500 ms")],
        missing=[(x[49], x[51])],
    )


def draw(series, **options):
    return anomaly_chart(series, **{"height": 220, "uirevision": "checkout:p95", **options})


def by_role(figure):
    return {trace["meta"]["role"]: trace for trace in figure["data"]}


def shapes(figure, name):
    return [shape for shape in figure["layout"]["shapes"] if shape["name"] == name]


def strings(part):
    if isinstance(part, str):
        return [part]
    children = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return [text for child in children for text in strings(child)]


def test_plotly_accepts_every_property_of_the_figure(series):
    figure = draw(series)

    Figure(data=figure["data"], layout=figure["layout"])


def test_it_is_json_as_it_stands(series):
    figure = draw(series)

    assert json.loads(json.dumps(figure, allow_nan=False)) == figure
    assert set(figure) == {"data", "layout", "config"}
    assert "template" not in figure["layout"]


def test_the_traces_stand_in_the_order_the_browser_counts_on(series):
    roles = [trace["meta"]["role"] for trace in draw(series)["data"]]

    assert roles[:6] == ["band", "lower", "upper", "observed", "anomalies", "previous"]
    assert roles[6:] == ["missing", "ongoing"]


def test_the_band_is_left_to_the_browser_to_outline_and_keeps_out_of_the_hover(series):
    traces = by_role(draw(series))

    assert traces["band"]["fill"] == "toself"
    assert traces["band"]["fillcolor"] == "var(--chart-edge, 0.18)"
    assert traces["band"]["x"] == []
    assert {traces[role]["hoverinfo"] for role in ("band", "lower", "upper")} == {"skip"}


def test_the_axis_counts_in_the_unit_people_read(series):
    million = [value and value * 2**20 for value in series.y]
    bytes_used = replace(
        series, unit="By", y=million, thresholds=[Threshold(300 * 2**20, "limit")], anomalies=()
    )

    figure = draw(bytes_used)

    assert figure["layout"]["meta"] == {"scale": 2**20, "unit": "MiB"}
    assert figure["layout"]["yaxis"]["ticksuffix"] == " MiB"
    assert by_role(figure)["observed"]["y"][:3] == [200.0, 201.0, 202.0]
    assert by_role(figure)["observed"]["y"][50] is None
    assert shapes(figure, "threshold")[0]["y0"] == 300


def test_marks_and_band_count_in_the_same_unit_as_the_line(series):
    slow = replace(series, unit="s", lower=[60.0] * 120, upper=[120.0] * 120)

    traces = by_role(draw(slow))

    assert traces["upper"]["y"][0] == 2
    assert traces["anomalies"]["y"][0] == 900 / 60


def test_long_labels_make_room_for_themselves(series):
    assert draw(series)["layout"]["yaxis"]["automargin"] is True


def test_a_flat_zero_does_not_stretch_the_axis_to_millionths(series):
    count = len(series.x)
    calm = replace(
        series, y=[0.0] * count, lower=[0.0] * count, upper=[4.5e-9] * count, anomalies=()
    )

    axis = draw(calm)["layout"]["yaxis"]

    assert axis["autorangeoptions"] == {"include": 1}
    assert "autorangeoptions" not in draw(series)["layout"]["yaxis"]


def test_what_is_missing_and_what_lasts_are_told_apart_where_both_are(series):
    traces = by_role(draw(series))

    patterns = {traces[role]["fillpattern"]["shape"] for role in ("missing", "ongoing")}
    assert len(patterns) == 2


def test_gaps_are_drawn_as_gaps(series):
    observed = by_role(draw(series))["observed"]

    assert observed["y"][50] is None
    assert observed["connectgaps"] is False
    assert by_role(draw(series))["upper"]["y"][0] is None


def test_an_anomaly_shows_its_severity_by_shape_and_its_score(series):
    markers = by_role(draw(series))["anomalies"]

    assert markers["marker"]["symbol"] == ["octagon", "triangle-up"]
    assert markers["marker"]["size"] == 9
    assert markers["text"] == ["7.4", "6.0"]
    assert markers["customdata"] == [7.44, 6.0]


def test_an_incident_is_a_tinted_window_with_a_bar_on_top(series):
    figure = draw(series)

    ongoing, ended = shapes(figure, "incident")
    assert ongoing["fillcolor"] == "var(--critical, 0.12)"
    assert (ongoing["x1"], ended["x1"]) == (series.now_ms, series.x[20])
    assert {shape["layer"] for shape in (ongoing, ended)} == {"below"}
    assert [bar["y1"] for bar in shapes(figure, "incident-bar")] == [-3, -3]


def test_only_what_is_still_open_is_hatched(series):
    ongoing = by_role(draw(series))["ongoing"]

    assert ongoing["x"][0] == series.x[55]
    assert ongoing["fillpattern"]["shape"] == "/"
    assert "ongoing" not in by_role(draw(replace(series, incidents=series.incidents[1:])))


def test_events_thresholds_and_now_are_lines(series):
    figure = draw(series)

    assert shapes(figure, "event")[0]["line"]["dash"] == "dash"
    assert shapes(figure, "threshold")[0]["y0"] == 500.0
    assert shapes(figure, "now")[0]["x0"] == series.now_ms
    assert figure["layout"]["annotations"][0]["text"] == "SLO 500 ms"


def test_zoom_survives_live_points_and_there_is_no_title(series):
    layout = draw(series, height=160)["layout"]

    assert layout["uirevision"] == "checkout:p95"
    assert layout["height"] == 160
    assert "title" not in layout
    assert layout["showlegend"] is False
    assert layout["margin"] == {"l": 52, "r": 12, "t": 8, "b": 28}


def test_colours_are_tokens_only(series):
    text = [word for word in strings(draw(series)) if word.startswith(("#", "rgb"))]

    assert text == []


def test_text_from_outside_is_escaped_and_no_template_holds_any(series):
    hostile = '<a href="https://spoof.example">&</a>'
    escaped = '&lt;a href="https://spoof.example">&amp;&lt;/a>'
    figure = draw(
        replace(
            series,
            title=hostile,
            unit=hostile,
            thresholds=[Threshold(1.0, hostile)],
            events=[Event(START, hostile)],
        )
    )

    traces = by_role(figure)
    assert hostile not in strings(figure)
    assert traces["observed"]["name"] == escaped
    assert figure["layout"]["annotations"][0]["text"] == escaped
    templates = {role: trace.get("hovertemplate") for role, trace in traces.items()}
    assert templates == {
        role: trace.get("hovertemplate") for role, trace in by_role(draw(series)).items()
    }


@given(st.text())
def test_an_escaped_label_opens_no_tag_and_loses_nothing(text):
    escaped = escape_label(text)

    assert "<" not in escaped
    assert escaped.replace("&lt;", "<").replace("&amp;", "&") == text


@pytest.mark.parametrize(
    ("values", "rangemode"),
    [([1.0, 9.0], "tozero"), ([95.0, 99.0], "normal"), ([-3.0, 4.0], "tozero"), ([], "tozero")],
)
def test_the_axis_starts_at_zero_unless_the_line_would_lie_flat(series, values, rangemode):
    bare = replace(series, x=series.x[: len(values)], y=values, lower=[], upper=[])

    assert draw(bare)["layout"]["yaxis"]["rangemode"] == rangemode


def test_a_chart_without_any_point_can_be_drawn():
    empty = ChartSeries("errors", "/s", [], [], [], [], now_ms=START)

    assert by_role(draw(empty))["observed"]["x"] == []
    assert series_sentence(empty) == "no data"
    assert data_table(empty) == []


def test_the_caption_says_now_expected_and_anomalies(series):
    zone = timezone(timedelta(hours=2))

    assert series_sentence(series, zone=zone) == (
        f"812 ms, expected 180{DASH}260 ms, 2 anomalies since 16:14"
    )


def test_the_caption_of_a_quiet_series_names_no_anomalies(series):
    quiet = replace(series, anomalies=[])

    assert series_sentence(quiet).endswith(f"expected 180{DASH}260 ms")


def test_the_caption_admits_to_learning(series):
    learning = replace(series, is_learning=True, anomalies=series.anomalies[:1])

    assert series_sentence(learning) == (
        "812 ms, still learning what to expect, 1 anomaly since 14:14"
    )


def test_the_table_has_at_most_fifty_rows_and_every_anomaly(series):
    series = replace(series, y=[*series.y[:60], 900.0, *series.y[61:]])

    rows = data_table(series)

    assert len(rows) == 50
    assert [row.value for row in rows if row.is_anomaly] == ["900 ms", "812 ms"]
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert rows[0].at.tzinfo is UTC
    assert (rows[0].expected, rows[-1].expected) == ("", f"180{DASH}260 ms")


def test_a_short_series_is_left_as_it_is():
    assert downsample([1, 2, 3], [1.0, None, 2.0]) == [0, 1, 2]


def test_thinning_keeps_peaks_gaps_and_the_points_asked_for():
    count = 86_400
    x = [START + second * 1000 for second in range(count)]
    y = [float(second % 10) for second in range(count)]
    y[40_000] = 9999.0
    y[50_000:50_100] = [None] * 100

    kept = downsample(x, y, keep={x[12_345]})

    assert len(kept) <= 1500
    assert {0, 12_345, 40_000, 50_000, count - 1} <= set(kept)
    assert kept == sorted(kept)


def test_more_gaps_than_points_still_fit():
    y = [None if n % 2 else 1.0 for n in range(10_000)]

    assert len(downsample(list(range(10_000)), y)) == 1500


@given(
    st.lists(st.none() | st.floats(-100, 100), min_size=1, max_size=300),
    st.integers(2, 60),
    st.sets(st.integers(0, 299), max_size=5),
)
def test_thinning_never_exceeds_its_limit_or_loses_the_ends(y, points, keep):
    kept = downsample(list(range(len(y))), y, keep=keep, points=points)

    assert len(kept) <= max(points, 2)
    assert len(set(kept)) == len(kept)
    assert kept[0] == 0
    assert kept[-1] == len(y) - 1
