from datetime import UTC, datetime, timedelta

import pytest

from telemetry import changes
from telemetry.change_event import ChangeEvent
from telemetry.changes import Told
from telemetry.models import Change, Service

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def told(sender="a", *, at=NOON, **said):
    return Told(
        ChangeEvent(**({"title": "Deploy", "service": "checkout"} | said)), sender, "ci", at
    )


def note(*events):
    return changes.note(list(events))


def test_a_change_runs_until_it_is_told_how_it_went():
    [begun] = note(told(key="1", status="running"))

    [ended] = note(told(key="1", status="failed", at=NOON + timedelta(minutes=3)))

    assert begun.pk == ended.pk
    assert (ended.status, ended.began_at) == ("failed", NOON)
    assert ended.ended_at == NOON + timedelta(minutes=3)


def test_begun_and_ended_in_one_batch_is_one_change():
    [change] = note(told(key="1", status="running"), told(key="1", status="succeeded"))

    assert (change.status, change.ended_at) == ("succeeded", NOON)


def test_a_later_word_completes_an_earlier_one_and_takes_nothing_away():
    note(told(key="1", version="2.31", author="dana"))

    [change] = note(told(key="1", title="Deploy of 2.31", environment="prod"))

    assert (change.version, change.author, change.environment) == ("2.31", "dana", "prod")
    assert change.title == "Deploy of 2.31"


def test_without_a_key_what_is_said_tells_changes_apart():
    note(told(title="One"), told(title="One"), told(title="Two"))

    assert Change.objects.count() == 2


@pytest.mark.parametrize("said", [NOON + timedelta(days=1), datetime(1973, 1, 1, tzinfo=UTC)])
def test_a_time_that_cannot_be_is_the_time_of_arrival(said):
    [change] = note(told(began_at=said, ended_at=said, status="succeeded"))

    assert change.began_at == change.ended_at == NOON


def test_a_service_is_found_by_its_slug_and_added_when_it_is_new():
    known = Service.objects.create(slug="checkout", name="Checkout!")

    note(told(service="Checkout"), told(title="Other", service="store"), told(service=""))

    assert Change.objects.filter(service=known).count() == 1
    assert Service.objects.filter(slug="store").exists()
    assert Change.objects.filter(service=None).count() == 1


def test_what_is_too_long_is_cut():
    [change] = note(told(title="x" * 900, version="v" * 900, author="a" * 900))

    assert (len(change.title), len(change.version), len(change.author)) == (300, 200, 200)


def test_changes_are_forgotten_with_the_metrics_they_were_drawn_on(settings):
    settings.KEEP_ROLLUPS_DAYS = 30
    note(told(title="Old", began_at=NOON - timedelta(days=31)), told(title="New"))

    changes.forget_old(NOON)

    assert Change.objects.get().title == "New"


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ({"kind": "deploy", "version": "v2"}, "deploy v2"),
        ({"kind": "deploy", "version": "v2", "status": "failed"}, "failed deploy v2"),
        ({"kind": "config", "title": "Pool 40"}, "configuration: Pool 40"),
        ({"title": "Something"}, "Something"),
    ],
)
def test_a_change_has_a_short_name(said, label):
    [change] = note(told(**said))

    assert changes.label_of(change) == label


def test_a_chart_marks_the_changes_of_its_service_in_its_stretch():
    note(
        told(title="In", version="v2", kind="deploy", began_at=NOON - timedelta(minutes=5)),
        told(title="Before", began_at=NOON - timedelta(hours=2)),
        told(title="Elsewhere", service="store"),
    )
    service = Service.objects.get(slug="checkout")

    [event] = changes.events_of(service, NOON - timedelta(hours=1), NOON)

    change = Change.objects.get(title="In")
    assert (event.kind, event.label) == ("deploy", "deploy v2")
    assert event.url == f"/services/checkout/changes/#change-{change.pk}"
