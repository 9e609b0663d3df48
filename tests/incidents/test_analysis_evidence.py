"""Changes, errors and traces as evidence, and what of it is kept for as long as the incident."""

from datetime import timedelta

import orjson
import pytest
from django.urls import reverse
from django.utils import timezone

from incidents import tasks
from incidents.analysis import enrichment, pipeline, recent_changes, root_cause, snapshots
from incidents.analysis.finding import Kept, NotEnoughData
from incidents.analysis.series_kind import parties_of
from incidents.models import Incident, Snapshot
from telemetry import changes, own_records
from telemetry.change_event import ChangeEvent
from telemetry.changes import Told
from telemetry.models import Point, Series
from telemetry.records import LogRecord, Span
from tests.incidents.analysis_world import (
    add_alert,
    add_calm_metrics,
    add_points,
    add_series,
    build_shop,
    open_incident,
)
from tests.site import world

pytestmark = pytest.mark.django_db
SECOND = 1_000_000_000
DOWN = "payment <script>alert(1)</script> refused after 3 tries"


@pytest.fixture
def shop():
    return build_shop()


@pytest.fixture
def records():
    """The console's own logs and spans, empty before and after."""
    yield
    own_records.logs().forget(2**62)
    own_records.spans().forget(2**62)


def change(service, incident, *, minutes_before, **said):
    at = incident.onset_at - timedelta(minutes=minutes_before)
    event = ChangeEvent(
        **({"title": "Deploy", "kind": "deploy", "version": "v2.31", "began_at": at} | said),
        service=service,
    )
    [made] = changes.note([Told(event, f"{service}{minutes_before}", "ci", timezone.now())])
    return made


def log(incident, service, body, *, seconds, severity=17):
    at_ns = int((incident.onset_at.timestamp() + seconds) * 1e9)
    own_records.logs().append([LogRecord(at_ns, service, severity, body)])


def trace(incident, service, number, *, is_error, spans=1, seconds=5):
    start = int((incident.onset_at.timestamp() + seconds) * 1e9)
    trace_id = f"{number:032x}"
    own_records.spans().append(
        Span(
            trace_id=trace_id,
            span_id=f"{index:016x}",
            parent_id=f"{0:016x}" if index else "",
            service=service,
            name="POST /pay",
            kind="server",
            start_ns=start + index,
            duration_ns=SECOND * number,
            is_error=is_error and not index,
            status_message="connection refused" if is_error else "",
        )
        for index in range(spans)
    )
    return trace_id


def analyse(incident):
    pipeline.begin(incident.number)
    while pipeline.run_next(incident.number):
        pass
    return Incident.objects.get(number=incident.number)


def kinds(finding):
    return [evidence.kind for evidence in finding.evidence]


def test_a_change_shortly_before_the_onset_is_evidence_with_its_offset(shop):
    incident = open_incident(shop["checkout"])
    made = change("checkout", incident, minutes_before=4)

    finding = enrichment.look(incident)

    [evidence] = finding.evidence
    assert (evidence.kind, evidence.at_offset_seconds) == ("change", -240)
    assert evidence.text == "deploy v2.31 of checkout 4 min before the onset"
    assert evidence.url == f"/services/checkout/changes/#change-{made.pk}"
    assert "Changed in the hour before: deploy v2.31 of checkout." in finding.summary


def test_changes_of_what_the_service_needs_count_and_those_of_others_do_not(shop):
    incident = open_incident(shop["checkout"])
    change("store", incident, minutes_before=30)
    change("payments", incident, minutes_before=3)
    change("catalog", incident, minutes_before=1)
    change("checkout", incident, minutes_before=61)
    change("checkout", incident, minutes_before=-0.5)

    facts = recent_changes.before_onset(incident)

    assert [fact["service"] for fact in facts] == ["payments", "store"]


def test_a_change_close_to_the_onset_makes_its_service_more_suspect(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "HighErrorRate", shop["checkout"])
    add_calm_metrics([shop["gateway"]], incident)
    before = {c.suspect.service: c.confidence for c in verdicts(incident)}

    change("checkout", incident, minutes_before=4)
    after = {c.suspect.service: c.confidence for c in verdicts(incident)}

    assert after["checkout"] == pytest.approx(before["checkout"] + 0.20)


def verdicts(incident):
    incident.analysis_steps.all().delete()
    pipeline.begin(incident.number)
    pipeline.run_next(incident.number)
    edges = root_cause.case.load_edges()
    found = root_cause.case.found_by(incident, "enrichment")
    return root_cause.rank(root_cause._suspects(incident, edges, found))


def test_a_changed_dependency_without_symptoms_is_a_candidate_below_what_is_down(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "ServiceDown", shop["checkout"], summary="checkout is down")
    change("payments", incident, minutes_before=4, status="failed")

    found = root_cause.look(_enriched(incident))

    first, second = found.result["candidates"]
    assert (first["service"], second["service"]) == ("checkout", "payments")
    assert second["title"] == "payments was changed"
    assert any("failed deploy v2.31" in one["text"] for one in second["evidence"])
    assert "changes" in found.result["used"]


def _enriched(incident):
    pipeline.begin(incident.number)
    pipeline.run_next(incident.number)
    return incident


def test_the_page_shows_the_change_on_the_cause_card_with_its_link(shop):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "ServiceDown", shop["checkout"], summary="checkout is down")
    made = change("checkout", incident, minutes_before=4)
    analyse(incident)

    page = world.browser("viewer").get(reverse("incident", args=[incident.number]))

    body = page.content.decode()
    assert "deploy v2.31 of checkout 4 min before the onset" in body
    assert f'href="/services/checkout/changes/#change-{made.pk}"' in body
    assert "#deploy" in body


@pytest.mark.usefixtures("records")
def test_new_error_lines_are_evidence_and_others_are_not(shop):
    incident = open_incident(shop["checkout"])
    for second in range(5):
        log(incident, "checkout", f"{DOWN} {second}", seconds=second)
        log(incident, "checkout", "all is well", seconds=second, severity=9)
    log(incident, "catalog", "not of those concerned", seconds=1)

    finding = enrichment.look(incident)

    [fact] = finding.result["errors"]
    assert (fact["service"], fact["before"], fact["after"]) == ("checkout", 0, 5)
    assert fact["patterns"][0]["trend"] == "new"
    assert kinds(finding) == ["log"]
    assert "checkout logged 5 error lines, 0 in the time before" in finding.summary


@pytest.mark.usefixtures("records")
def test_errors_as_usual_are_looked_at_and_no_evidence(shop):
    incident = open_incident(shop["checkout"], seconds_ago=300)
    for second in range(-600, 240, 20):
        log(incident, "checkout", f"cache miss {second}", seconds=second)

    finding = enrichment.look(incident)

    assert finding.result["errors"][0]["after"] > 10
    assert finding.evidence == []


@pytest.mark.usefixtures("records")
def test_failed_traces_are_evidence_and_the_slowest_come_first(shop):
    incident = open_incident(shop["checkout"])
    for number in range(1, 8):
        trace(incident, "checkout", number, is_error=number in (2, 3))

    finding = enrichment.look(incident)

    traces = finding.result["traces"]
    assert [(one["errors"], round(one["duration_ms"])) for one in traces] == [
        (1, 3000),
        (1, 2000),
        (0, 7000),
        (0, 6000),
        (0, 5000),
    ]
    assert kinds(finding) == ["trace", "trace"]


def test_without_anything_at_all_the_step_says_what_is_missing(shop):
    with pytest.raises(NotEnoughData):
        enrichment.look(open_incident(shop["checkout"]))


@pytest.mark.usefixtures("records")
def test_what_was_looked_at_is_kept_and_bounded(shop):
    incident = open_incident(shop["checkout"])
    add_points(add_series(shop["checkout"], "http.server.request.duration.p95"), incident, then=2.0)
    change("checkout", incident, minutes_before=4)
    log(incident, "checkout", f"{DOWN}\0 {'x' * 9000}", seconds=1)
    trace(incident, "checkout", 3, is_error=True, spans=900)
    analyse(incident)

    kept = {row.kind: row for row in incident.snapshots.all()}

    assert set(kept) == {"metrics", "logs", "traces", "changes", "topology"}
    assert len(kept["metrics"].content["x"]) <= 240
    assert len(kept["traces"].content["spans"]) == 200
    assert len(kept["logs"].content["lines"][0]["body"]) == 500
    assert kept["topology"].content["calls"][0]["caller"]
    assert all(len(orjson.dumps(row.content)) <= 64_000 for row in kept.values())


def test_a_look_that_finds_more_renews_what_is_kept(shop):
    incident = open_incident(shop["checkout"])
    series = add_series(shop["checkout"], "http.server.request.duration.p95")
    add_points(series, incident, then=2.0, until=10)
    analyse(incident)
    first = incident.snapshots.get(kind="metrics")
    Point.objects.bulk_create(
        Point(series=series, at_ms=first.content["x"][-1] + second * 1000, value=3.0)
        for second in range(1, 30)
    )
    snapshots.renew(timezone.now())
    at_once = incident.snapshots.get(kind="metrics").taken_at

    grown = snapshots.renew(timezone.now() + timedelta(minutes=2))

    renewed = incident.snapshots.get(kind="metrics")
    assert (at_once, renewed.pk, grown) == (first.taken_at, first.pk, [])
    assert len(renewed.content["x"]) == len(first.content["x"]) + 29
    assert renewed.taken_at > first.taken_at


def test_an_incident_that_is_over_keeps_what_it_has(shop):
    incident = open_incident(shop["checkout"])
    add_calm_metrics([shop["checkout"]], incident)
    analyse(incident)
    Incident.objects.update(status="resolved", resolved_at=timezone.now())
    taken = set(incident.snapshots.values_list("taken_at"))

    snapshots.renew(timezone.now() + timedelta(minutes=5))

    assert set(incident.snapshots.values_list("taken_at")) == taken


@pytest.mark.usefixtures("records", "eager")
def test_logs_and_changes_that_come_late_make_the_analysis_look_again_once(
    shop, django_capture_on_commit_callbacks, time_machine
):
    incident = open_incident(shop["checkout"])
    add_alert(incident, "HighErrorRate", shop["checkout"])
    add_calm_metrics([shop["checkout"]], incident)
    analyse(incident)
    log(incident, "checkout", DOWN, seconds=1)
    change("checkout", incident, minutes_before=4)
    runs = []

    for minutes in (2, 4):
        time_machine.move_to(timezone.now() + timedelta(minutes=minutes))
        with django_capture_on_commit_callbacks(execute=True):
            tasks.renew_evidence()
        step = incident.analysis_steps.get(name="enrichment")
        runs.append((step.fence, {evidence["kind"] for evidence in step.evidence}))

    assert runs[0] == runs[1]
    assert runs[0][1] >= {"log", "change"}


def test_no_more_than_thirty_rows_are_kept_and_the_newest_stay(shop):
    incident = open_incident(shop["checkout"])
    snapshots.save(incident, "enrichment", [Kept("logs", f"old {n}", {}) for n in range(30)])

    snapshots.save(incident, "enrichment", [Kept("logs", f"new {n}", {}) for n in range(3)])

    titles = set(incident.snapshots.values_list("title", flat=True))
    assert len(titles) == 30
    assert {"new 0", "new 1", "new 2"} <= titles


@pytest.mark.usefixtures("records")
def test_only_the_worst_traces_of_all_looks_are_kept(shop):
    incident = open_incident(shop["checkout"])
    trace(incident, "checkout", 1, is_error=True)
    add_calm_metrics([shop["checkout"]], incident)
    analyse(incident)
    for number in range(2, 9):
        trace(incident, "checkout", number, is_error=False)

    snapshots.renew(timezone.now() + timedelta(minutes=2))

    kept = [row.content for row in incident.snapshots.filter(kind="traces")]
    assert sorted(round(one["duration_ms"]) for one in kept) == [1000, 5000, 6000, 7000, 8000]


@pytest.mark.usefixtures("records")
def test_a_new_kind_of_error_is_evidence_also_where_errors_are_common(shop):
    incident = open_incident(shop["checkout"], seconds_ago=120)
    for second in range(-400, 100, 5):
        log(incident, "checkout", f"cache miss {second}", seconds=second)
    for second in range(3):
        log(incident, "checkout", f"{DOWN} {second}", seconds=second)

    [evidence] = enrichment.look(incident).evidence

    assert "refused after" in evidence.text


def test_content_that_is_too_large_is_cut_at_its_longest_list():
    fitted = snapshots.fitting({"lines": ["é" * 900] * 900, "note": "a", "few": [1, 2]})

    assert len(orjson.dumps(fitted)) <= 64_000
    assert fitted["cut"]
    assert (fitted["note"], fitted["few"]) == ("a", [1, 2])


@pytest.fixture
def forgotten(shop):
    """An incident of yesterday whose metrics' source has forgotten the points."""
    incident = open_incident(shop["checkout"])
    add_points(add_series(shop["checkout"], "http.server.request.duration.p95"), incident, then=2.0)
    analyse(incident)
    Point.objects.all().delete()
    yesterday = timezone.now() - timedelta(days=1)
    Incident.objects.update(onset_at=yesterday, opened_at=yesterday)
    return Incident.objects.get()


def test_charts_are_drawn_from_the_evidence_when_their_points_are_gone(forgotten):
    kept = Snapshot.objects.get(kind="metrics")
    client = world.browser("viewer")

    page = client.get(reverse("incident", args=[forgotten.number])).content.decode()
    figure = client.get(f"/api/v1/incidents/{forgotten.number}/evidence/{kept.pk}/figure/").json()

    assert f"/evidence/{kept.pk}/figure/" in page
    assert "drawn from the evidence kept" in page
    assert "from the evidence kept at" in figure["sentence"]
    observed = next(trace for trace in figure["data"] if trace["meta"]["role"] == "observed")
    assert len(observed["x"]) == len(kept.content["x"])
    assert figure["series"] == kept.content["series"]


def test_the_evidence_outlives_the_series_itself(forgotten):
    Series.objects.all().delete()

    page = world.browser("viewer").get(reverse("incident", args=[forgotten.number]))

    assert "/evidence/" in page.content.decode()


@pytest.mark.usefixtures("records")
def test_the_page_shows_the_error_lines_as_text(shop):
    incident = open_incident(shop["checkout"])
    log(incident, "checkout", DOWN, seconds=1)
    trace(incident, "checkout", 3, is_error=True)
    analyse(incident)

    body = world.browser("viewer").get(reverse("incident", args=[incident.number]))

    text = body.content.decode()
    assert "Errors in the log of checkout" in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert" not in text
    assert "POST /pay" in text


def test_the_api_lists_the_evidence_of_an_incident(shop):
    incident, other = open_incident(shop["checkout"]), open_incident(shop["store"])
    change("checkout", incident, minutes_before=4)
    analyse(incident)
    client = world.program("viewer")

    rows = client.get(f"/api/v1/incidents/{incident.number}/evidence/").json()["results"]

    assert {row["kind"] for row in rows} == {"changes", "topology"}
    assert rows[0].keys() >= {"id", "step", "title", "source", "question", "content", "taken_at"}
    assert client.get(f"/api/v1/incidents/{other.number}/evidence/").json()["results"] == []
    assert client.get("/api/v1/incidents/999/evidence/").status_code == 404
    topology = next(row["id"] for row in rows if row["kind"] == "topology")
    path = f"/api/v1/incidents/{incident.number}/evidence/{topology}/figure/"
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    ("labels", "parties"),
    [
        ({"caller": "Web Gateway"}, ("store", "web-gateway")),
        ({"caller": ""}, ("store", "")),
        ({"peer_service": "Payments_API"}, ("payments-api", "store")),
        ({"peer_service": "Store"}, ("store", "")),
    ],
)
def test_a_caller_is_told_by_its_slug_whatever_its_label_says(labels, parties):
    assert parties_of("store", labels) == parties
