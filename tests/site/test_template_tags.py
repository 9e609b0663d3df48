from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.template.context import Context
from django.utils import timezone

from aiops_site.templatetags.console import (
    NOTHING,
    ago,
    clock,
    confidence,
    duration,
    icon,
    initials,
    markdown,
    severity,
    status,
)
from aiops_site.templatetags.shell import preference
from aiops_site.templatetags.timeline import look


def test_a_severity_is_a_shape_a_word_and_a_colour():
    html = severity("critical")

    assert 'data-sev="critical"' in html
    assert "sprite.svg#critical" in html
    assert html.endswith("Critical</span>")


def test_an_unknown_severity_looks_like_info_and_stays_text():
    html = severity("<b>")

    assert 'data-sev="info"' in html
    assert "<b>" not in html


def test_a_state_that_came_from_outside_is_escaped():
    html = status('"><script>')

    assert "<script>" not in html


def test_an_icon_name_cannot_leave_its_attribute():
    assert '"><' not in icon('x"><svg onload=x>').removesuffix('"/></svg>').replace('"><use', "")


@pytest.mark.parametrize(
    ("value", "word"), [(0.86, "Likely 0.86"), (0.4, "Possible 0.40"), (0.39, "Unlikely 0.39")]
)
def test_confidence_is_a_word_and_a_number(value, word):
    assert word in confidence(value)


def test_confidence_outside_its_range_keeps_the_bar_inside():
    assert 'width="48.0"' in confidence(7)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.25, "0.2 s"),
        (131, "2 m 11 s"),
        (3600, "1 h"),
        (90061, "1 d 1 h"),
        (None, NOTHING),
    ],
)
def test_a_duration_has_at_most_two_units(seconds, words):
    assert duration(seconds) == words


def test_a_relative_time_carries_the_whole_time():
    at = timezone.now() - timedelta(minutes=4, seconds=30)

    html = ago(at)

    assert ">4 m ago</time>" in html
    assert f'title="{at:%Y-%m-%d %H:%M:%S} UTC"' in html


def test_what_never_happened_is_said_so():
    assert "never" in ago(None)


def test_the_time_of_day_is_utc_until_the_page_knows_better():
    html = clock(datetime(2026, 11, 20, 14, 3, tzinfo=UTC))

    assert 'datetime="2026-11-20T14:03:00.000Z"' in html
    assert ">14:03</time>" in html


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "![x](https://evil.example/a.png)",
        '<img src=x onerror="alert(1)">',
        "[x](data:text/html;base64,PHN2Zz4=)",
        "<svg><a xlink:href='javascript:1'>x</a></svg>",
    ],
)
def test_markdown_makes_nothing_that_runs_or_loads(text):
    html = markdown(text).lower()

    assert not any(
        tag in html for tag in ("<script", "<img", "<svg", 'href="javascript', 'href="data')
    )


def test_markdown_links_trust_nobody():
    assert 'rel="nofollow noopener noreferrer"' in markdown("[x](https://example.com)")


def test_markdown_headings_do_not_disturb_the_outline_of_the_page():
    assert "<h1" not in markdown("# Impact")
    assert "<strong>Impact</strong>" in markdown("# Impact")


@pytest.mark.parametrize(
    ("name", "letters"), [("Dana Okafor", "DO"), ("dana", "DA"), ("priya.nair", "PN"), ("", "")]
)
def test_initials(name, letters):
    assert initials(name) == letters


def test_a_preference_from_a_tampered_cookie_is_the_default():
    request = SimpleNamespace(COOKIES={"theme": '"><script>', "keys": "off"})

    assert preference(Context({"request": request}), "theme") == "auto"
    assert preference(Context({"request": request}), "keys") == "off"


def test_a_page_without_a_request_has_the_default_theme():
    assert preference(Context({}), "theme") == "auto"


def test_a_change_of_status_looks_like_the_status_it_led_to():
    assert look("status", {"to": "resolved"})["icon"] == "resolved"
    assert look("status", {"to": "<x>"})["icon"] == "investigating"


def test_a_kind_nobody_knows_looks_like_its_first_word_or_plain():
    assert look("analysis_root_cause", {})["icon"] == "flask"
    assert look("whatever", {})["icon"] == "info"
