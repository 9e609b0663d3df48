"""Remediations and executions as the API shows them, and what is posted to decide about them."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from automation import guardrails
from automation.limits import Check
from automation.models import Approval, Execution, OutputLine, Remediation, Runbook, StepRun
from automation.plan import display
from automation.streams import as_line
from incidents.models import Incident
from telemetry.api.strict import Strict

LARGEST = 2**63 - 1


class StepSerializer(serializers.Serializer[Any]):
    """One step of a plan; `request` is exactly what the executor is asked to do."""

    name = serializers.CharField()
    action = serializers.CharField()
    target = serializers.CharField()
    executor = serializers.CharField()
    request = serializers.DictField()
    timeout_seconds = serializers.IntegerField()
    retries = serializers.IntegerField()
    idempotent = serializers.BooleanField()


class CheckSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    passed = serializers.BooleanField()
    reason = serializers.CharField()


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    by = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]

    class Meta:
        model = Approval
        fields = ["by", "decision", "plan_hash", "reason", "is_break_glass", "at"]
        read_only_fields = fields


class RemediationListSerializer(serializers.ListSerializer[Any]):
    """Looks the guardrails of all its rows up at once."""

    child: Any

    def to_representation(self, data: Any) -> list[Any]:
        rows = list(data)
        self.child.known_checks = guardrails.check_waiting(rows, timezone.now())
        return super().to_representation(rows)


class RemediationSerializer(serializers.ModelSerializer[Remediation]):
    """Guardrails are those that a decision now would meet; empty once it is decided."""

    known_checks: dict[int, list[Check]] | None = None
    incident = serializers.IntegerField(source="incident_id", read_only=True)
    runbook = serializers.CharField(source="runbook.name", read_only=True)
    version = serializers.IntegerField(source="version.number", read_only=True)
    steps = serializers.SerializerMethodField()
    rollback = serializers.SerializerMethodField()
    targets = serializers.ListField(
        source="plan.targets", child=serializers.CharField(), read_only=True
    )
    guardrails = serializers.SerializerMethodField()
    requested_by = serializers.SlugRelatedField("username", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    policy = serializers.SlugRelatedField("name", read_only=True, allow_null=True)  # type: ignore[var-annotated]
    approvals = ApprovalSerializer(many=True, read_only=True)
    execution = serializers.IntegerField(
        source="execution.pk", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Remediation
        list_serializer_class = RemediationListSerializer
        fields = ["id", "incident", "runbook", "version", "title", "why", "confidence"]
        fields += ["parameters", "steps", "rollback", "targets", "risk", "guardrails", "plan_hash"]
        fields += ["status", "status_reason", "requested_by", "policy", "approvals", "execution"]
        fields += ["created_at", "expires_at", "decided_at"]
        read_only_fields = fields

    @extend_schema_field(StepSerializer(many=True))
    def get_steps(self, remediation: Remediation) -> list[dict[str, Any]]:
        return display(remediation.plan)

    @extend_schema_field(StepSerializer(many=True))
    def get_rollback(self, remediation: Remediation) -> list[dict[str, Any]]:
        return display({"steps": remediation.plan["rollback"]})

    @extend_schema_field(CheckSerializer(many=True))
    def get_guardrails(self, remediation: Remediation) -> Any:
        checks = self.known_checks
        if checks is None:
            checks = guardrails.check_waiting([remediation], timezone.now())
        return CheckSerializer(checks.get(remediation.pk, []), many=True).data


class Propose(Strict):
    incident = serializers.PrimaryKeyRelatedField(
        queryset=Incident.objects.select_related("service"),
        pk_field=serializers.IntegerField(min_value=1, max_value=LARGEST),
    )
    runbook = serializers.SlugRelatedField("name", queryset=Runbook.objects.filter(is_enabled=True))
    parameters = serializers.DictField(required=False, default=dict)


class Decide(Strict):
    plan_hash = serializers.CharField(max_length=64)
    reason = serializers.CharField(required=False, allow_blank=True, default="", max_length=2000)


class Approve(Decide):
    break_glass = serializers.BooleanField(required=False, default=False)


class Stop(Strict):
    how = serializers.ChoiceField(["stop", "kill"], default="stop")


class Settle(Strict):
    step = serializers.IntegerField(min_value=1, max_value=LARGEST)
    verdict = serializers.ChoiceField(["done", "not_done", "give_up"])


class OutputLineSerializer(serializers.ModelSerializer[OutputLine]):
    """The same shape as the socket's."""

    step = serializers.IntegerField(source="step_id", read_only=True, allow_null=True)

    class Meta:
        model = OutputLine
        fields = ["seq", "at", "step", "kind", "text"]
        read_only_fields = fields

    def to_representation(self, instance: OutputLine) -> dict[str, Any]:
        return as_line(instance)


class StepRunSerializer(serializers.ModelSerializer[StepRun]):
    action = serializers.CharField(source="step.action", read_only=True)
    target = serializers.CharField(source="step.target", read_only=True)

    class Meta:
        model = StepRun
        fields = ["id", "position", "is_rollback", "title", "action", "target", "state"]
        fields += ["attempts", "summary", "started_at", "finished_at"]
        read_only_fields = fields


class ShownStepRunSerializer(StepRunSerializer):
    output = serializers.SerializerMethodField()

    class Meta(StepRunSerializer.Meta):
        fields = [*StepRunSerializer.Meta.fields, "output"]
        read_only_fields = fields

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_output(self, step: StepRun) -> list[str]:
        """Its last lines, oldest first."""
        lines: list[OutputLine] = step.last_lines  # type: ignore[attr-defined]
        return [line.text for line in reversed(lines)]


class ExecutionSerializer(serializers.ModelSerializer[Execution]):
    incident = serializers.IntegerField(source="remediation.incident_id", read_only=True)
    runbook = serializers.CharField(source="remediation.runbook.name", read_only=True)
    title = serializers.CharField(source="remediation.title", read_only=True)
    steps = StepRunSerializer(many=True, read_only=True)

    class Meta:
        model = Execution
        fields = ["id", "remediation", "incident", "runbook", "title", "state", "reason"]
        fields += ["stop_requested", "last_seq", "created_at", "started_at", "verify_until"]
        fields += ["finished_at", "steps"]
        read_only_fields = fields


class ShownExecutionSerializer(ExecutionSerializer):
    steps = ShownStepRunSerializer(many=True, read_only=True)
