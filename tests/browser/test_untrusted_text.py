"""Markup in every text that comes from outside stays text: on every page, chart and phone."""

from functools import partial
from typing import Any

import pytest

from tests.browser import sowing
from tests.browser.conftest import PASSWORD
from tests.browser.test_every_page import PAGES

IS_QUIET = """
return document.readyState === 'complete' && !document.querySelector('.htmx-request');
"""
ODDITIES = """
const found = [];
if (window.__xss !== undefined) found.push('a script ran');
const safe = ['http:', 'https:', 'mailto:'];
for (const link of document.querySelectorAll('a, area, form')) {
  const to = link.href?.baseVal ?? link.action ?? link.href;
  if (typeof to !== 'string' || to === '') continue;
  const url = new URL(to, location.href);
  if (!safe.includes(url.protocol)) found.push(`leads to ${to.slice(0, 80)}`);
}
const foreign = 'iframe, base, object, embed, img:not([src^="/static/"])';
for (const each of document.querySelectorAll(foreign))
  found.push(`has ${each.outerHTML.slice(0, 80)}`);
const loaded = ['navigation', 'resource'].flatMap(kind => performance.getEntriesByType(kind));
for (const each of loaded)
  if (each.responseStatus >= 500) found.push(`${each.responseStatus} of ${each.name}`);
return found;
"""
SPILLED = """
if (document.documentElement.scrollWidth <= innerWidth) return [];
const text = document.createRange();
const isOut = element => {
  text.selectNodeContents(element);
  return text.getBoundingClientRect().right > innerWidth + 1;
};
const isKept = element => {
  for (let each = element; each !== document.body; each = each.parentElement)
    if (getComputedStyle(each).overflowX !== 'visible') return true;
  return false;
};
const out = [...document.querySelectorAll('body *')].filter(each => isOut(each) && !isKept(each));
const parts = out.length ? out.slice(-3) : [document.body];
return parts.map(each => `is wider than the phone: ${each.outerHTML.slice(0, 120)}`);
"""
CHARTS = "return [...document.querySelectorAll('[data-chart]')].filter(e => e.checkVisibility())"
SHOW = "arguments[0].scrollIntoView({block: 'center'})"
PLOT = "return arguments[0].querySelector('.js-plotly-plot .nsewdrag')"
HOVER = """
const box = arguments[0].getBoundingClientRect();
for (const part of [0.2, 0.5, 0.98]) {
  const at = {clientX: box.x + box.width * part, clientY: box.y + box.height / 2, bubbles: true};
  arguments[0].dispatchEvent(new MouseEvent('mousemove', at));
}
"""


@pytest.fixture(scope="module")
def sown(console: Any) -> dict[str, list[str]]:
    """The pages that show what was sown, by their kind."""
    console.make_person("eve")
    with sowing.Sower(console, "eve") as sower:
        sowing.sow_metrics(sower)
        sowing.sow_alerts(sower)
        sowing.sow_words(sower)
        sowing.sow_runbook(sower)
        sowing.rename(console, "eve", PASSWORD)
        return _pages_made(sower)


def _pages_made(sower: sowing.Sower) -> dict[str, list[str]]:
    numbers = [each["number"] for each in sower.get("incidents/?limit=1000")["results"]]
    alerts = [each["id"] for each in sower.get("alerts/?limit=1000")["results"]]
    articles = [each["id"] for each in sower.get("knowledge/?limit=1000")["results"]]
    slugs = [each["slug"] for each in sower.get("services/?limit=1000")["results"]]
    plans = [each["id"] for each in sower.get("remediations/")["results"]]
    return {
        "incidents": [f"/incidents/INC-{number}/" for number in numbers[-6:]],
        "alerts": [f"/alerts/{pk}/" for pk in alerts[:: max(1, len(alerts) // 12)]],
        "articles": [f"/knowledge/{pk}/" for pk in articles[:: max(1, len(articles) // 8)]],
        "services": ["/services/marked/", *(f"/services/{slug}/" for slug in slugs[:4])],
        "plans": [f"/remediations/{pk}/" for pk in plans[:2]],
        "runbooks": ["/runbooks/marked/", "/policies/1/"],
        "searches": ["/incidents/?q=%3Cimg+src%3Dx+onerror%3Dwindow.__xss%3D1%3E"],
    }


def look_at(browser: Any, page: str) -> list[str]:
    browser.open(page)
    browser.until(lambda: browser.run(IS_QUIET), 20, f"{page} has loaded")
    return [f"{page} {each}" for each in browser.run(ODDITIES)]


def test_every_page_shows_it_as_text_and_fits_a_phone(sown: Any, console: Any, browser: Any):
    browser.sign_in("eve")
    browser.show_as(width=390, scheme="light")
    found = []

    for page in [*PAGES, *(page for pages in sown.values() for page in pages)]:
        found += look_at(browser, page)
        if not page.startswith("/admin/"):
            found += [f"{page} {each}" for each in browser.run(SPILLED)]

    assert not found, "\n".join(found)
    assert console.csp_reports() == 0


def test_charts_show_it_as_text_under_the_pointer(sown: Any, console: Any, browser: Any):
    browser.sign_in("eve")
    browser.show_as(width=1280, scheme="dark")
    found, hovered = [], 0

    for page in [*sown["services"], *sown["incidents"][:2]]:
        found += look_at(browser, page)
        for chart in browser.run(CHARTS):
            browser.run(SHOW, chart)
            plot = browser.until(partial(browser.run, PLOT, chart), 20, f"a chart on {page}")
            browser.run(HOVER, plot)
            hovered += 1
        found += [f"{page} hovered {each}" for each in browser.run(ODDITIES)]

    assert not found, "\n".join(found)
    assert hovered > 0
    assert console.csp_reports() == 0
