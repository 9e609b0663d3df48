"""The list by keyboard and touch: a glance at an incident, columns, suggestions, all that match."""

import json
from typing import Any

import httpx
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

ESTATE = "none"
MANY = 60
ACTIVE = "return document.activeElement"
CURRENT = "return document.querySelector('[data-row][aria-current]').dataset.row"
LISTED = "return [...document.querySelectorAll('[data-row]')].map(row => row.dataset.row)"
COLUMN = "return document.querySelector('th.c-owner').checkVisibility()"
ORDER = "return [...document.querySelectorAll('.incidents th')].map(each => each.classList[0])"
ANCHORS = "return [...document.querySelectorAll('#peek-body a[href^=\"#\"]')].map(a => a.href)"
SPILLS = "return document.documentElement.scrollWidth > innerWidth"
OPTIONS = "return [...document.querySelectorAll('[role=option] .mono')].map(o => o.textContent)"


@pytest.fixture(scope="module")
def crowded(console: Any) -> Any:
    """A console with more incidents than fit on a page."""
    console.make_person("eve")
    made = json.loads(console.manage("create_integration", "generic", "--name", "crowd", "--json"))
    headers = {"Authorization": f"Bearer {made['token']}"}
    for number in range(MANY):
        alert = {"title": f"Disk {number} is full", "severity": "low", "host": f"disk-{number}"}
        httpx.post(made["url"], json=alert, headers=headers).raise_for_status()
    return console


@pytest.fixture
def page(crowded: Any, browser: Any) -> Any:
    browser.sign_in("eve")
    browser.show_as(width=1280, scheme="light")
    browser.open("/incidents/?q=title:~Disk")
    browser.until(lambda: len(browser.run(LISTED)) == 50, 30, "a whole page of incidents")
    return browser


def press(browser: Any, *keys: str) -> None:
    for key in keys:
        ActionChains(browser.driver).send_keys(key).perform()


def focused(browser: Any) -> str:
    return str(browser.run(ACTIVE).get_attribute("id"))


def test_a_glance_by_keyboard_goes_along_the_list_and_back_to_the_row(page: Any):
    first, second, *_ = page.run(LISTED)

    press(page, "j", " ")
    page.until(lambda: focused(page) == "peek-title", 20, "the focus in the panel")
    assert page.run(CURRENT) == first
    assert page.run(ANCHORS) == []
    press(page, "j")
    page.wait_for_text(f"INC-{second}", within=".peek-head")
    assert page.run(CURRENT) == second
    press(page, Keys.ESCAPE)

    assert page.run("return document.querySelector('[data-peek]').hidden")
    assert f"INC-{second}" in page.run(ACTIVE).get_attribute("href")


def test_space_on_a_box_still_ticks_it(page: Any):
    page.run("document.querySelector('[data-row] .pick').focus()")

    press(page, " ")

    assert page.run("return document.querySelector('[data-row] .pick').checked")
    assert page.run("return document.querySelector('[data-peek]').hidden")


def test_a_deed_in_the_panel_is_told_there_and_keeps_the_selection(page: Any):
    page.click("[data-row]:nth-child(5) .pick")
    page.click("[data-row]:nth-child(2) .peek-btn")

    page.click_test("peek-acknowledge")

    page.wait_for_text("Acknowledged 1 incident", within="#peek-outcome")
    page.wait_for_text("Investigating", within=".peek-head")
    assert page.text("[data-bulk-count]") == "1 selected"
    page.click("#peek-outcome [data-testid=undo]")
    page.wait_for_text("Took it back", within="#peek-outcome")


def test_on_a_phone_the_panel_is_a_sheet_and_what_it_covers_is_inert(page: Any):
    page.show_as(width=390, scheme="light")

    page.click("[data-row] .peek-btn")

    page.until(lambda: focused(page) == "peek-title", 20, "the focus in the sheet")
    panel = page.find("[data-peek]")
    assert panel.size["width"] == 390
    assert panel.get_attribute("aria-modal") == "true"
    assert page.run("return document.getElementById('incident-list').inert")
    page.click("[data-list-close]")
    assert not page.run("return document.getElementById('incident-list').inert")


def test_a_column_that_was_left_out_stays_so_and_all_fit(page: Any):
    page.click(".columns-btn")
    page.click("[data-column][value=owner]")
    assert not page.run(COLUMN)
    page.open("/incidents/?q=title:~Disk")
    assert not page.run(COLUMN)

    page.click(".columns-btn")
    for box in page.driver.find_elements("css selector", "[data-column]"):
        if not box.is_selected():
            box.click()

    assert page.run(COLUMN)
    assert not page.run(SPILLS)


def test_columns_are_moved_and_stay_where_they_were_put(page: Any):
    page.click(".columns-btn")

    page.click("[aria-label='Move Age up']")

    assert page.run(ORDER)[4:7] == ["c-owner", "c-age", "c-alerts"]
    assert page.run(ACTIVE).get_attribute("aria-label") == "Move Age up"
    page.open("/incidents/?q=title:~Disk")
    assert page.run(ORDER)[4:7] == ["c-owner", "c-age", "c-alerts"]


def test_a_search_is_completed_by_keyboard_and_enter_always_searches(page: Any):
    box = page.find("#query")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys("sever")
    page.until(lambda: page.run(OPTIONS) == ["severity"], 20, "the field")
    assert box.get_attribute("aria-expanded") == "true"

    box.send_keys(Keys.ARROW_DOWN, Keys.ENTER)
    page.until(lambda: "critical" in page.run(OPTIONS), 20, "its values")
    box.send_keys("lo", Keys.ESCAPE)
    assert focused(page) == "query"
    box.send_keys(Keys.ARROW_DOWN)
    page.until(lambda: page.run(OPTIONS) == ["low"], 20, "the value")
    box.send_keys(Keys.ARROW_DOWN)
    assert box.get_attribute("aria-activedescendant") == "query-option-1"
    box.send_keys(Keys.ENTER)
    assert box.get_attribute("value") == "severity:low "

    box.send_keys("titl")
    page.until(lambda: page.run(OPTIONS) == ["title"], 20, "the next field")
    box.send_keys(Keys.ENTER)
    page.until(lambda: "titl" in page.driver.current_url, 20, "the search as it is written")


def test_a_suggestion_is_taken_by_the_pointer(page: Any):
    box = page.find("#query")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys("is:ac")
    page.until(lambda: page.run(OPTIONS) == ["active", "acked"], 20, "the values")

    page.click("#query-option-1")

    assert box.get_attribute("value") == "is:active "
    assert focused(page) == "query"


def test_all_that_match_are_done_and_taken_back(page: Any, crowded: Any):
    page.click("[data-pick-all]")
    page.click_test("select-matching")
    assert page.text("[data-bulk-count]") == f"All {MANY} matching selected"

    page.click_test("bulk-acknowledge")
    page.click_test("bulk-confirm")

    page.wait_for_text(f"Acknowledged {MANY} incidents", within="#bulk-followed", seconds=60)
    page.until(
        lambda: "Not acked" not in page.text("[data-row]"), 20, "every row brought up to date"
    )
    page.click_test("undo-matching")
    page.wait_for_text(f"Took it back for {MANY} incidents", within="#bulk-followed", seconds=60)
    assert page.complaints() == []
    assert crowded.csp_reports() == 0


def test_an_incident_is_declared_in_a_dialog(page: Any):
    page.click_test("declare")
    page.until(lambda: focused(page) == "id_title", 20, "the focus in the form")
    press(page, "Customers cannot pay")

    page.click_test("declare-confirm")

    page.wait_for_text("Customers cannot pay", within="h1")
    page.wait_for_text("eve Declared", within=".timeline")
