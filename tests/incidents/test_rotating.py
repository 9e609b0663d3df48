from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from incidents import connecting, rotating
from incidents.models import Integration
from incidents.rotating import CannotRevoke
from telemetry.credentials import hash_token

pytestmark = pytest.mark.django_db


def connect(provider="grafana"):
    return connecting.connect(provider, name="Main", by=None)


def opens(token, at=None):
    found = Integration.objects.opened_by(hash_token(token), at or timezone.now())
    return found.exists()


@pytest.mark.parametrize("provider", ["grafana", "pagerduty", "otlp"])
def test_a_rotated_token_replaces_the_old_one(provider):
    first = connect(provider)

    second = rotating.rotate(first.integration)

    assert second.token != first.token
    assert len(second.token) == len(first.token)
    assert second.url == first.url
    assert (opens(first.token), opens(second.token)) == (False, True)


def test_with_an_overlap_both_work_until_it_is_over():
    first = connect()

    second = rotating.rotate(first.integration, overlap=rotating.A_DAY)

    assert (opens(first.token), opens(second.token)) == (True, True)
    with time_machine.travel(timezone.now() + rotating.A_DAY + timedelta(seconds=1)):
        assert (opens(first.token), opens(second.token)) == (False, True)
        assert not Integration.objects.get().has_old_token


def test_of_three_tokens_the_oldest_stops_at_once():
    first = connect()

    second = rotating.rotate(first.integration, overlap=rotating.A_DAY)
    third = rotating.rotate(first.integration, overlap=rotating.A_DAY)

    assert [opens(each.token) for each in (first, second, third)] == [False, True, True]


def test_rotating_at_once_ends_every_token_there_was():
    first = connect()
    second = rotating.rotate(first.integration, overlap=rotating.A_DAY)

    third = rotating.rotate(first.integration)

    assert [opens(each.token) for each in (first, second, third)] == [False, False, True]


def test_either_of_two_tokens_is_revoked_and_the_other_stays():
    first = connect()
    second = rotating.rotate(first.integration, overlap=rotating.A_DAY)

    rotating.revoke(first.integration, prefix=first.token[:6])
    assert (opens(first.token), opens(second.token)) == (False, True)

    third = rotating.rotate(first.integration, overlap=rotating.A_DAY)
    rotating.revoke(first.integration, prefix=third.token[:6])
    assert (opens(second.token), opens(third.token)) == (True, False)
    assert opens(second.token, timezone.now() + timedelta(days=30))


def test_the_only_token_cannot_be_revoked():
    first = connect()

    with pytest.raises(CannotRevoke, match="only token"):
        rotating.revoke(first.integration, prefix=first.token[:6])

    assert opens(first.token)


def test_a_token_that_was_rotated_meanwhile_is_not_taken_for_another():
    first = connect()
    rotating.rotate(first.integration, overlap=rotating.A_DAY)
    rotating.rotate(first.integration, overlap=rotating.A_DAY)

    with pytest.raises(CannotRevoke, match="no such token"):
        rotating.revoke(first.integration, prefix=first.token[:6])


def test_a_paused_source_refuses_both():
    first = connect()
    second = rotating.rotate(first.integration, overlap=rotating.A_DAY)
    Integration.objects.update(is_enabled=False)

    assert not opens(first.token)
    assert not opens(second.token)
