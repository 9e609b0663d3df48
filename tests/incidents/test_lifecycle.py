import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from datetime import timezone as fixed_zone
from itertools import product
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from incidents import lifecycle, signals
from incidents.lifecycle import InvalidTransition
from incidents.models import Incident, Severity, TimelineEntry
from telemetry.models import Service

pytestmark = pytest.mark.django_db
STATUSES = Incident.Status.values
ALLOWED = {
    "open": {"investigating", "identified", "monitoring", "resolved"},
    "investigating": {"identified", "monitoring", "resolved"},
    "identified": {"investigating", "monitoring", "resolved"},
    "monitoring": {"investigating", "identified", "resolved"},
    "resolved": {"open", "closed"},
    "closed": set(),
}


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def incident() -> Any:
    def make(key: str = "service:1", **facts: Any) -> Incident:
        opened = lifecycle.open_incident(
            title="checkout is down",
            severity=Severity.HIGH,
            correlation_key=key,
            onset_at=timezone.now(),
            service_id=None,
            actor="intake",
            text="Opened",
        )
        Incident.objects.filter(pk=opened.pk).update(**facts)
        return Incident.objects.get(pk=opened.pk)

    return make


@pytest.fixture
def heard() -> Iterator[list[tuple[str, int]]]:
    """Which signals were sent, about which incident."""
    told: list[tuple[str, int]] = []
    names = ("timeline_grew", "incident_changed", "incident_opened", "incident_resolved")
    listeners = {
        name: (lambda number, name=name, **_: told.append((name, number))) for name in names
    }
    for name, listener in listeners.items():
        getattr(signals, name).connect(listener, weak=False)
    yield told
    for name, listener in listeners.items():
        getattr(signals, name).disconnect(listener)


def last_entry(of: Incident) -> TimelineEntry:
    return of.timeline.latest("seq")


class TestOpening:
    def test_it_starts_with_an_entry_that_says_why(self, incident: Any):
        opened = incident()

        entry = opened.timeline.get()
        assert (entry.seq, entry.kind, entry.actor, entry.text) == (1, "opened", "intake", "Opened")
        assert (opened.status, opened.severity_rank, opened.last_seq) == ("open", 1, 1)

    def test_a_sender_whose_clock_runs_ahead_does_not_date_it_in_the_future(self):
        opened = lifecycle.open_incident(
            title="t" * 500,
            severity=Severity.LOW,
            correlation_key="k",
            onset_at=timezone.now() + timedelta(hours=5),
            service_id=Service.objects.create(slug="checkout").pk,
            actor="intake",
            text="Opened",
        )

        assert opened.onset_at <= timezone.now()
        assert len(opened.title) == 300

    def test_a_second_active_one_under_the_same_key_is_refused(self, incident: Any):
        incident("service:1")

        with pytest.raises(IntegrityError), transaction.atomic():
            incident("service:1")

        assert Incident.objects.count() == 1


class TestTransitions:
    @pytest.mark.parametrize(("before", "to"), [*product(STATUSES, STATUSES)])
    def test_only_the_steps_of_the_table_can_be_taken(self, incident: Any, before: str, to: str):
        one = incident(status=before)

        if to in ALLOWED[before]:
            lifecycle.transition(one.number, to=to, actor="ada")
        else:
            with pytest.raises(InvalidTransition, match=f"From {before} it can go to"):
                lifecycle.transition(one.number, to=to, actor="ada")

        one.refresh_from_db()
        assert one.status == (to if to in ALLOWED[before] else before)
        assert one.timeline.count() == one.last_seq == (2 if to in ALLOWED[before] else 1)

    def test_a_refusal_names_the_status_as_people_know_it(self, incident: Any):
        resolved = incident(status="resolved")

        with pytest.raises(InvalidTransition, match=r"open, closed, not to resolved\."):
            lifecycle.transition(resolved.number, to=Incident.Status.RESOLVED, actor="test")

    def test_a_word_that_is_no_status_is_refused(self, incident: Any):
        with pytest.raises(InvalidTransition, match="not to exploded"):
            lifecycle.transition(incident().number, to="exploded", actor="ada")

    def test_a_step_is_told_with_its_reason_and_both_ends(self, incident: Any):
        one = incident()

        lifecycle.transition(one.number, to="identified", actor="ada", reason="bad deploy")

        entry = last_entry(one)
        assert (entry.kind, entry.actor, entry.text) == (
            "status",
            "ada",
            "Cause identified: bad deploy",
        )
        assert entry.payload == {"from": "open", "to": "identified"}

    @pytest.mark.parametrize(
        ("steps", "stamp"),
        [
            (["identified"], "identified_at"),
            (["monitoring"], "monitoring_at"),
            (["resolved"], "resolved_at"),
            (["resolved", "closed"], "closed_at"),
        ],
    )
    def test_the_moment_is_kept(self, incident: Any, steps: list[str], stamp: str):
        one = incident()

        for step in steps:
            one = lifecycle.transition(one.number, to=step, actor="ada")

        one.refresh_from_db()
        assert timezone.now() - getattr(one, stamp) < timedelta(seconds=10)

    def test_resolving_ends_a_snooze(self, incident: Any):
        one = incident(snoozed_until=timezone.now() + timedelta(hours=1))

        assert lifecycle.transition(one.number, to="resolved", actor="ada").snoozed_until is None

    def test_reopening_begins_anew(self, incident: Any, ada: User):
        one = incident()
        lifecycle.acknowledge(one.number, by=ada)
        lifecycle.transition(one.number, to="resolved", actor="ada")

        again = lifecycle.transition(one.number, to="open", actor="ada")

        assert (again.resolved_at, again.acknowledged_at, again.status) == (None, None, "open")

    def test_one_whose_trouble_has_a_new_incident_is_not_reopened(self, incident: Any):
        old = incident("service:1", status="resolved")
        rival = incident("service:1")

        with pytest.raises(InvalidTransition, match=f"INC-{rival.number} is already open"):
            lifecycle.transition(old.number, to="open", actor="ada")

        old.refresh_from_db()
        assert old.status == "resolved"
        assert old.timeline.count() == 1


class TestAcknowledging:
    def test_an_open_one_is_investigated_by_who_took_note(self, incident: Any, ada: User):
        one = lifecycle.acknowledge(incident().number, by=ada)

        assert (one.status, one.assignee) == ("investigating", ada)
        assert last_entry(one).kind == "acknowledged"

    def test_a_later_status_and_an_assignee_are_left_as_they_are(self, incident: Any, ada: User):
        bob = User.objects.create_user("bob")

        one = lifecycle.acknowledge(incident(status="identified", assignee=bob).number, by=ada)

        assert (one.status, one.assignee) == ("identified", bob)

    def test_twice_is_once(self, incident: Any, ada: User):
        first = lifecycle.acknowledge(incident().number, by=ada)

        second = lifecycle.acknowledge(first.number, by=User.objects.create_user("bob"))

        assert second.acknowledged_at == first.acknowledged_at
        assert second.assignee == ada
        assert second.last_seq == 2

    def test_what_is_over_needs_none(self, incident: Any, ada: User):
        with pytest.raises(InvalidTransition, match="resolved"):
            lifecycle.acknowledge(incident(status="resolved").number, by=ada)

    def test_one_made_by_mistake_can_be_taken_back(self, incident: Any, ada: User):
        one = lifecycle.acknowledge(incident().number, by=ada)

        one = lifecycle.undo_acknowledge(one.number, by=ada)

        assert (one.status, one.acknowledged_at) == ("open", None)
        assert last_entry(one).text == "Acknowledgement taken back"

    @pytest.mark.parametrize("status", ["open", "identified", "resolved"])
    def test_but_not_once_it_has_moved_on(self, incident: Any, ada: User, status: str):
        at = None if status == "open" else timezone.now()

        with pytest.raises(InvalidTransition, match="moved on"):
            lifecycle.undo_acknowledge(incident(status=status, acknowledged_at=at).number, by=ada)


class TestSnoozing:
    def test_it_needs_no_action_until_then(self, incident: Any, ada: User):
        until = datetime(2030, 1, 1, 9, 30, tzinfo=UTC)

        one = lifecycle.snooze(incident().number, until=until, by=ada)

        assert last_entry(one).text == "Snoozed until 2030-01-01 09:30 UTC"
        assert not Incident.objects.needs_action(until - timedelta(minutes=1)).exists()
        assert Incident.objects.needs_action(until).exists()

    def test_the_time_is_told_in_utc_wherever_it_was_said(self, incident: Any, ada: User):
        until = datetime(2030, 1, 1, 9, 30, tzinfo=fixed_zone(timedelta(hours=2)))

        one = lifecycle.snooze(incident().number, until=until, by=ada)

        assert "07:30 UTC" in last_entry(one).text

    def test_a_person_can_end_it(self, incident: Any, ada: User):
        one = incident(snoozed_until=timezone.now() + timedelta(hours=1))

        one = lifecycle.snooze(one.number, until=None, by=ada)

        assert one.snoozed_until is None
        assert last_entry(one).text == "Snooze ended"

    def test_what_is_over_cannot_be_snoozed(self, incident: Any, ada: User):
        with pytest.raises(InvalidTransition):
            lifecycle.snooze(incident(status="closed").number, until=timezone.now(), by=ada)

    def test_the_clock_wakes_what_is_due_and_only_that(self, incident: Any):
        now = timezone.now()
        due = incident("a", snoozed_until=now)
        later = incident("b", snoozed_until=now + timedelta(minutes=1))
        over = incident("c", status="resolved", snoozed_until=now)

        woken = lifecycle.wake_snoozed(now)

        for one in (due, later, over):
            one.refresh_from_db()
        assert (woken, due.snoozed_until) == (1, None)
        assert (last_entry(due).actor, last_entry(due).text) == ("clock", "Snooze ended")
        assert later.snoozed_until is not None
        assert over.timeline.count() == 1
        assert lifecycle.wake_snoozed(now) == 0

    def test_one_that_was_snoozed_again_meanwhile_sleeps_on(self, incident: Any, monkeypatch: Any):
        now = timezone.now()
        one = incident(snoozed_until=now)
        lock = lifecycle.locked

        def after_somebody_else(number: int) -> Incident:
            Incident.objects.update(snoozed_until=now + timedelta(hours=1))
            return lock(number)

        monkeypatch.setattr(lifecycle, "locked", after_somebody_else)

        woken = lifecycle.wake_snoozed(now)

        one.refresh_from_db()
        assert woken == 0
        assert one.snoozed_until == now + timedelta(hours=1)


class TestOtherChanges:
    def test_severity_is_told_with_both_and_ranked(self, incident: Any):
        one = lifecycle.change_severity(
            incident().number, to=Severity.CRITICAL, actor="ada", reason="all regions"
        )

        assert (one.severity, one.severity_rank) == ("critical", 0)
        assert last_entry(one).text == "Severity high → critical: all regions"
        assert last_entry(one).payload == {"from": "high", "to": "critical"}

    def test_the_same_severity_is_no_news(self, incident: Any):
        one = lifecycle.change_severity(incident().number, to=Severity.HIGH, actor="ada")

        assert one.timeline.count() == 1

    def test_a_new_title_is_told_with_the_old_one(self, incident: Any, ada: User):
        one = lifecycle.retitle(incident().number, title="t" * 400, by=ada)

        assert one.title == "t" * 300
        assert last_entry(one).text == "Renamed from “checkout is down”"

    def test_assigning_and_nobody(self, incident: Any, ada: User):
        one = lifecycle.assign(incident().number, to=ada, by=ada)
        assigned = last_entry(one)
        one = lifecycle.assign(one.number, to=None, by=ada)

        assert (assigned.text, assigned.payload) == ("Assigned to ada", {"to": "ada"})
        assert (last_entry(one).text, one.assignee) == ("Nobody is assigned any more", None)

    def test_a_comment_is_kept_as_it_was_written(self, incident: Any, ada: User):
        entry = lifecycle.comment(incident().number, text="<b>{0}</b> %s", by=ada)

        assert (entry.kind, entry.actor, entry.text) == ("comment", "ada", "<b>{0}</b> %s")


class TestSignals:
    def test_nothing_is_told_before_the_commit(
        self, heard: Any, incident: Any, django_capture_on_commit_callbacks: Any
    ):
        with django_capture_on_commit_callbacks(execute=True):
            one = incident()
            before = list(heard)

        assert before == []
        assert heard[:3] == [
            ("timeline_grew", one.number),
            ("incident_changed", one.number),
            ("incident_opened", one.number),
        ]

    def test_what_was_rolled_back_is_never_told(
        self, heard: Any, incident: Any, django_capture_on_commit_callbacks: Any
    ):
        one = incident()
        with django_capture_on_commit_callbacks(execute=True), pytest.raises(InvalidTransition):
            lifecycle.transition(one.number, to="closed", actor="ada")

        assert heard == []

    def test_a_resolution_is_told_once(
        self, heard: Any, incident: Any, django_capture_on_commit_callbacks: Any
    ):
        one = incident()

        with django_capture_on_commit_callbacks(execute=True):
            lifecycle.transition(one.number, to="resolved", actor="ada")

        assert heard.count(("incident_resolved", one.number)) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_people_at_once_leave_no_gap_and_none_is_lost(incident: Any):
    one = incident()
    people = [User.objects.create_user(f"person-{index}") for index in range(8)]

    def write(person: User) -> None:
        for index in range(10):
            lifecycle.comment(one.number, text=f"{person.username} {index}", by=person)
        connection.close()

    threads = [threading.Thread(target=write, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    one.refresh_from_db()
    entries = list(one.timeline.values_list("seq", "actor", "text"))
    assert [seq for seq, *_ in entries] == list(range(1, 82))
    assert one.last_seq == 81
    for person in people:
        own = [text for _, actor, text in entries if actor == person.username]
        assert own == [f"{person.username} {index}" for index in range(10)]


@pytest.mark.django_db(transaction=True)
def test_of_many_who_acknowledge_at_once_one_is_assigned(incident: Any):
    one = incident()
    people = [User.objects.create_user(f"person-{index}") for index in range(6)]

    def acknowledge(person: User) -> None:
        lifecycle.acknowledge(one.number, by=person)
        connection.close()

    threads = [threading.Thread(target=acknowledge, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    [entry] = one.timeline.filter(kind="acknowledged")
    one.refresh_from_db()
    assert one.assignee.username == entry.actor
