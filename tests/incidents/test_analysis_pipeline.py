import threading
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from incidents.analysis import pipeline
from incidents.analysis.finding import Evidence, Finding, NotEnoughData
from incidents.analysis.pipeline import Step
from incidents.analysis.time_limit import TookTooLong, time_limit
from incidents.models import AnalysisStep
from incidents.signals import analysis_finished
from tests.incidents.analysis_world import (
    add_alert,
    build_shop,
    hang_checkout,
    open_incident,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident():
    return open_incident(None, title="Something is wrong")


@pytest.fixture
def steps(monkeypatch):
    """Runs the pipeline with steps of the test's own."""

    def steps(*looks, seconds=5):
        own = [Step(f"step{i}", look, seconds) for i, look in enumerate(looks)]
        monkeypatch.setattr(pipeline, "STEPS", own)

    return steps


def found(summary="found", **fields):
    return lambda _: Finding(summary, {"n": 1}, **fields)


def broken(incident):
    raise ZeroDivisionError("division by zero")


def empty(incident):
    raise NotEnoughData("No metrics yet.")


def endless(incident):
    while True:
        pass


def run_all(incident):
    pipeline.begin(incident.number)
    while pipeline.run_next(incident.number):
        pass
    return list(incident.analysis_steps.all())


def expire_lease(incident, **fields):
    incident.analysis_steps.filter(state="running").update(
        lease_until=timezone.now() - timedelta(seconds=1), **fields
    )


def test_each_step_keeps_what_it_found_and_tells_the_timeline_once(incident, steps):
    steps(found(evidence=[Evidence("log", "seen", 3)], confidence=0.7), found("more"))

    first, second = run_all(incident)

    assert (first.state, first.summary, first.result) == ("done", "found", {"n": 1})
    assert first.evidence == [
        {"kind": "log", "at_offset_seconds": 3, "text": "seen", "against": False}
    ]
    entries = list(incident.timeline.filter(kind="analysis"))
    assert [(e.actor, e.text) for e in entries] == [("analysis", "found"), ("analysis", "more")]
    assert entries[0].payload == {"step": "step0", "state": "done", "confidence": 0.7}
    assert second.lease_until is None


def test_a_failing_step_names_its_error_and_the_next_one_goes_on(incident, steps):
    steps(broken, found())

    first, second = run_all(incident)

    assert first.state == "failed"
    assert first.summary == "Failed: ZeroDivisionError: division by zero"
    assert second.state == "done"


def test_not_enough_data_is_an_answer(incident, steps):
    steps(empty, found())

    first, second = run_all(incident)

    assert (first.state, first.summary) == ("not_enough_data", "No metrics yet.")
    assert second.state == "done"


def test_a_step_that_takes_too_long_is_interrupted_and_the_next_one_goes_on(incident, steps):
    steps(endless, found(), seconds=1)

    first, second = run_all(incident)

    assert (first.state, first.summary) == ("timed_out", "Not done within 1 s.")
    assert second.state == "done"


def test_beginning_twice_puts_down_the_steps_once(incident, steps):
    steps(found(), found())

    pipeline.begin(incident.number)
    pipeline.begin(incident.number)

    assert incident.analysis_steps.count() == 2


def test_a_step_somebody_holds_is_not_run_by_another(incident, steps):
    steps(found())
    pipeline.begin(incident.number)
    pipeline._claim(incident.number)

    is_left = pipeline.run_next(incident.number)

    assert is_left is False
    assert incident.analysis_steps.get().state == "running"
    assert pipeline.sweep(timezone.now()) == []


def test_a_step_whose_worker_was_lost_is_taken_over(incident, steps):
    steps(found())
    pipeline.begin(incident.number)
    pipeline._claim(incident.number)
    expire_lease(incident)

    rung = pipeline.sweep(timezone.now())
    pipeline.run_next(incident.number)

    assert rung == [incident.number]
    assert incident.analysis_steps.get().state == "done"


def test_a_step_that_loses_its_worker_twice_times_out(incident, steps):
    steps(found(), found())
    pipeline.begin(incident.number)
    pipeline._claim(incident.number)
    expire_lease(incident, attempts=2)

    pipeline.run_next(incident.number)

    first, second = incident.analysis_steps.all()
    assert first.state == "timed_out"
    assert "lost 2 times" in first.summary
    assert second.state == "pending"


def test_what_an_old_holder_writes_is_refused(incident, steps):
    steps(found("of the old holder"))
    pipeline.begin(incident.number)
    old = pipeline._claim(incident.number)
    expire_lease(incident)
    new = pipeline._claim(incident.number)

    outcome = pipeline._look(old)
    pipeline._finish(old, outcome)

    assert incident.analysis_steps.get().state == "running"
    assert incident.analysis_steps.get().fence == new.fence
    assert not incident.timeline.filter(kind="analysis").exists()


def test_the_end_is_signalled_once_after_the_last_step(
    incident, steps, django_capture_on_commit_callbacks
):
    steps(found(), broken)
    told = []
    analysis_finished.connect(lambda number, **_: told.append(number), weak=False, dispatch_uid="t")

    with django_capture_on_commit_callbacks(execute=True):
        run_all(incident)
    analysis_finished.disconnect(dispatch_uid="t")

    assert told == [incident.number]


def test_a_lost_first_bell_is_rung_again(incident, steps):
    steps(found())
    pipeline.begin(incident.number)

    soon = pipeline.sweep(timezone.now())
    later = pipeline.sweep(timezone.now() + timedelta(minutes=1))

    assert soon == []
    assert later == [incident.number]


def test_an_incident_whose_analysis_was_never_begun_is_found(incident, steps):
    steps(found())

    rung = pipeline.sweep(timezone.now() + timedelta(minutes=1))

    assert rung == [incident.number]
    assert incident.analysis_steps.count() == 1


def test_fields_a_step_finds_are_written_to_the_incident(incident, steps):
    steps(found(incident_fields={"classification": "latency"}))

    run_all(incident)

    incident.refresh_from_db()
    assert incident.classification == "latency"


def test_the_analysis_starts_again_when_a_new_service_is_touched():
    shop = build_shop()
    incident = open_incident(shop["gateway"])
    run_all(incident)
    long_ago = timezone.now() - timedelta(minutes=2)
    incident.analysis_steps.update(started_at=long_ago)

    before = pipeline.reanalyse(incident.number)
    add_alert(incident, "ServiceDown", shop["checkout"])
    rung = pipeline.sweep(timezone.now())
    again = pipeline.reanalyse(incident.number)

    assert before is False
    assert rung == [incident.number]
    assert again is False
    assert set(incident.analysis_steps.values_list("state", flat=True)) == {"pending"}


def test_the_analysis_starts_again_for_another_symptom_but_not_for_more_of_the_same():
    shop = build_shop()
    incident = open_incident(shop["gateway"])
    add_alert(incident, "HighLatency", shop["gateway"])
    run_all(incident)
    incident.analysis_steps.update(started_at=timezone.now() - timedelta(minutes=2))

    add_alert(incident, "HighLatency", shop["gateway"])
    more = pipeline.sweep(timezone.now())
    add_alert(incident, "HighErrorRate", shop["gateway"])
    another = pipeline.sweep(timezone.now())

    assert more == []
    assert another == [incident.number]


def test_the_analysis_starts_at_most_once_a_minute():
    shop = build_shop()
    incident = open_incident(shop["gateway"])
    run_all(incident)

    add_alert(incident, "ServiceDown", shop["checkout"])

    assert pipeline.reanalyse(incident.number) is False


def test_a_second_look_that_finds_the_same_adds_nothing_to_the_timeline(incident, steps):
    steps(found(confidence=0.5))
    run_all(incident)
    incident.analysis_steps.update(state="pending")

    run_all(incident)

    assert incident.timeline.filter(kind="analysis").count() == 1


def test_the_whole_pipeline_explains_a_hung_checkout():
    incident = hang_checkout(build_shop())

    steps = {step.name: step for step in run_all(incident)}

    incident.refresh_from_db()
    states = {name: step.state for name, step in steps.items()}
    assert states == {
        "enrichment": "done",
        "root_cause": "done",
        "classification": "done",
        "severity": "done",
        "impact": "done",
        "similarity": "not_enough_data",
        "recommendation": "not_enough_data",
    }
    assert incident.service.slug == "checkout"
    assert incident.cause == "checkout is down"
    assert incident.cause_confidence >= 0.70
    assert incident.classification == "service_down"


def test_an_incident_that_says_nothing_still_gets_every_step_answered(incident):
    steps = run_all(incident)

    assert {step.state for step in steps} <= {"done", "not_enough_data"}
    assert AnalysisStep.objects.get(name="classification").result["classification"] == "unknown"


@pytest.mark.django_db(transaction=True)
def test_workers_that_come_at_once_run_each_step_once(steps):
    if connection.vendor == "sqlite" and connection.is_in_memory_db():
        pytest.skip("threads cannot share an SQLite database that is only in memory")
    looks = []
    start = threading.Barrier(4)

    def look(incident):
        looks.append(incident.number)
        return Finding(f"look {len(looks)}", {})

    def work():
        start.wait()
        while pipeline.run_next(incident.number):
            pass
        connection.close()

    steps(look, look, look)
    incident = open_incident(None)
    pipeline.begin(incident.number)
    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    while pipeline.run_next(incident.number):
        pass

    assert len(looks) == 3
    assert set(incident.analysis_steps.values_list("state", flat=True)) == {"done"}
    assert incident.timeline.filter(kind="analysis").count() == 3


def test_a_time_limit_leaves_no_alarm_behind():
    with pytest.raises(TookTooLong), time_limit(0.02):
        time.sleep(5)

    with time_limit(5):
        pass

    time.sleep(0.05)


def test_outside_the_main_thread_the_lease_is_the_limit():
    ran = []

    def limited():
        with time_limit(0.01):
            time.sleep(0.05)
            ran.append(True)

    thread = threading.Thread(target=limited)
    thread.start()
    thread.join()

    assert ran == [True]
