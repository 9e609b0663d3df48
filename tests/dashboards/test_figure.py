import numpy as np
from plotly.graph_objs import Figure

from aiops_site.dashboards.document import Threshold
from aiops_site.dashboards.figure import figure, look_of
from aiops_site.dashboards.lines import MOST_LINES, lines_of, names_of
from telemetry.promql.vectors import Scalar, Vector

TIMES = np.array([1000, 2000, 3000])


def vector(*rows, labels=None):
    values = np.array(rows, dtype=float)
    labels = labels or [{"job": f"job{row}"} for row in range(len(rows))]
    return Vector(labels, values, ~np.isnan(values))


def answer(value, legend=""):
    return lines_of(TIMES, value, legend=legend, otherwise="value")


def test_gaps_and_infinities_are_not_drawn():
    (line,) = answer(vector([1, np.nan, np.inf], labels=[{"job": "a"}])).lines

    assert line.y == [1, None, None]
    assert (line.last, line.least, line.most, line.mean) == (1, 1, 1, 1)


def test_of_too_many_series_the_greatest_are_shown():
    found = answer(vector(*[[row, row, row] for row in range(50)]))

    assert (len(found.lines), found.total) == (MOST_LINES, 50)
    assert min(line.most for line in found.lines) == 50 - MOST_LINES


def test_a_series_without_any_value_is_none():
    assert answer(vector([np.nan] * 3, [1, 2, 3])).total == 1
    assert answer(Scalar(np.full(3, np.nan))).lines == []
    assert answer(Scalar(np.ones(3))).lines[0].name == "value"


def test_series_are_named_by_their_legend_or_by_what_tells_them_apart():
    labels = [{"job": "a", "env": "prod"}, {"job": "b", "env": "prod"}]

    assert names_of(labels, "{{job}} in {{ env }}{{gone}}", "") == ["a in prod", "b in prod"]
    assert names_of(labels, "", "value") == ["a", "b"]
    assert names_of([{"__name__": "up", "job": "a"}], "", "value") == ["up job=a"]
    assert names_of([{}], "", "value") == ["value"]


def test_a_figure_is_one_that_plotly_takes_and_counts_in_what_people_read():
    lines = answer(vector([2**20, 2**21, 2**22], [1, 2, 3])).lines

    drawn = figure(lines, unit="By", thresholds=[Threshold(value=2**20, level="high")])

    assert Figure(drawn)
    assert drawn["data"][0]["y"][-1] == 4
    assert drawn["layout"]["yaxis"]["ticksuffix"] == " MiB"
    assert drawn["layout"]["shapes"][0]["y0"] == 1


def test_text_from_outside_stays_text():
    lines = answer(vector([1, 2, 3], labels=[{"job": "<a href='x'>&"}]), "{{job}}").lines

    assert figure(lines, unit="<b>", thresholds=[])["data"][0]["name"] == "&lt;a href='x'>&amp;"
    assert "<b>" not in figure(lines, unit="<b>", thresholds=[])["layout"]["yaxis"]["ticksuffix"]


def test_no_two_lines_look_the_same():
    assert len({look_of(place) for place in range(MOST_LINES)}) == MOST_LINES
