"""What is posted to work on an incident."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework import serializers

from incidents.judging import LONGEST_REASON
from incidents.models import CauseLabel, Incident, Severity
from telemetry.api.strict import Strict, WholeNumber
from telemetry.models import Service

LARGEST = 2**63 - 1
LONGEST_TEXT = 10_000
LONGEST_SUMMARY = 2000
MOST_ALERTS = 1000


def _number() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=LARGEST)


def _reason() -> serializers.CharField:
    return serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class Nothing(Strict):
    """An empty body."""


class Declare(Strict):
    title = serializers.CharField(max_length=300)
    severity = serializers.ChoiceField(Severity.choices)
    service = serializers.SlugRelatedField(
        "slug", queryset=Service.objects.all(), allow_null=True, default=None
    )
    summary = serializers.CharField(allow_blank=True, default="", max_length=LONGEST_SUMMARY)

    def validate_severity(self, said: str) -> Severity:
        return Severity(said)


class Transition(Strict):
    to = serializers.ChoiceField(Incident.Status.choices)
    reason = _reason()


class Assign(Strict):
    to = serializers.SlugRelatedField(
        "username", queryset=User.objects.filter(is_active=True), allow_null=True
    )


class Comment(Strict):
    text = serializers.CharField(max_length=LONGEST_TEXT)


class Pin(Strict):
    seq = _number()
    is_pinned = serializers.BooleanField(default=True)


class Merge(Strict):
    into = _number()


class Split(Strict):
    alerts = serializers.ListField(child=_number(), min_length=1, max_length=MOST_ALERTS)


class Move(Split):
    into = _number()


class Snooze(Strict):
    until = serializers.DateTimeField(allow_null=True)

    def validate_until(self, until: datetime | None) -> datetime | None:
        if until is not None and until <= timezone.now():
            raise serializers.ValidationError("It must be in the future.")
        return until


class ChangeSeverity(Strict):
    to = serializers.ChoiceField(Severity.choices)
    reason = _reason()


class Retitle(Strict):
    title = serializers.CharField(max_length=300)


class Judge(Strict):
    service = serializers.CharField(max_length=255)
    verdict = serializers.ChoiceField(CauseLabel.Verdict.choices, allow_null=True)
    reason = serializers.CharField(
        required=False, allow_blank=True, default="", max_length=LONGEST_REASON
    )


class After(serializers.Serializer[Any]):
    after = WholeNumber(required=False, default=0, min_value=0, max_value=LARGEST)
