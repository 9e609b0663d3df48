import pytest

from aiops_site.dashboards import document
from aiops_site.dashboards.checking import demand_queries
from aiops_site.dashboards.document import NotADashboard, dump, load, read


def metric(expr="up", **fields):
    return {"type": "metric", "queries": [{"expr": expr}], **fields}


def board(*panels, **fields):
    return {"title": "Shop", "panels": list(panels), **fields}


def test_a_document_reads_back_as_it_was_written():
    whole = load(board(metric(title="Up", unit="s"), {"type": "markdown", "text": "# Hi"}))

    assert read(dump(whole).decode()) == whole


def test_every_panel_gets_an_id_and_keeps_the_one_it_has():
    whole = load(board(metric(), metric(id=7), metric()))

    assert [panel.id for panel in whole.panels] == [8, 7, 9]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([], "Write keys and values"),
        ({"panels": []}, "title: This is required"),
        (board(title=""), "title"),
        (board({"type": "heatmap"}), "panels[0]"),
        (board(metric(width=13)), "panels[0].width"),
        (board(metric(width="6")), "panels[0].width"),
        (board({"type": "metric", "queries": []}), "panels[0].queries"),
        (board(metric(id=3), metric(id=3)), "same id"),
        (board(*[metric()] * 25), "panels"),
        (board(colour="red"), "colour: This key is not known here"),
        (board({"type": "markdown", "text": "a\0b"}), "panels[0].text"),
        (board(title="two\nlines"), "title"),
        (board(metric(thresholds=[{"value": float("nan")}])), "thresholds"),
        (board(variables=[{"name": "a b", "kind": "service"}]), "variables[0].name"),
        (board(variables=[{"name": "a", "kind": "list"}]), "list of values"),
        (board(variables=[{"name": "a", "kind": "label"}]), "label whose values"),
        (board(variables=[{"name": "a", "kind": "interval", "values": ["1m or up"]}]), "values"),
        (board(variables=[{"name": "a", "kind": "service"}] * 2), "same name"),
    ],
)
def test_what_is_no_dashboard_is_refused_with_the_place(given, problem):
    with pytest.raises(NotADashboard) as refused:
        load(given)

    assert problem in str(refused.value)


def test_what_is_no_json_or_too_much_of_it_is_refused():
    text = "x" * 19_000
    large = board(*[{"type": "markdown", "text": text}] * 24, description=text)

    with pytest.raises(NotADashboard, match="not JSON"):
        read("{")
    assert load(large)
    with pytest.raises(NotADashboard, match="512 kB"):
        load(board(*[{"type": "markdown", "text": "ü" * 19_000}] * 24))
    with pytest.raises(NotADashboard, match="512 kB"):
        read(" " * (document.MOST_BYTES + 1))


def test_queries_are_read_before_anybody_looks():
    fine = metric('sum by (job) (rate(x{job=~"$service"}[$__rate_interval]))')
    service = {"name": "service", "kind": "service"}

    demand_queries(load(board(fine, variables=[service])))
    with pytest.raises(NotADashboard, match=r"panels\[1\].queries\[0\]: .*parse error"):
        demand_queries(load(board(fine, metric("sum("), variables=[service])))
    with pytest.raises(NotADashboard, match=r"There is no variable \$service"):
        demand_queries(load(board(fine)))


def test_what_an_outside_source_is_asked_is_its_own_to_judge():
    demand_queries(load(board(metric("avg:system.load.1{*}", source="datadog"))))
