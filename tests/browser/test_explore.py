"""The explorer in a browser: a question with suggestions, lines that come, a trace that folds."""

from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

ROWS = """
const rows = [...document.querySelectorAll('[data-waterfall] tbody tr')];
return rows.filter(row => !row.hidden).length;
"""


@pytest.fixture(scope="module")
def telling(console: Any) -> Any:
    console.make_person("eve")
    return console


@pytest.fixture
def reader(telling: Any, browser: Any) -> Any:
    browser.sign_in("eve")
    return browser


def test_a_question_is_written_with_suggestions_and_drawn(reader: Any):
    reader.open("/explore/metrics/")
    field = reader.find("#promql")
    field.send_keys("process_memory_us")
    reader.find("#promql-options [role=option]")

    field.send_keys(Keys.DOWN, Keys.ENTER)
    assert field.get_attribute("value") == "process_memory_usage_bytes"
    field.send_keys(Keys.ENTER)

    reader.find(".explore-chart .nsewdrag")
    reader.wait_for_text("6 series")
    assert reader.complaints() == []


def test_newer_lines_are_counted_and_shown_when_the_reader_asks(reader: Any):
    def is_there() -> bool:
        reader.open("/explore/logs/")
        return "request served" in reader.text(".lines")

    reader.until(is_there, 60, "a line")
    first = reader.text(".lines li:first-child time")

    reader.wait_for_text("new", within="#newer", seconds=60)

    assert reader.text(".lines li:first-child time") == first
    reader.click("#newer a")
    reader.until(lambda: reader.text(".lines li:first-child time") != first, 20, "newer lines")


def test_a_trace_folds_and_its_spans_open_beside_it(reader: Any):
    def is_there() -> bool:
        reader.open("/explore/traces/?operation=GET+/ledger")
        return bool(reader.text(".traces tbody tr"))

    reader.until(is_there, 60, "a trace")
    reader.click(".traces tbody a")
    reader.find("[data-waterfall]")
    all_rows = reader.run(ROWS)

    reader.find(".fold").send_keys(Keys.ENTER)
    assert reader.run(ROWS) == 1
    reader.find(".fold").send_keys(Keys.ENTER)
    assert reader.run(ROWS) == all_rows
    reader.click("[data-waterfall] a[hx-get]")

    reader.wait_for_text("peer.service", within="#span")
    assert reader.complaints() == []
