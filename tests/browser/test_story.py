"""The main job as a stranger sees it: something breaks, a person approves, it is healed."""

import time
from typing import Any

WARM_UP_SECONDS = 75
OBSERVED = """
const plots = [...document.querySelectorAll('#signals [data-chart] .js-plotly-plot')];
return plots.map(plot => {
  const observed = plot.data.find(trace => trace.meta && trace.meta.role === 'observed');
  const upper = plot.data.find(trace => trace.meta && trace.meta.role === 'upper');
  const above = (y, i) => upper && upper.y[i] != null && y > upper.y[i];
  const outside = [...observed.y].filter(above).length;
  return {outside, last: Number(new Date(observed.x[observed.x.length - 1]))};
});
"""


def test_a_hung_service_is_healed_by_a_person_who_approves(console: Any, browser: Any):
    browser.show_as(width=1280, scheme="light")
    become_administrator(console, browser)
    wait_for_a_learnt_band(console)

    break_checkout(browser)
    open_the_incident_that_appears(browser)
    watch_the_analysis_write_itself(browser)
    watch_the_chart_leave_its_band(browser)
    approve(browser)
    watch_it_being_healed(browser)

    console.manage("estate", "fault", "checkout", "hang")
    see_what_was_learnt(browser)
    console.manage("estate", "clear", "checkout")
    assert console.csp_reports() == 0
    assert browser.complaints() == []


def become_administrator(console: Any, browser: Any) -> None:
    browser.open(console.setup_path())
    browser.find("[name=username]").send_keys("ada")
    for field in ("password1", "password2"):
        browser.find(f"[name={field}]").send_keys("correct-horse-battery")
    browser.click("form button[type=submit]")
    browser.until(lambda: "/welcome/" in browser.driver.current_url, 20, "welcomed")


def wait_for_a_learnt_band(console: Any) -> None:
    """The detector has to see the estate well for a minute before it can call anything unusual."""
    started = time.monotonic()
    while time.monotonic() - started < WARM_UP_SECONDS:
        time.sleep(1)
        console.process.poll()
        assert console.process.returncode is None


def break_checkout(browser: Any) -> None:
    browser.open("/estate/")
    browser.click_test("checkout-hang")
    browser.wait_for_text("hang", within="#state-checkout")


def open_the_incident_that_appears(browser: Any) -> None:
    """On the list, without reloading, within twenty seconds."""
    browser.open("/incidents/")
    browser.find("[data-row] .title, [data-list-new]:not([hidden]) button", seconds=20)
    if not browser.text("[data-row] .title"):
        browser.click("[data-list-new]:not([hidden]) button")
    browser.click("[data-row] .title")
    browser.wait_for_text("checkout", within="h1")


def watch_the_analysis_write_itself(browser: Any) -> None:
    browser.wait_for_text("Restart checkout", within="#remediation, [data-testid=plan]")
    browser.click('label:has(input[value="all"])')
    browser.wait_for_text("checkout is down", within=".timeline")
    browser.wait_for_text("checkout is down", within="#cause")


def watch_the_chart_leave_its_band(browser: Any) -> None:
    browser.run("document.querySelector('#signals').scrollIntoView()")
    browser.until(lambda: any(c["outside"] for c in browser.run(OBSERVED)), 20, "points outside")
    before = max(chart["last"] for chart in browser.run(OBSERVED))
    browser.until(
        lambda: max(chart["last"] for chart in browser.run(OBSERVED)) > before, 10, "live points"
    )


def approve(browser: Any) -> None:
    browser.click_test("approve")
    browser.click_test("approve-confirm")


def watch_it_being_healed(browser: Any) -> None:
    browser.wait_for_text("stopping checkout", within="[data-testid=plan]", seconds=30)
    browser.wait_for_text("->", within="[data-testid=plan]", seconds=30)
    browser.wait_for_text("Verified", within="[data-testid=plan]", seconds=60)
    browser.until(
        lambda: "Resolved" in browser.text(".stepper [aria-current]"), 60, "the stepper at resolved"
    )
    browser.wait_for_text(
        "Knowledge base: restart-service fixed it", within=".timeline", seconds=20
    )


def see_what_was_learnt(browser: Any) -> None:
    """And that the runbook's cooldown holds back a person too, with the reason."""
    open_the_incident_that_appears(browser)
    browser.wait_for_text("worked 1 of 1", within="[data-testid=plan]")
    browser.wait_for_text("INC-1", within="#similar")
    browser.wait_for_text("checkout cools down", within="[data-testid=plan]")
    assert browser.find_test("approve").get_attribute("aria-disabled") == "true"
