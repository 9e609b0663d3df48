from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from aiops_site.templatetags.timeline import LOOKS
from incidents import knowledge, lifecycle
from incidents.analysis import pipeline
from incidents.models import AnalysisStep, CorrelationLabel, Incident
from incidents.views.findings import as_offset
from telemetry.models import Anomaly
from tests.incidents.analysis_world import add_points, add_series, build_shop
from tests.incidents.pages_world import alert, make_integration, make_person, newest, receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop():
    return build_shop()


@pytest.fixture
def incident(shop):
    down = alert("ServiceDown", service="payments", summary="payments is down")
    slow = alert("HighErrorRate", service="checkout", severity="high")
    receive(make_integration(), down, slow)
    return newest()


def analyse(incident):
    pipeline.begin(incident.number)
    while pipeline.run_next(incident.number):
        pass
    incident.refresh_from_db()


def show(page, incident):
    return page.get(reverse("incident", args=[incident.number])).content.decode()


def act(page, incident, verb, *, htmx=False, **form):
    url = reverse("incident-act", args=[incident.number, verb])
    headers = {"HX-Request": "true"} if htmx else {}
    return page.post(url, form, headers=headers)


def seen(page, incident):
    """What the page sends back to learn what has changed."""
    parts = page.get(reverse("incident", args=[incident.number])).context["parts"]
    return {f"seen-{name}": part.digest for name, part in parts.items()}


def test_before_the_analysis_the_page_says_that_the_cause_is_not_known(page, incident):
    body = show(page, incident)

    assert "2 alerts came in, and the cause is not known yet." in body
    assert "Nothing has been looked at yet." in body


def test_the_cause_is_shown_with_its_evidence_and_what_speaks_against_it(page, incident):
    analyse(incident)

    body = show(page, incident)

    assert "payments is down." in body
    assert "says the service itself is down" in body
    assert "against" in body
    assert "probable cause</text>" in body


def test_steps_that_have_no_data_say_what_is_missing(page, incident):
    analyse(incident)

    body = show(page, incident)

    assert "not enough data" in body
    assert "No metrics from" in body
    assert "No incident has been resolved yet" in body


def test_signals_are_charts_of_the_series_that_left_their_band(page, shop, incident):
    series = add_series(shop["payments"], "http.server.request.duration.p95")
    Incident.objects.filter(pk=incident.pk).update(onset_at=timezone.now() - timedelta(seconds=60))
    incident.refresh_from_db()
    add_points(series, incident, then=0.9)
    analyse(incident)

    body = show(page, incident)

    assert f"/api/v1/series/figure/?series={series.pk}" in body
    assert 'data-topic="series:payments"' in body
    assert "payments p95 latency" in body
    assert "900 ms" in body


def test_somebody_who_may_not_see_series_gets_no_charts(client, incident):
    person = make_person("vera", "viewer")
    group = person.groups.get()
    group.permissions.remove(group.permissions.get(codename="view_series"))
    client.force_login(person)

    assert "data-chart" not in show(client, incident)


def test_a_deed_without_a_script_comes_back_to_the_page_with_a_message(page, incident):
    response = act(page, incident, "acknowledge")

    assert response.url == reverse("incident", args=[incident.number])
    assert "Acknowledged INC-" in page.get(response.url).content.decode()


def test_a_deed_brings_along_the_parts_that_changed_and_only_those(page, incident):
    before = seen(page, incident)

    body = act(page, incident, "acknowledge", htmx=True, **before).content.decode()

    assert 'id="head" hx-swap-oob' in body
    assert 'aria-labelledby="h-alerts" hx-swap-oob' not in body
    assert "Undo" in body


def test_a_step_that_is_not_allowed_is_refused_in_words(page, incident):
    response = act(page, incident, "transition", htmx=True, to="closed")

    assert response.status_code == 409
    assert "not to closed." in response.content.decode()


@pytest.mark.parametrize(
    ("verb", "form"),
    [
        ("explode", {}),
        ("transition", {"to": "heaven"}),
        ("snooze", {"seconds": "-1"}),
        ("snooze", {"until": "soon"}),
        ("snooze", {"until": "2020-01-01T09:00"}),
        ("snooze", {"until": "9999-12-31T23:59-23:59"}),
        ("merge", {"into": "INC-999999"}),
        ("merge", {"into": "x"}),
        ("retitle", {"title": "  "}),
        ("comment", {"text": ""}),
        ("separate", {}),
        ("separate", {"alert": "1", "into": "INC-999999"}),
        ("separate", {"alert": "1", "into": "9" * 39}),
        ("separate", {"alert": "9" * 39}),
        ("separate", {"alert": "9" * 5000}),
        ("assign", {"assignee": "nobody-here"}),
    ],
)
def test_a_form_that_makes_no_sense_changes_nothing(page, incident, verb, form):
    before = incident.last_seq

    response = act(page, incident, verb, htmx=True, **form)

    incident.refresh_from_db()
    assert response.status_code == 409
    assert incident.last_seq == before


def test_nothing_new_is_an_empty_answer(page, incident):
    url = reverse("incident-changes", args=[incident.number])

    assert page.get(url, seen(page, incident)).status_code == 204


def test_news_are_the_parts_that_changed(page, incident):
    before = seen(page, incident)
    analyse(incident)

    body = page.get(reverse("incident-changes", args=[incident.number]), before).content.decode()

    assert 'aria-labelledby="h-cause" hx-swap-oob' in body
    assert 'id="timeline"' not in body


def test_alerts_are_split_off_and_moved(page, incident):
    first, second = incident.alerts.order_by("pk")

    act(page, incident, "separate", alert=second.pk)
    second.refresh_from_db()
    split = second.incident
    act(page, split, "separate", alert=second.pk, into=f"INC-{incident.number}")

    second.refresh_from_db()
    assert split != incident
    assert second.incident == first.incident == incident


def test_each_correction_of_a_grouping_has_a_look_of_its_own_in_the_timeline():
    assert set(CorrelationLabel.Verb.values) <= set(LOOKS)


def test_a_merged_incident_leads_to_the_other_one(page, incident):
    receive(make_integration("other"), alert("Lonely"))
    other = newest()

    act(page, other, "merge", into=f"inc-{incident.number}")

    assert f'Merged into <a href="/incidents/INC-{incident.number}/">' in show(page, other)


def test_every_entry_of_the_timeline_has_an_address(page, incident):
    body = show(page, incident)

    assert '<li id="entry-1"' in body
    assert 'href="#entry-1"' in body


def test_a_comment_is_text_and_nothing_else(page, incident):
    act(page, incident, "comment", text="**bold** <b>x</b>")

    body = show(page, incident)

    assert "**bold** &lt;b&gt;x&lt;/b&gt;" in body
    assert "<b>x</b>" not in body


def test_running_the_analysis_again_queues_every_step(page, incident):
    analyse(incident)

    page.post(reverse("incident-analyse", args=[incident.number]))

    states = set(incident.analysis_steps.values_list("state", flat=True))
    assert states == {AnalysisStep.State.PENDING}
    assert "Analysing, step 1 of 7" in show(page, incident)


def test_a_resolved_incident_says_what_it_was(page, incident):
    analyse(incident)
    lifecycle.transition(incident.number, to="resolved", actor="test")

    body = show(page, incident)

    assert "The probable cause was that payments is down." in body
    assert "recovered" in body


def test_a_resolved_incident_shows_what_was_learnt_from_it(page, incident):
    lifecycle.transition(incident.number, to="resolved", actor="test")
    number = incident.number
    knowledge.record_fix(number, runbook="restart-service", verified=True, reference="execution:1")

    body = page.get(f"/incidents/INC-{number}/knowledge/").content.decode()

    assert "restart-service fixed it, verified" in body
    assert reverse("article", args=[incident.article.pk]) in body
    assert "No fix and no article is known" not in body


def test_a_resolved_incident_tells_the_peak_between_its_onset_and_its_end(page, shop, incident):
    onset_at = timezone.now() - timedelta(seconds=60)
    Incident.objects.filter(pk=incident.pk).update(onset_at=onset_at)
    incident.refresh_from_db()
    before, during = (
        add_series(shop["payments"], name) for name in ("a.duration.p95", "b.duration.p95")
    )
    for series, started_at in ((before, onset_at - timedelta(hours=2)), (during, onset_at)):
        add_points(series, incident, then=0.9)
        Anomaly.objects.create(
            series=series, started_at=started_at, ended_at=started_at + timedelta(seconds=30),
            peak_score=9, value=7.5, lower=0.01, upper=0.05,
        )  # fmt: skip
    analyse(incident)
    lifecycle.transition(incident.number, to="resolved", actor="test")

    body = show(page, incident)

    assert body.count(", at worst</dt>") == 1
    assert '<dd class="value">7.5 s</dd>' in body


def test_every_part_has_an_address_of_its_own(page, incident):
    parts = ("impact", "cause", "signals", "alerts", "topology", "similar", "knowledge")
    for name in (*parts, "timeline", "head"):
        response = page.get(f"/incidents/INC-{incident.number}/{name}/")
        assert response.status_code == 200
        assert f'id="{name}"' in response.content.decode()
    assert page.get(f"/incidents/INC-{incident.number}/nonsense/").status_code == 404


def test_the_remediations_have_an_address_beside_the_parts(page, incident):
    response = page.get(f"/incidents/INC-{incident.number}/remediation/", follow=True)

    assert response.status_code == 200
    assert "Remediations</h1>" in response.content.decode()


def test_the_link_to_copy_is_the_consoles_public_address(page, incident, settings):
    settings.PUBLIC_URL = "https://console.example"

    body = show(page, incident)

    assert f'data-copy-text="https://console.example/incidents/INC-{incident.number}/"' in body


def test_the_reason_for_the_charts_follows_what_was_found(page, shop, incident):
    series = add_series(shop["payments"], "http.server.request.duration.p95")
    Incident.objects.filter(pk=incident.pk).update(onset_at=timezone.now() - timedelta(seconds=60))
    incident.refresh_from_db()
    add_points(series, incident)
    analyse(incident)
    calm = show(page, incident)
    add_points(add_series(shop["payments"], "shop.errors.rate"), incident, then=0.9)
    pipeline.run_again(incident.number)
    analyse(incident)

    odd = show(page, incident)

    assert "None of 1 series left its expected band. Shown are the nearest to leaving it." in calm
    assert "Shown are those, the most telling kind first, then the nearest to them." in odd


def test_a_viewer_reads_and_may_do_nothing(client, incident):
    client.force_login(make_person("vera", "viewer"))

    body = show(client, incident)

    assert "do/acknowledge" not in body
    assert act(client, incident, "acknowledge").status_code == 403


def test_an_incident_that_is_not_there_is_not_found(page):
    assert page.get("/incidents/INC-404/").status_code == 404
    assert page.get("/incidents/404/row/").status_code == 404


def test_a_plain_number_leads_to_the_page(page, incident):
    response = page.get(f"/incidents/{incident.number}/")

    assert response.url == f"/incidents/INC-{incident.number}/"


def test_offsets_have_a_sign_and_long_ones_are_hours():
    assert as_offset(-240) == "\N{MINUS SIGN}4:00"
    assert as_offset(20) == "+0:20"
    assert as_offset(36_000) == "+10 h"
    assert as_offset(None) == ""


def judge(page, incident, service, verdict, *, htmx=False, **form):
    url = reverse("incident-judge", args=[incident.number])
    headers = {"HX-Request": "true"} if htmx else {}
    return page.post(url, {"service": service, "verdict": verdict, **form}, headers=headers)


def test_each_probable_cause_can_be_confirmed_or_ruled_out(page, incident):
    analyse(incident)

    body = show(page, incident)

    assert body.count('data-testid="confirm-cause"') == 2
    assert body.count('data-testid="not-it-confirm"') == 2


def test_a_confirmed_cause_says_by_whom_and_can_be_taken_back(page, incident):
    analyse(incident)

    judge(page, incident, "payments", "confirmed")

    body = show(page, incident)
    assert "<b>Dana</b> confirmed this cause" in body
    assert 'data-testid="take-back"' in body
    judge(page, incident, "payments", "")
    assert "confirmed this cause" not in show(page, incident)


def test_of_a_resolved_incident_a_confirmed_cause_is_no_longer_called_probable(page, incident):
    analyse(incident)
    judge(page, incident, "payments", "confirmed")

    lifecycle.transition(incident.number, to="resolved", actor="test")

    assert "The cause was that payments is down." in show(page, incident)


def test_a_cause_that_was_ruled_out_comes_last_with_its_reason(page, incident):
    analyse(incident)

    judge(page, incident, "payments", "rejected", reason="<b>restarted</b>, no change")

    body = show(page, incident)
    assert body.index("checkout: HighErrorRate</h3>") < body.index('class="clip">payments is down')
    assert "ruled this out" in body
    assert "&lt;b&gt;restarted&lt;/b&gt;, no change" in body


def test_a_judgement_brings_along_the_parts_that_changed(page, incident):
    analyse(incident)
    before = seen(page, incident)

    body = judge(page, incident, "payments", "rejected", htmx=True, **before).content.decode()

    assert 'aria-labelledby="h-cause" hx-swap-oob' in body
    assert 'aria-labelledby="h-impact" hx-swap-oob' in body


@pytest.mark.parametrize(
    ("service", "verdict"), [("catalog", "confirmed"), ("payments", "perhaps"), ("", "rejected")]
)
def test_a_judgement_that_makes_no_sense_is_refused_in_words(page, incident, service, verdict):
    analyse(incident)

    response = judge(page, incident, service, verdict, htmx=True)

    assert response.status_code == 409
    assert 'role="alert"' in response.content.decode()


def test_a_viewer_reads_what_was_said_of_a_cause_and_may_say_nothing(page, client, incident):
    analyse(incident)
    judge(page, incident, "payments", "confirmed")
    client.force_login(make_person("vera", "viewer"))

    body = show(client, incident)

    assert "confirmed this cause" in body
    assert "take-back" not in body
    assert judge(client, incident, "payments", "").status_code == 403
