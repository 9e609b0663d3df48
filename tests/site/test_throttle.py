from datetime import timedelta

import pytest
from django.utils import timezone

from aiops_site import throttle
from aiops_site.models import SignInFailure

pytestmark = pytest.mark.django_db
ADA = throttle.keys("192.0.2.1", "ada")


def fail(keys: list[str], times: int) -> None:
    for _ in range(times):
        throttle.note(keys)


def test_the_fifth_failure_closes_the_account_wherever_it_is_tried_from():
    fail(ADA, 4)
    before = throttle.minutes_left(ADA)
    fail(ADA, 1)

    assert before == 0
    assert throttle.minutes_left(throttle.keys("198.51.100.9", "ada")) == 15
    assert throttle.minutes_left(throttle.keys("192.0.2.1", "bob")) == 0


def test_an_address_that_guesses_many_accounts_is_closed_too():
    for index in range(throttle.ALLOWED["address"]):
        fail(throttle.keys("192.0.2.1", f"user-{index}"), 1)

    assert throttle.minutes_left(throttle.keys("192.0.2.1", "somebody-else")) == 15
    assert throttle.minutes_left(throttle.keys("198.51.100.9", "somebody-else")) == 0


def test_an_account_is_one_account_in_capitals_too():
    fail(throttle.keys("192.0.2.1", "ADA"), 5)

    assert throttle.minutes_left(ADA) > 0


def test_it_opens_again_when_the_window_has_passed():
    fail(ADA, 5)
    SignInFailure.objects.update(at=timezone.now() - throttle.WINDOW + timedelta(minutes=3))
    later = throttle.minutes_left(ADA)
    SignInFailure.objects.update(at=timezone.now() - throttle.WINDOW)

    assert later == 3
    assert throttle.minutes_left(ADA) == 0


def test_old_failures_are_not_kept():
    fail(ADA, 2)
    SignInFailure.objects.update(at=timezone.now() - timedelta(hours=1))

    fail(throttle.keys("198.51.100.9", "bob"), 1)

    assert SignInFailure.objects.count() == 2


def test_a_success_forgives_the_account_and_not_the_address():
    fail(ADA, 4)

    throttle.forgive(ADA)

    assert list(SignInFailure.objects.values_list("key", flat=True)) == ["address:192.0.2.1"] * 4


def test_a_very_long_name_is_counted_like_any_other():
    keys = throttle.keys("192.0.2.1", "a" * 10_000)
    fail(keys, 5)

    assert throttle.minutes_left(keys) == 15
