"""The incident's page by pointer and keyboard: pins, folded sections, raw alerts, snoozing."""

import json
from typing import Any

import httpx
import pytest
from selenium.webdriver import ActionChains
from selenium.webdriver.common.keys import Keys

ESTATE = "none"
SHUT = "return [...document.querySelectorAll('section[data-shut]')].map(each => each.id)"
PINNED = "return [...document.querySelectorAll('[data-pinned]')].map(each => each.id)"
PATH = "return location.pathname"
NAMES = ["Cellar is wet", "Roof is wet", "Attic is wet"]


@pytest.fixture(scope="module")
def house(console: Any) -> Any:
    """A console with three incidents that nothing else joins."""
    console.make_person("eve")
    made = json.loads(console.manage("create_integration", "generic", "--name", "house", "--json"))
    headers = {"Authorization": f"Bearer {made['token']}"}
    for name in NAMES:
        alert = {"title": name, "severity": "low", "host": name}
        httpx.post(made["url"], json=alert, headers=headers).raise_for_status()
    return console


@pytest.fixture
def page(house: Any, browser: Any) -> Any:
    """The middle one of the three in the list."""
    browser.sign_in("eve")
    browser.show_as(width=1280, scheme="light")
    browser.open("/incidents/?q=title:~wet")
    browser.until(lambda: browser.text("[data-list-body]").count("is wet") == 3, 30, "all three")
    browser.click("[data-row]:nth-child(2) .title")
    browser.find("#fold-alerts")
    return browser


def press(browser: Any, *keys: str) -> None:
    for key in keys:
        ActionChains(browser.driver).send_keys(key).perform()


def test_an_entry_that_is_pinned_is_a_key_event(page: Any):
    page.find(".timeline")
    page.run("document.querySelector('[name=timeline-show][value=all]').click()")
    page.click(".timeline > li:not([data-key-event]) > .pin")
    page.until(lambda: len(page.run(PINNED)) == 1, 20, "the pin")
    [entry] = page.run(PINNED)
    page.run("document.querySelector('[name=timeline-show][value=key]').click()")

    assert page.find(f"#{entry}")
    assert page.find(f"#{entry} .pin").get_attribute("aria-pressed") == "true"
    page.click(f"#{entry} .pin")
    page.until(lambda: page.run(PINNED) == [], 20, "no pin")


def test_a_section_stays_folded_until_a_link_leads_into_it(page: Any):
    page.click("#fold-alerts")
    page.click("#fold-similar")
    page.open(page.run(PATH))
    page.find("#fold-alerts")
    assert page.run(SHUT) == ["alerts", "similar"]

    press(page, "3")

    page.until(lambda: page.run(SHUT) == ["similar"], 20, "the alerts")
    assert page.find("#fold-alerts").get_attribute("aria-expanded") == "true"


def test_an_alert_is_read_and_copied_as_json(page: Any):
    page.click_test("raw")

    page.wait_for_text('"severity": "low"', within="#raw")
    page.click("#raw [data-copy]")
    page.wait_for_text("Copied", within="#raw")


def test_a_snooze_ends_when_the_reader_says_by_the_readers_own_clock(page: Any):
    zone = {"timezoneId": "Asia/Tokyo"}
    page.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", zone)
    page.open(page.run(PATH))
    page.find("#fold-alerts")

    press(page, "s")
    page.click_test("snooze-morning")

    page.wait_for_text("Snoozed until 09:00", within=".inc-state")
    until = page.find(".inc-state > span time").get_attribute("datetime")
    page.driver.execute_cdp_cmd("Emulation.setTimezoneOverride", {"timezoneId": ""})
    assert until.endswith("T00:00:00.000Z")


def test_brackets_lead_along_the_list_one_came_from(page: Any):
    here = page.run(PATH)

    press(page, "]")
    page.until(lambda: page.run(PATH) != here, 20, "the next one")
    page.find("[data-neighbours] a")
    press(page, "[")

    page.until(lambda: page.run(PATH) == here, 20, "the one before")


def test_a_note_is_added_to_what_is_selected_by_keyboard(page: Any):
    page.open("/incidents/?q=title:~wet")
    page.find("[data-row]")

    press(page, "j", "x", "j", "x", "c")
    page.find("#bulk-note textarea").send_keys("Plumber called.")
    ActionChains(page.driver).key_down(Keys.CONTROL).send_keys(Keys.ENTER).perform()

    page.wait_for_text("Commented on 2 incidents", within="#bulk-outcome")
