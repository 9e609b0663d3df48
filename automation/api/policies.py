from typing import Any

from django.db.models import F
from drf_spectacular.utils import extend_schema
from pydantic import ValidationError as InvalidGuardrails
from rest_framework import serializers, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from automation import switch
from automation.api.views import asked, person
from automation.document_models import Guardrails
from automation.models import AutomationSwitch, HealingPolicy, Runbook
from automation.problem import words_for, written
from incidents.api.configuration import MatchersField
from telemetry.access import Holds
from telemetry.api.strict import Strict

SLUG = "[-a-zA-Z0-9_]+"


class When(Strict):
    matchers = MatchersField(min_length=1)


class Then(Strict):
    runbook = serializers.SlugRelatedField("name", queryset=Runbook.objects.all())
    parameters = serializers.DictField(required=False)


class GuardrailsSerializer(Strict):
    """What is left out is the runbook's own."""

    max_per_hour = serializers.IntegerField(required=False, min_value=1, max_value=1000)
    cooldown_seconds = serializers.IntegerField(required=False, min_value=0, max_value=86_400)
    max_targets = serializers.IntegerField(required=False, min_value=1, max_value=100)
    window = serializers.CharField(required=False, max_length=200)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            Guardrails.model_validate(attrs)
        except InvalidGuardrails as error:
            problems = {written(each["loc"]): [words_for(each)] for each in error.errors()}
            raise serializers.ValidationError(problems) from error
        return attrs


class PolicySerializer(Strict, serializers.ModelSerializer[HealingPolicy]):
    """When such an incident opens, then observe, suggest or run this runbook."""

    when = When(source="*")
    then = Then(source="*")
    guardrails = GuardrailsSerializer(required=False)
    created_by = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]

    class Meta:
        model = HealingPolicy
        fields = ["name", "when", "then", "mode", "guardrails", "is_enabled", "version"]
        fields += ["created_by"]
        read_only_fields = ["version"]

    def create(self, validated_data: dict[str, Any]) -> HealingPolicy:
        return HealingPolicy.objects.create(**validated_data)

    def update(self, instance: HealingPolicy, validated_data: dict[str, Any]) -> HealingPolicy:
        """A changed policy is a new version, so a plan approved under the old one is void."""
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.version = F("version") + 1
        instance.save()
        instance.refresh_from_db()
        return instance


class PolicyViewSet(viewsets.ModelViewSet[HealingPolicy]):
    queryset = HealingPolicy.objects.select_related("runbook", "created_by")
    serializer_class = PolicySerializer
    permission_classes = (Holds,)
    permissions = {
        "read": "automation.view_healingpolicy",
        "write": "automation.change_healingpolicy",
        "create": "automation.add_healingpolicy",
        "destroy": "automation.delete_healingpolicy",
    }
    ordering = ("name",)
    lookup_field = "name"
    lookup_value_regex = SLUG

    def perform_create(self, serializer: serializers.BaseSerializer[HealingPolicy]) -> None:
        serializer.save(created_by=person(self.request))


class SwitchSerializer(serializers.ModelSerializer[AutomationSwitch]):
    by = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]

    class Meta:
        model = AutomationSwitch
        fields = ["is_paused", "reason", "by", "changed_at"]
        read_only_fields = fields
        extra_kwargs = {"changed_at": {"allow_null": True}}


class Pause(Strict):
    reason = serializers.CharField(max_length=300)


class Resume(Strict):
    """An empty body."""


class SwitchViewSet(viewsets.ViewSet):
    """Whether automation may act at all. Resuming is for people."""

    permission_classes = (Holds,)
    permissions = {
        "read": "automation.view_automationswitch",
        "pause": "automation.pause_automation",
        "resume": "automation.resume_automation",
    }
    people_only = ("resume",)

    @extend_schema(responses=SwitchSerializer, operation_id="automation_retrieve")
    def show(self, request: Request) -> Response:
        found = AutomationSwitch.objects.select_related("by").filter(pk=1).first()
        return Response(SwitchSerializer(found or AutomationSwitch(pk=1)).data)

    @extend_schema(request=Pause, responses=SwitchSerializer, operation_id="automation_pause")
    def pause(self, request: Request) -> Response:
        turned = switch.pause(by=person(request), reason=asked(request, Pause)["reason"])
        return Response(SwitchSerializer(turned).data)

    @extend_schema(request=Resume, responses=SwitchSerializer, operation_id="automation_resume")
    def resume(self, request: Request) -> Response:
        asked(request, Resume)
        return Response(SwitchSerializer(switch.resume(by=person(request))).data)
