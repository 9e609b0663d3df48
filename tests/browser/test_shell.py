"""The shell by keyboard: the command palette and the keys of every page; charts by themselves."""

from typing import Any

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

SERVICE = "payments"
PAGES = {
    "i": "/incidents/",
    "a": "/approvals/",
    "l": "/alerts/",
    "s": "/services/",
    "r": "/runbooks/",
    "p": "/policies/",
    "k": "/knowledge/",
    "e": "/estate/",
    "u": "/sources/",
    "t": "/status/",
    "x": "/admin/",
}
IS_OPEN = "return document.getElementById('palette').open"
FOCUSED = "return document.activeElement.id || document.activeElement.tagName"
CHOSEN = "return document.querySelector('#palette [aria-selected=true]')?.innerText ?? ''"
CALLED = """
const done = arguments[arguments.length - 1];
import('/static/ui/chart_points.js').then(points => done((() => {%s})()));
"""
ACTIVE = """
const active = document.activeElement.getAttribute('aria-activedescendant');
return document.getElementById(active).getAttribute('aria-selected');
"""
LIVE = "return document.querySelector('button[data-live]').dataset.live"
LABELS = "return document.querySelectorAll('.ytick text').length"
CUT_OFF = """
const start = element => element.getBoundingClientRect().left;
const isCut = label => start(label) < start(label.closest('[data-chart-plot]'));
return [...document.querySelectorAll('.ytick text')].filter(isCut).map(each => each.textContent);
"""


@pytest.fixture(scope="module")
def populated(console: Any) -> Any:
    console.make_person("eve")
    console.manage("estate", "fault", SERVICE, "crash")
    console.wait_for_incident(SERVICE)
    return console


@pytest.fixture
def shell(populated: Any, browser: Any) -> Any:
    browser.sign_in("eve")
    browser.show_as(width=1280, scheme="light")
    return browser


def press(browser: Any, *keys: str) -> None:
    ActionChains(browser.driver).send_keys(*keys).perform()


def press_with_control(browser: Any, key: str) -> None:
    chain = ActionChains(browser.driver)
    chain.key_down(Keys.CONTROL).send_keys(key).key_up(Keys.CONTROL).perform()


def is_at(browser: Any, path: str) -> bool:
    return browser.driver.current_url.removeprefix(browser.url).startswith(path)


def chosen(browser: Any) -> str:
    return browser.run(CHOSEN)


def open_palette(browser: Any, words: str) -> None:
    press_with_control(browser, "k")
    browser.until(lambda: browser.run(IS_OPEN), 5, "the palette is open")
    press(browser, words)


def test_the_palette_leads_to_an_incident_found_by_its_title(shell: Any, populated: Any):
    shell.open("/services/")
    open_palette(shell, f"{SERVICE} does")
    shell.until(lambda: "INC-" in chosen(shell), 20, "the incident is found")

    press(shell, Keys.ENTER)

    shell.until(lambda: is_at(shell, "/incidents/INC-"), 20, "the incident's page")
    assert populated.csp_reports() == 0


def test_the_palette_presses_the_pages_own_buttons_and_gives_the_focus_back(shell: Any):
    shell.open("/incidents/INC-1/")
    shell.run("document.getElementById('open-assign').focus()")
    open_palette(shell, "assign")
    shell.until(lambda: "Assign" in chosen(shell), 20, "the action is listed")

    press(shell, Keys.ESCAPE)
    assert not shell.run(IS_OPEN)
    assert shell.run(FOCUSED) == "open-assign"

    open_palette(shell, "assign")
    press(shell, Keys.ENTER)
    shell.until(lambda: shell.run("return !!document.querySelector('#assign:popover-open')"), 5, "")
    assert not shell.run(IS_OPEN)


def test_arrows_go_round_and_say_where_they_are(shell: Any):
    shell.open("/status/")
    open_palette(shell, "")
    first = chosen(shell)

    press(shell, Keys.ARROW_UP)
    last = chosen(shell)
    press(shell, Keys.ARROW_DOWN)

    assert chosen(shell) == first != last
    assert shell.run(ACTIVE) == "true"


def test_what_was_visited_in_this_tab_is_offered_again(shell: Any):
    shell.open("/incidents/INC-1/")
    shell.open("/status/")

    open_palette(shell, "INC-1")

    found = "return document.querySelector('#palette [aria-label=Recent]')?.innerText ?? ''"
    assert "INC-1" in shell.run(found)


def test_on_a_phone_the_palette_opens_from_the_account_menu(shell: Any):
    shell.show_as(width=390, scheme="dark")
    shell.open("/incidents/")

    shell.click("[popovertarget=account]")
    shell.click("#account [data-palette]")

    assert shell.run(IS_OPEN)
    wide = "return document.querySelector('#palette').scrollWidth <= innerWidth"
    assert shell.run(wide)


def test_every_page_of_the_menu_has_its_keys(shell: Any):
    for letter, path in PAGES.items():
        shell.open("/profile/")
        press(shell, "g", letter)
        shell.until(lambda path=path: is_at(shell, path), 20, f"g {letter} leads to {path}")


def test_single_keys_search_help_theme_and_pause(shell: Any):
    shell.open("/incidents/")
    shell.until(
        lambda: shell.run(LIVE) == "live",
        20,
        "live",
    )

    press(shell, ".")
    assert shell.run(LIVE) == "paused"
    press(shell, ".")
    assert shell.run(LIVE) == "live"
    press(shell, "t")
    assert shell.run("return document.documentElement.dataset.theme") == "light"
    press(shell, "/")
    assert shell.run(FOCUSED) == "search"
    press(shell, Keys.ESCAPE, "?")
    listed = shell.text("#keys [data-key-list]")
    assert all(words in listed for words in ("Ctrl", "Commands", "Go to Incidents", "Next theme"))


def test_no_key_does_anything_once_they_are_off(shell: Any):
    shell.open("/profile/")
    shell.click("label:has([name=keys][value=off])")

    for keys in ("?", "t", "/", "."):
        press(shell, keys)
    press(shell, "g", "i")
    press_with_control(shell, "k")

    assert is_at(shell, "/profile/")
    assert not shell.run(IS_OPEN)
    assert shell.run("return document.querySelectorAll(':popover-open').length") == 0
    shell.click("label:has([name=keys][value=on])")


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        (  # a gap in the band is a gap in its fill
            "return points.outline([1, 2, 3, 4, 5], [0, 0, null, 0, 0], [9, 9, null, 9, 9])",
            {
                "x": [1, 2, 2, 1, None, 4, 5, 5, 4, None],
                "y": [9, 9, 0, 0, None, 9, 9, 0, 0, None],
            },
        ),
        (  # a live point that comes late leaves a gap before it
            "return points.rows([{x: [10, 11], y: [1, 2]}], 4, 1).map(row => row.y)",
            [None, 1, 2],
        ),
        (  # what came before is not drawn twice
            "return points.since({x: [1, 2, 3], y: [7, 8, 9]}, 2)",
            {"x": [3], "y": [9]},
        ),
        (  # an anomaly that goes on begins once
            "const marks = new points.Beginnings();"
            "return [0, 2, 0, 2].map(score => marks.is({score}))",
            [False, True, False, False],
        ),
        (  # one that had begun before the page was opened does not begin again
            "const marks = new points.Beginnings().seen([5, 5], [0, 0], [1, 1]);"
            "return marks.is({score: 2})",
            False,
        ),
    ],
)
def test_live_points_are_drawn_as_the_server_draws_stored_ones(
    shell: Any, script: str, answer: Any
):
    shell.open("/status/")

    assert shell.driver.execute_async_script(CALLED % script) == answer


def test_no_axis_label_of_a_narrow_chart_is_cut_off(shell: Any):
    shell.show_as(width=780, scheme="light")
    shell.open("/services/checkout/")
    shell.until(lambda: shell.run(LABELS), 40, "charts have labels")

    assert shell.run(CUT_OFF) == []
