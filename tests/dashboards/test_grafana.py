import json
import time
from pathlib import Path

import pytest

from aiops_site.dashboards import bringing_in
from aiops_site.dashboards.binding import ALL, Scope, bind
from aiops_site.dashboards.checking import demand_queries
from aiops_site.dashboards.document import NotADashboard
from aiops_site.dashboards.grafana import importing
from aiops_site.dashboards.grafana.units import level_of

FOLDER = Path(__file__).parent / "grafana"


def brought(name):
    return bringing_in.read((FOLDER / f"{name}.json").read_text())


def grafana(*panels, **fields):
    return {"schemaVersion": 39, "title": "x", "panels": list(panels), **fields}


def chart(expr="up", **fields):
    return {"type": "timeseries", "title": "c", "targets": [{"expr": expr}], **fields}


@pytest.fixture
def nodes():
    return brought("nodes")


def by_title(imported):
    return {panel.title: panel for panel in imported.document.panels}


def test_what_can_be_drawn_becomes_panels_in_the_order_it_was_read(nodes):
    panels = nodes.document.panels

    assert [(panel.type, panel.title) for panel in panels] == [
        ("stat", "CPU Cores"),
        ("stat", "CPU Busy"),
        ("metric", "CPU of $node"),
        ("metric", "Memory"),
        ("table", "Pods on $node"),
        ("markdown", ""),
        ("logs", "Out of memory"),
    ]
    assert [(panel.width, panel.height) for panel in panels][:3] == [(1, 1), (2, 2), (6, 4)]
    assert nodes.document.time == "24h"
    demand_queries(nodes.document)


def test_what_cannot_be_is_named_with_the_reason(nodes):
    refused = {each.what: each.reason for each in nodes.refused}
    notes = {(each.what, each.reason) for each in nodes.notes}

    assert refused == {
        "$datasource": "there is one store here",
        "$disks": "a variable of the type query like this is not known",
        "Disk heat (heatmap)": "there is no panel like heatmap here",
        "Lines a second (timeseries)": "it asks loki",
    }
    assert notes == {
        ("$node", "its regex is left out"),
        ("CPU Cores (stat)", "the words it has for values are left out"),
        ("CPU of $node (timeseries)", "a query is left out: There is no variable $mode."),
        ("Pods on $node (table)", "its transformations are left out"),
    }


def test_variables_become_ours_with_their_values(nodes):
    job, node, resolution = nodes.document.variables

    assert (job.kind, job.label, job.selector, job.title) == (
        "label",
        "job",
        "node_uname_info",
        "Job",
    )
    assert (node.many, node.default) == (True, ALL)
    assert (resolution.kind, resolution.values) == ("interval", ["1m", "2m", "5m"])


def test_units_and_thresholds_keep_their_meaning(nodes):
    panels = by_title(nodes)
    limits = {
        title: [(each.value, each.level) for each in panel.thresholds]
        for title, panel in panels.items()
        if panel.type in ("stat", "metric")
    }

    assert limits == {
        "CPU Busy": [(85, "high"), (95, "critical")],
        "CPU Cores": [],
        "CPU of $node": [],
        "Memory": [(1048576, "medium")],
    }
    assert panels["CPU of $node"].unit == "%"
    assert panels["CPU of $node"].queries[0].expr.startswith("100 * (sum by(instance)")
    assert panels["Memory"].unit == "By"


def test_a_dashboard_of_rows_and_spans_is_read_too():
    imported = brought("rows")
    busy, network = imported.document.panels
    scope = Scope({"node": ("a",), "port": ("9100",), "job": ("n",)}, {"interval": "5m"})

    assert [(busy.type, busy.width), (network.type, network.width)] == [("stat", 2), ("metric", 12)]
    assert [(each.value, each.level) for each in busy.thresholds] == [
        (85, "high"),
        (95, "critical"),
    ]
    assert (network.unit, network.queries[0].legend) == ("By/s", "{{device}}")
    assert network.thresholds[0].value == 1000
    assert 'instance=~"a:9100",job=~"n"' in bind(busy.queries[0].expr, scope)
    assert "[5m]" in bind(network.queries[0].expr, scope)
    assert [each.reason for each in imported.refused] == ["it is HTML, which is not shown here"]


def test_what_the_api_wraps_is_unwrapped():
    wrapped = {"dashboard": grafana(chart()), "meta": {"slug": "x"}}

    assert len(importing.convert(wrapped).document.panels) == 1


def test_more_panels_than_there_is_room_for_are_left_out():
    imported = importing.convert(grafana(*[chart()] * 30))

    assert len(imported.document.panels) == 24
    assert [each.reason for each in imported.refused] == ["a dashboard has at most 24 panels"] * 6


@pytest.mark.parametrize(
    ("expr", "reason"),
    [
        ("sum(", "parse error"),
        ("holt_winters(up[5m], 0.5, 0.5)", "unknown function"),
        ("topk($count, up)", "no variable $count"),
        ("$metric", "no variable $metric"),
        ("", "not PromQL"),
        ("a" * 5_001, "longer than"),
        ("((" * 500 + "up" + "))" * 500, "operations"),
    ],
)
def test_a_query_that_cannot_be_asked_refuses_its_panel(expr, reason):
    (refused,) = importing.convert(grafana(chart(expr))).refused

    assert reason in refused.reason


@pytest.mark.parametrize(
    "given",
    [
        {"schemaVersion": 3},
        {"schemaVersion": 99},
        {"schemaVersion": 39, "panels": "many"},
        {"schemaVersion": 39, "panels": [{"targets": "x"}]},
        {"dashboard": []},
        {"apiVersion": "dashboard.grafana.app/v2", "spec": {"elements": {"a": {}}}},
        {"dashboard": {"elements": {"a": {}}}},
        grafana(*[{"type": "row"}] * 3, *[chart()] * 1001),
    ],
)
def test_what_is_no_known_dashboard_is_refused_whole(given):
    with pytest.raises(NotADashboard):
        bringing_in.of(given)


@pytest.mark.parametrize(
    "odd",
    [
        {"title": None, "gridPos": {"h": 1e308, "w": -5, "x": 0, "y": 0}},
        {"fieldConfig": {"defaults": {"unit": 7, "thresholds": {"steps": "red"}}}},
        {"fieldConfig": [], "yaxes": {}, "options": "x", "datasource": 3},
        {"fieldConfig": {"defaults": {"thresholds": {"steps": [{"color": 1, "value": True}]}}}},
        {"thresholds": [{"colorMode": "critical", "op": "gt", "value": 1e400}]},
        {"thresholds": "٣,x", "colorValue": True, "colors": 5, "type": "singlestat"},
        {"targets": [{"expr": "up", "legendFormat": "a\0b\n" + "x" * 999}]},
        {"title": "a\0b"},
    ],
)
def test_odd_values_cost_their_part_and_not_the_dashboard(odd):
    imported = importing.convert(json.loads(json.dumps(grafana({**chart(), **odd}))))

    assert len(imported.document.panels) + len(imported.refused) == 1


def test_rows_within_rows_end_somewhere():
    deep = chart()
    for _ in range(50):
        deep = {"type": "row", "panels": [deep]}

    assert importing.convert(grafana(deep)).document.panels == []


@pytest.mark.parametrize(
    ("colour", "level"),
    [
        ("dark-red", "critical"),
        ("semi-dark-orange", "high"),
        ("#EAB839", "medium"),
        ("rgba(245, 54, 54, 0.9)", "critical"),
        ("rgba(50, 172, 45, 0.97)", ""),
        ("rgb(255, 255, 255)", ""),
        ("green", ""),
        ("", ""),
    ],
)
def test_a_colour_warns_by_its_name_or_hue(colour, level):
    assert level_of(colour) == level


def test_queries_made_to_be_slow_cost_three_seconds_and_not_the_page(monkeypatch):
    monkeypatch.setattr("aiops_site.dashboards.checking.PATIENCE_SECONDS", 0.01)
    slow = [chart("(" * 50 + "up" + ")" * 50) for _ in range(200)]
    began = time.monotonic()

    imported = importing.convert(grafana(*slow))

    reasons = {each.reason for each in imported.refused}
    assert "what stands before it took too long to read" in reasons
    assert time.monotonic() - began < 10
