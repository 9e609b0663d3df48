"""The one switch that keeps automation from acting. It needs no broker."""

from django.contrib.auth.models import User

from automation.models import AutomationSwitch


def pause(*, by: User, reason: str) -> AutomationSwitch:
    return _turn(is_paused=True, by=by, reason=reason)


def resume(*, by: User) -> AutomationSwitch:
    return _turn(is_paused=False, by=by, reason="")


def _turn(*, is_paused: bool, by: User, reason: str) -> AutomationSwitch:
    switch, _ = AutomationSwitch.objects.update_or_create(
        pk=1, defaults={"is_paused": is_paused, "by": by, "reason": reason[:300]}
    )
    return switch
