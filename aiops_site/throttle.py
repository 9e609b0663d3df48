"""Five failures in fifteen minutes, by account and by address; kept in the database."""

from datetime import timedelta

from django.utils import timezone

from aiops_site.models import SignInFailure

WINDOW = timedelta(minutes=15)
ALLOWED = {"account": 5, "address": 20}


def keys(address: str, username: str) -> list[str]:
    return [f"account:{username.lower()[:150]}", f"address:{address}"]


def minutes_left(keys: list[str]) -> int:
    """0 when another try is allowed."""
    return max((_minutes_left(key) for key in keys), default=0)


def note(keys: list[str]) -> None:
    now = timezone.now()
    SignInFailure.objects.filter(at__lt=now - WINDOW).delete()
    SignInFailure.objects.bulk_create(SignInFailure(key=key, at=now) for key in keys)


def forgive(keys: list[str]) -> None:
    """The account only: an own account must not wash an address clean that guesses others."""
    accounts = [key for key in keys if key.startswith("account:")]
    SignInFailure.objects.filter(key__in=accounts).delete()


def _minutes_left(key: str) -> int:
    since = timezone.now() - WINDOW
    failures = SignInFailure.objects.filter(key=key, at__gt=since).order_by("at")
    times = list(failures.values_list("at", flat=True))
    allowed = ALLOWED[key.partition(":")[0]]
    if len(times) < allowed:
        return 0
    left = times[-allowed] + WINDOW - timezone.now()
    return max(1, round(left.total_seconds() / 60))
