import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from automation import approval, claiming, execution
from automation.models import Execution, Remediation, Runbook, RunbookVersion
from automation.published import write_version
from automation.text_difference import side_by_side, unified
from automation.views import runbooks
from tests.automation.pages_world import (
    a_person,
    a_plan,
    an_incident,
    connect_supervisor,
    publish_runbook,
    text_of,
)


@pytest.fixture
def browser(db):
    return a_person("edie", "editor")[1]


def page(browser, name, *args, **query):
    return browser.get(reverse(name, args=args), query).content.decode()


def a_run(incident=None):
    """Of the runbook restart-medium: it began just now."""
    plan = a_plan(incident=incident)
    now = timezone.now()
    return Execution.objects.create(remediation=plan, created_at=now, started_at=now)


def shown_runs(html):
    return [int(pk) for pk in re.findall(r'<a href="/executions/(\d+)/">', html)]


def names(html):
    return re.findall(r'<a href="/runbooks/[^"]+"><b class="nowrap">([^<]+)', html)


def test_an_empty_library_says_what_a_runbook_is(browser):
    assert "No runbooks yet" in page(browser, "runbooks")


def test_the_library_is_searched_by_words_and_risk(browser):
    publish_runbook("restart-low", risk="low")
    publish_runbook("restart-high", risk="high")

    assert names(page(browser, "runbooks")) == ["restart-high", "restart-low"]
    assert names(page(browser, "runbooks", q="high")) == ["restart-high"]
    assert names(page(browser, "runbooks", risk="low")) == ["restart-low"]
    assert "2 without this filter." in page(browser, "runbooks", q="nothing")


def test_the_library_is_searched_by_owner_and_tag(browser):
    publish_runbook("restart-low", risk="low")
    publish_runbook("restart-high", risk="high")
    Runbook.objects.filter(name="restart-low").update(owner="payments", tags=["database"])

    assert names(page(browser, "runbooks", owner="payments")) == ["restart-low"]
    assert names(page(browser, "runbooks", tag="database")) == ["restart-low"]
    assert names(page(browser, "runbooks", q="DATABASE pay")) == ["restart-low"]
    assert names(page(browser, "runbooks", tag="data")) == []
    assert "kept by <a" in page(browser, "runbook", "restart-low")


def test_a_runbook_that_never_ran_says_so(browser):
    publish_runbook()

    assert "no runs yet" in page(browser, "runbooks")
    assert "no runs yet" in page(browser, "runbook", "restart")
    assert "data-bars" not in page(browser, "runbook", "restart")


def test_a_runbook_that_ran_long_ago_has_no_rate(browser):
    run = a_run()
    Execution.objects.filter(pk=run.pk).update(started_at=timezone.now() - timedelta(days=31))

    html = page(browser, "runbooks")

    assert "no runs yet" not in html
    assert ">no run<" in html


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("succeeded", "1 succeeded"),
        ("failed", "1 failed"),
        ("rolled_back", "1 rolled back"),
        ("stopped", "1 stopped or unknown"),
        ("unknown", "1 stopped or unknown"),
        ("running", "1 under way"),
    ],
)
def test_runs_are_counted_by_day_and_by_how_they_ended(browser, state, words):
    run = a_run()
    yesterday = timezone.now() - timedelta(days=1)
    Execution.objects.filter(pk=run.pk).update(state=state, started_at=yesterday)

    html = page(browser, "runbook", "restart-medium")

    assert f"1 in 30 days: {words}" in html
    assert f'<td class="nowrap">{yesterday:%-d %b}</td><td class="num">1</td>' in html


def test_older_runs_are_on_further_pages(browser, monkeypatch):
    monkeypatch.setattr(runbooks, "RUNS", 1)
    first = a_run()
    second = a_run(an_incident("store"))

    newest = page(browser, "runbook", "restart-medium")
    older = page(browser, "runbook", "restart-medium", runs="2")

    assert shown_runs(newest) == [second.pk]
    assert shown_runs(older) == [first.pk]
    assert 'href="?runs=2#h-runs"' in newest


def test_the_library_counts_how_often_a_runbook_worked(browser):
    plan = a_plan()
    lee, _ = a_person("lee", "approver")
    approval.approve(plan.pk, plan_hash=plan.plan_hash, by=lee)
    claiming.claim(plan.execution.pk)
    execution.finish(plan.execution.pk, Execution.State.SUCCEEDED, "Verified.")

    html = page(browser, "runbooks")

    assert "<b>100 %</b>" in html
    assert "1 of 1" in html


def test_a_runbook_nobody_touched_for_half_a_year_is_stale(browser):
    publish_runbook()
    long_ago = timezone.now() - timedelta(days=181)
    RunbookVersion.objects.update(created_at=long_ago)

    assert "stale" in page(browser, "runbooks")


def test_the_preview_shows_the_exact_plan_and_makes_none(browser):
    publish_runbook()
    connect_supervisor()

    html = page(browser, "runbook", "restart", **{"preview": "yes", "p-service": "checkout"})

    assert "supervisor restart checkout" in html
    assert "by estate at http://127.0.0.1:9/RPC2, up to 1 min" in html
    assert not Remediation.objects.exists()


def test_a_preview_without_a_needed_value_says_which(browser):
    publish_runbook()

    html = page(browser, "runbook", "restart", preview="yes")

    assert "This field is required." in html


def test_a_draft_can_be_read_before_it_is_published(browser):
    publish_runbook()
    write_version(text_of("restart", seconds=90), author=None, reason="Longer")

    published = page(browser, "runbook", "restart")
    draft = page(browser, "runbook", "restart", version="2")

    assert "up to 1 m" in published
    assert "Not published" in draft
    assert "up to 1 m 30 s" in draft


@pytest.mark.parametrize("version", ["9", "x", "9" * 30])
def test_a_version_that_is_not_there_is_not_found(browser, version):
    publish_runbook()

    url = reverse("runbook", args=["restart"])
    assert browser.get(url, {"version": version}).status_code == 404


def test_two_versions_are_compared(browser):
    publish_runbook()
    write_version(text_of("restart", seconds=90), author=None, reason="Longer")

    under = page(browser, "runbook-difference", "restart")
    beside = page(browser, "runbook-difference", "restart", view="sides")

    assert "timeout_seconds: 60" in re.search(r"<del>(.*)</del>", under)[1]
    assert "timeout_seconds: 90" in re.search(r"<ins>(.*)</ins>", beside)[1]


def test_the_text_is_downloaded_as_it_was_written(browser):
    publish_runbook()

    response = browser.get(reverse("runbook-text", args=["restart"]))

    assert response.content.decode() == text_of("restart")
    assert response["Content-Disposition"] == 'attachment; filename="restart-v1.yaml"'


def test_only_those_who_may_edit_are_led_to_the_editor(browser):
    publish_runbook()
    change = reverse("admin:automation_runbook_change", args=[Runbook.objects.get().pk])
    _, viewer = a_person("vera", "viewer")

    assert change in page(browser, "runbook", "restart")
    assert change not in page(viewer, "runbook", "restart")


def test_a_version_that_can_no_longer_be_read_is_shown_as_such(browser):
    publish_runbook()
    RunbookVersion.objects.update(text="risk: none")

    html = page(browser, "runbook", "restart")

    assert "can no longer be read" in html


def test_sides_have_the_same_number_of_lines():
    sides = side_by_side("a\nb\nc", "a\nx\ny\nz\nc")

    assert [sign for sign, _ in sides.left] == [" ", "-", " ", " ", " "]
    assert [line for _, line in sides.right] == ["a", "x", "y", "z", "c"]


def test_the_same_text_has_no_difference():
    assert unified("a\nb", "a\nb") == []
