"""A change on the charts of its service: seen, reached by keyboard, followed, hidden."""

import json
from typing import Any

import httpx
from selenium.webdriver.common.keys import Keys

MARK = ".chart-events a"
LINES = """
const [plot] = document.querySelectorAll('.js-plotly-plot');
const lines = plot.layout.shapes.filter(({name}) => name === 'event');
return lines.map(({visible}) => visible);
"""


def test_a_change_is_a_mark_above_the_chart_that_leads_to_its_verdict(console: Any, browser: Any):
    console.make_person("eve")
    token = json.loads(console.manage("create_token", "--user", "eve", "--name", "ci", "--json"))
    told = {"title": "Deployed payments", "kind": "deploy", "service": "payments", "version": "v7"}
    httpx.post(
        f"{console.url}/api/v1/changes/",
        json=told,
        headers={"Authorization": f"Bearer {token['token']}"},
    ).raise_for_status()
    browser.sign_in("eve")
    browser.show_as(width=1280, scheme="light")

    browser.open("/services/payments/")
    mark = browser.find(MARK, seconds=40)
    assert mark.get_attribute("aria-label").startswith("deploy v7, ")
    assert browser.run(LINES) == [True]
    browser.run("arguments[0].focus()", mark)
    assert "deploy v7" in browser.find(".chart-events .tip").text

    browser.click('[data-series="event"]')
    browser.until(lambda: not browser.run(f"return document.querySelector('{MARK}')"), 20, "hidden")
    assert browser.run(LINES) == [False]
    browser.click('[data-series="event"]')
    browser.find(MARK).send_keys(Keys.ENTER)

    browser.until(lambda: "/changes/#change-" in browser.driver.current_url, 20, "followed")
    browser.wait_for_text("Deployed payments")
    assert browser.complaints() == []
    assert console.csp_reports() == 0
