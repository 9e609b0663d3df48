"""Every page, light and dark, wide and narrow: no accessibility violation, no CSP report."""

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.keys import Keys

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """
const done = arguments[arguments.length - 1];
const runOnly = {type: 'tag', values: arguments[0]};
const where = nodes => nodes.slice(0, 3).map(node => node.target.join(' ')).join(' | ');
axe.run(document, {runOnly, preload: false, resultTypes: ['violations']}).then(
  found => done(found.violations.map(v => `${v.id}: ${v.help}: ${where(v.nodes)}`)));
"""
SETTLE = """
const halfWay = document.getAnimations().filter(each => each instanceof CSSTransition);
halfWay.forEach(each => each.finish());
"""
PAGES = [
    "/incidents/",
    "/incidents/?q=status:closed",
    "/incidents/?q=severity:hihg",
    "/incidents/INC-1/",
    "/alerts/",
    "/approvals/",
    "/approvals/?tab=decided",
    "/services/",
    "/services/checkout/",
    "/services/load/",
    "/services/map/",
    "/services/map/?focus=checkout&group=owner",
    "/services/map/changes/",
    "/services/map/weak-points/",
    "/services/import/",
    "/services/payments/metrics/",
    "/services/payments/logs/",
    "/services/payments/changes/",
    "/services/payments/dependencies/",
    "/services/payments/incidents/",
    "/services/payments/settings/",
    "/explore/metrics/",
    "/explore/metrics/?q=process_memory_usage_bytes",
    "/explore/metrics/?q=sum(",
    "/explore/logs/",
    "/explore/logs/patterns/",
    "/explore/traces/",
    "/explore/traces/00000000000000000000000000000000/",
    "/runbooks/",
    "/runbooks/restart-service/",
    "/policies/",
    "/policies/new/",
    "/dashboards/",
    "/dashboards/services-at-a-glance/",
    "/dashboards/services-at-a-glance/?kiosk=1",
    "/dashboards/services-at-a-glance/panels/5/",
    "/dashboards/services-at-a-glance/edit/?panel=5",
    "/dashboards/services-at-a-glance/versions/",
    "/dashboards/new/",
    "/dashboards/import/",
    "/knowledge/",
    "/sources/",
    "/sources/1/",
    "/sources/new/",
    "/sources/asked/",
    "/sources/asked/new/",
    "/sources/asked/new/?kind=elasticsearch",
    "/status/",
    "/estate/",
    "/welcome/",
    "/profile/",
    "/api/v1/docs/",
    "/no-such-page/",
    "/admin/",
    "/admin/automation/runbook/",
    "/admin/automation/runbook/1/change/",
    "/admin/automation/connection/",
    "/admin/incidents/integration/",
    "/admin/incidents/correlationrule/",
    "/admin/incidents/knowledgearticle/",
    "/admin/telemetry/service/",
    "/admin/auth/user/",
]
# What opens on the list: where to click or type, and what is there then.
OPENED = {
    "peek": ("[data-row] .peek-btn", "", "#peek-title"),
    "columns": (".columns-btn", "", "[data-column]"),
    "declare": ("[data-testid=declare]", "", "#id_title"),
    "suggestions": ("#query", f"{Keys.END} se", "[role=option]"),
}
WIDTHS = [1280, 390]
SCHEMES = ["light", "dark"]


@pytest.fixture(scope="module")
def populated(console: Any) -> Any:
    """A console with an incident, its analysis and a proposed plan."""
    console.make_person("eve")
    console.manage("estate", "fault", "payments", "crash")
    console.wait_for_incident("payments")
    return console


def violations(browser: Any, width: int) -> list[str]:
    """Of what the browser shows, light and dark."""
    browser.run(AXE.read_text())
    found = []
    for scheme in SCHEMES:
        browser.show_as(width=width, scheme=scheme)
        browser.run(SETTLE)
        found += [f"{scheme}: {each}" for each in browser.driver.execute_async_script(RUN, TAGS)]
    return found


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_has_a_violation(populated: Any, browser: Any, width: int):
    browser.sign_in("eve")
    browser.show_as(width=width, scheme="light")
    found = []

    for page in PAGES:
        browser.open(page)
        found += [f"{page}: {each}" for each in violations(browser, width)]

    assert "\n".join(found) == ""
    assert populated.csp_reports() == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_that_opens_on_the_list_has_a_violation(populated: Any, browser: Any, width: int):
    browser.sign_in("eve")
    browser.show_as(width=width, scheme="light")
    found = []

    for name, (control, typed, opened) in OPENED.items():
        browser.open("/incidents/")
        if name == "columns" and width < 720:
            continue  # cards have no columns
        browser.click(control)
        if typed:
            browser.find(control).send_keys(typed)
        browser.find(opened)
        found += [f"{name}: {each}" for each in violations(browser, width)]

    assert "\n".join(found) == ""
    assert populated.csp_reports() == 0


@pytest.mark.parametrize("page", ["/login/", "/no-such-page/"])
def test_what_a_stranger_sees_has_no_violation(console: Any, browser: Any, page: str):
    browser.open(page)

    assert violations(browser, 1280) == []


def test_no_page_scrolls_sideways_on_a_phone(populated: Any, browser: Any):
    browser.sign_in("eve")
    browser.show_as(width=390, scheme="light")
    wide = []

    for page in PAGES:
        browser.open(page)
        if browser.run("return document.documentElement.scrollWidth > innerWidth"):
            wide.append(page)

    assert [page for page in wide if not page.startswith("/admin/")] == []
