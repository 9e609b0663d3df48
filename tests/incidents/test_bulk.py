from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from aiops_site.doctor import examine
from incidents import bulk, lifecycle, tasks
from incidents.models import BulkDeed, Incident, Severity
from tests.incidents.pages_world import make_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def incidents():
    return [open_one(number) for number in range(bulk.BATCH + 5)]


def open_one(number):
    return lifecycle.open_incident(
        title=f"Trouble {number}",
        severity=Severity.LOW,
        correlation_key=f"test:{number}",
        onset_at=timezone.now(),
        service_id=None,
        actor="test",
        text="Opened",
    )


def order(verb, incidents, by, **given):
    numbers = [incident.number for incident in incidents]
    return bulk.order(verb, numbers, given=given, query="status:open", by=by)


def finish(deed):
    while bulk.carry_on(deed.pk):
        pass
    deed.refresh_from_db()
    return deed


def told(incident):
    return list(incident.timeline.values_list("kind", flat=True))


def test_a_batch_at_a_time_it_is_done_to_all(incidents, dana):
    deed = order("acknowledge", incidents, dana)

    is_left = bulk.carry_on(deed.pk)

    deed.refresh_from_db()
    assert (is_left, deed.position) == (True, bulk.BATCH)
    assert Incident.objects.filter(acknowledged_at__isnull=False).count() == bulk.BATCH
    assert not bulk.carry_on(deed.pk)
    assert not Incident.objects.filter(acknowledged_at=None).exists()


@pytest.mark.parametrize(
    ("verb", "given", "field", "value"),
    [
        ("assign", {"to": "dana"}, "assignee__username", "dana"),
        ("snooze", {"until": "2036-01-01T00:00:00+00:00"}, "snoozed_until__year", 2036),
        ("severity", {"to": "critical", "reason": ""}, "severity_rank", 0),
        ("resolve", {"reason": "A test."}, "status", "resolved"),
        ("comment", {"text": "Seen by us."}, "timeline__text", "Seen by us."),
    ],
)
def test_every_verb_does_what_it_says(incidents, dana, verb, given, field, value):
    deed = finish(order(verb, incidents[:2], dana, **given))

    assert len(deed.done) == 2
    assert Incident.objects.filter(**{field: value}).count() == 2


def test_what_is_refused_is_kept_with_its_reason(incidents, dana):
    lifecycle.transition(incidents[1].number, to="resolved", actor="test")
    ordered = order("snooze", incidents[:3], dana, until=None)
    ordered.numbers.append(999_999)
    ordered.save()

    deed = finish(ordered)

    assert deed.done == [incidents[0].number, incidents[2].number]
    assert deed.skipped == [
        [incidents[1].number, "A resolved incident cannot be snoozed."],
        [999_999, "It is no longer there."],
    ]
    assert deed.reasons[0] == ("A resolved incident cannot be snoozed.", 1)


def test_a_worker_that_dies_in_a_batch_leaves_nothing_half_done(incidents, dana, monkeypatch):
    deed = order("assign", incidents[:3], dana, to="dana")
    die_at(incidents[2], monkeypatch)

    with pytest.raises(Died):
        bulk.carry_on(deed.pk)

    assert not Incident.objects.filter(assignee=dana).exists()
    monkeypatch.undo()
    finish(deed)
    assert [told(incident) for incident in incidents[:3]] == [["opened", "assigned"]] * 3


def test_a_batch_that_fails_again_and_again_is_given_up_in_words(incidents, dana, monkeypatch):
    deed = order("assign", incidents[:3], dana, to="dana")
    die_at(incidents[0], monkeypatch)

    for _ in range(bulk.MOST_ATTEMPTS):
        with pytest.raises(Died):
            bulk.carry_on(deed.pk)
    assert not bulk.carry_on(deed.pk)

    deed.refresh_from_db()
    assert deed.stopped_because.startswith("A batch failed 5 times")
    assert deed.finished_at is not None


def test_whoever_loses_the_role_stops_what_they_asked_for(incidents, dana):
    deed = order("acknowledge", incidents, dana)
    bulk.carry_on(deed.pk)

    dana.groups.set(Group.objects.filter(name="viewer"))
    finish(deed)

    assert deed.stopped_because == "dana may not work on incidents any more."
    assert deed.position == bulk.BATCH
    assert Incident.objects.filter(acknowledged_at=None).count() == 5


def test_a_lost_bell_is_rung_again_by_the_sweep(
    incidents, dana, eager, django_capture_on_commit_callbacks
):
    deed = order("acknowledge", incidents, dana)

    with django_capture_on_commit_callbacks(execute=True):
        tasks.sweep_bulk()

    deed.refresh_from_db()
    assert deed.finished_at is not None
    assert bulk.unfinished() == []


def test_a_bell_for_what_is_done_does_nothing(incidents, dana):
    deed = finish(order("acknowledge", incidents[:1], dana))

    assert not bulk.carry_on(deed.pk)
    assert told(incidents[0]) == ["opened", "acknowledged"]


def test_lists_hear_of_a_batch_in_which_all_were_skipped(
    incidents, dana, django_capture_on_commit_callbacks
):
    heard = []
    lifecycle.transition(incidents[0].number, to="resolved", actor="test")
    deed = order("snooze", incidents[:1], dana, until=None)
    bulk.incident_changed.connect(lambda kind, **_: heard.append(kind), weak=False, dispatch_uid=1)

    with django_capture_on_commit_callbacks(execute=True):
        finish(deed)

    bulk.incident_changed.disconnect(dispatch_uid=1)
    assert heard == ["bulk"]


def test_undo_puts_back_what_each_was_before(incidents, dana):
    marek = make_person("marek", "responder")
    lifecycle.assign(incidents[0].number, to=marek, by=dana)
    deed = finish(order("assign", incidents, dana, to="dana"))

    finish(bulk.order_undo(deed.pk, by=dana))

    assert Incident.objects.get(pk=incidents[0].pk).assignee == marek
    assert Incident.objects.filter(assignee=None).count() == len(incidents) - 1


def test_undo_leaves_alone_what_was_acknowledged_before(incidents, dana):
    lifecycle.acknowledge(incidents[0].number, by=dana)
    deed = finish(order("acknowledge", incidents, dana))

    undone = finish(bulk.order_undo(deed.pk, by=dana))

    assert incidents[0].number not in undone.done
    assert list(Incident.objects.exclude(acknowledged_at=None)) == [incidents[0]]


def test_undo_skips_what_has_moved_on_since(incidents, dana):
    deed = finish(order("acknowledge", incidents[:2], dana))
    lifecycle.transition(incidents[0].number, to="monitoring", actor="test")

    undone = finish(bulk.order_undo(deed.pk, by=dana))

    assert undone.skipped == [[incidents[0].number, "It has moved on since it was acknowledged."]]


@pytest.mark.parametrize("verb", ["acknowledge", "assign"])
def test_undo_leaves_alone_what_somebody_else_was_given_since(incidents, dana, verb):
    marek = make_person("marek", "responder")
    deed = finish(order(verb, incidents[:2], dana, to="dana"))
    lifecycle.assign(incidents[0].number, to=marek, by=marek)

    undone = finish(bulk.order_undo(deed.pk, by=dana))

    ((number, why),) = undone.skipped
    assert number == incidents[0].number
    assert why.startswith("It has moved on since")
    assert Incident.objects.get(pk=incidents[0].pk).assignee == marek
    assert Incident.objects.get(pk=incidents[1].pk).assignee is None


def test_undo_leaves_alone_what_was_snoozed_anew_since(incidents, dana):
    deed = finish(order("snooze", incidents[:2], dana, until="2036-01-01T00:00:00+00:00"))
    until = timezone.now() + timedelta(hours=1)
    lifecycle.snooze(incidents[0].number, until=until, by=dana)

    undone = finish(bulk.order_undo(deed.pk, by=dana))

    assert undone.skipped == [[incidents[0].number, "It has moved on since it was snoozed."]]
    assert Incident.objects.get(pk=incidents[0].pk).snoozed_until == until
    assert Incident.objects.get(pk=incidents[1].pk).snoozed_until is None


def test_undo_is_once_and_for_ten_minutes_and_for_the_person_who_did_it(incidents, dana):
    late, twice = (finish(order("acknowledge", [each], dana)) for each in incidents[:2])
    bulk.order_undo(twice.pk, by=dana)

    for deed, by, after in [
        (twice, dana, timedelta()),
        (late, dana, timedelta(minutes=11)),
        (late, make_person("marek", "responder"), timedelta()),
    ]:
        with (
            time_machine.travel(timezone.now() + after, tick=False),
            pytest.raises(bulk.CannotUndo),
        ):
            bulk.order_undo(deed.pk, by=by)


def test_what_cannot_be_taken_back_offers_no_undo(incidents, dana):
    resolved = finish(order("resolve", incidents[:1], dana, reason=""))
    going_on = order("acknowledge", incidents, dana)

    now = timezone.now()

    assert not bulk.may_be_undone(resolved, now)
    assert not bulk.may_be_undone(going_on, now)


def test_an_undo_cannot_be_undone(incidents, dana):
    deed = finish(order("acknowledge", incidents[:1], dana))

    undone = finish(bulk.order_undo(deed.pk, by=dana))

    assert not bulk.may_be_undone(undone, timezone.now())


def test_somebody_who_is_gone_is_assigned_nothing(incidents, dana):
    make_person("marek", "responder")
    deed = order("assign", incidents[:1], dana, to="marek")
    dana.__class__.objects.filter(username="marek").delete()

    assert finish(deed).reasons == [("There is nobody called “marek” any more.", 1)]


def test_the_invariants_hold_afterwards(incidents, dana):
    deed = finish(order("acknowledge", incidents, dana))
    finish(bulk.order_undo(deed.pk, by=dana))

    assert [verdict for verdict in examine() if not verdict.holds] == []


def test_a_large_one_is_not_read_whole_for_each_incident(incidents, dana):
    numbers = [incident.number for incident in incidents] + list(range(10_000, 12_000))
    deed = bulk.order("acknowledge", numbers, given={}, query="", by=dana)

    with CountedQueries() as counted:
        bulk.carry_on(deed.pk)

    assert counted.of(BulkDeed._meta.db_table) <= 4


class CountedQueries:
    def __enter__(self):
        self.seen = []
        self.wrapper = connection.execute_wrapper(self.note)
        self.wrapper.__enter__()
        return self

    def __exit__(self, *error):
        self.wrapper.__exit__(*error)

    def note(self, execute, sql, params, many, context):
        self.seen.append(sql)
        return execute(sql, params, many, context)

    def of(self, table):
        return sum(f'"{table}"' in sql for sql in self.seen)


class Died(BaseException):
    """A worker that is killed runs nothing of what follows."""


def die_at(incident, monkeypatch):
    assign = lifecycle.assign

    def dying(number, **facts):
        if number == incident.number:
            raise Died
        return assign(number, **facts)

    monkeypatch.setattr(lifecycle, "assign", dying)
